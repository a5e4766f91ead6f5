"""Tables that were read without an error and yet wrongly come in as they are meant."""

from __future__ import annotations

import json
import re

import pytest
from tests_support.everyday import bring, frame, sheets
from tests_support.mended_tables import CASES
from tests_support.small_tables import plain

from tl_core.cli.main import main
from tl_core.data.readers.disguise import is_renamed
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError


@pytest.mark.parametrize("name", CASES)
def test_it_comes_in_as_it_is_meant(name, tmp_path, capsys):
    case = CASES[name]
    flags = [
        part
        for option, value in case.options.items()
        for part in (f"--{option.replace('_', '-')}", str(value))
    ]
    code = main(["data", "add", str(bring(case.files, tmp_path)), "--name", "x", "--json", *flags])
    found = json.loads(capsys.readouterr().out)
    if case.asks or case.refuses:
        assert code == 2, found
        error = found["error"]
        assert not case.asks or error["question"]["option"] == case.asks
        assert re.search(case.refuses, f"{error['what']} {error['why']}")
        return
    assert code == 0, found
    plan = found["plan"]
    told = " ".join([*plan["notes"], *plan["uncertain"]])
    assert found["classes"] == case.classes
    assert {split: found["splits"].get(split, 0) for split in case.splits} == case.splits
    assert bool(plan["uncertain"]) == (not case.sure), told
    assert case.told in told
    assert case.aside in " ".join(one["reason"] for one in plan["set_aside"])
    assert case.columns.items() <= found["columns"].items()


@pytest.mark.parametrize(
    ("content", "readable"),
    [
        (plain("\t").encode(), True),
        (sheets(a=frame(20)), True),
        (b"\xd0\xcf\x11\xe0\0\0", False),
        (b"<html><table>", False),
    ],
    ids=["table", "new workbook", "old workbook", "web page"],
)  # its bytes tell the time
def test_a_workbook_of_old_that_is_none_is_read(content, readable, tmp_path):
    path = tmp_path / "t.xls"
    path.write_bytes(content)
    assert is_renamed(path) == readable
    if readable:
        assert sum(len(part.numbers) for part in read_table(path)) >= 20
    else:
        with pytest.raises(DataError, match="before 2007"):
            next(read_table(path))
