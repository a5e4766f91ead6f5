"""Everyday inputs by the command line and by the page's import: the right classes and splits, or
the right question.
"""

from __future__ import annotations

import json
import re

import pytest
from tests_support.everyday import bring
from tests_support.everyday_pictures import PICTURES
from tests_support.everyday_tables import TABLES

from tl_core.cli.main import main
from tl_core.data.limits import LIMITS
from tl_core.data.preview import look_into, plan_import
from tl_core.errors import DataError

CASES = {**PICTURES, **TABLES}


def flags(options):
    return [
        part
        for name, value in options.items()
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]


@pytest.mark.parametrize("name", CASES)
def test_the_command_line_reads_it_as_it_is_meant(name, tmp_path, capsys):
    case = CASES[name]
    source = bring(case.files, tmp_path, zipped=len(case.files) > 1 and len(name) % 2 == 0)
    code = main(["data", "add", str(source), "--name", "x", "--json", *flags(case.options)])
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    if case.asks or case.refuses:
        assert code == 2, found
        error = found["error"]
        assert not case.asks or (error["code"], error["question"]["option"]) == (
            "ambiguous",
            case.asks,
        )
        assert re.search(case.refuses, f"{error['what']} {error['why']} {error['try_this']}")
        return
    assert code == 0, found
    assert found["classes"] == case.classes
    assert {split: found["splits"].get(split, 0) for split in case.splits} == case.splits
    told = " ".join([*found["plan"]["notes"], *found["plan"]["uncertain"]])
    assert bool(found["plan"]["uncertain"]) == (not case.sure), told
    assert ("Warning" in printed.err) == (not case.sure)
    assert case.told in told
    assert case.aside in " ".join(one["reason"] for one in found["plan"]["set_aside"])
    assert not case.finding or case.finding in {one["id"] for one in found["findings"]}
    assert case.columns.items() <= found["columns"].items()
    assert len(found["plan"]["sample"]) == min(3, found["rows"])
    assert {one["role"] for one in found["plan"]["columns"]} >= {"label"}


@pytest.mark.parametrize("name", CASES)
def test_the_page_shows_the_same_before_anything_is_saved(name, tmp_path):
    case = CASES[name]
    source = bring(case.files, tmp_path, zipped=len(case.files) > 1)
    try:
        looked = look_into(source, tmp_path / "s", LIMITS, case.options)
        plan = (
            looked
            if looked["question"]
            else plan_import(source, tmp_path / "p", LIMITS, case.options)
        )
    except DataError as error:
        assert case.refuses and re.search(case.refuses, str(error)), error
        return
    if case.asks:
        assert plan["question"]["question"]["option"] == case.asks
        return
    if case.refuses:  # some are only seen once every row is read
        return
    assert {label: sum(parts.values()) for label, parts in plan["classes"].items()} == case.classes
    assert sum(parts.get("test", 0) for parts in plan["classes"].values()) == case.splits.get(
        "test", sum(parts.get("test", 0) for parts in plan["classes"].values())
    )
    assert plan["unlabelled"] == case.splits.get("unlabelled", 0)
    assert bool(plan["plan"]["uncertain"]) == (not case.sure)


def test_a_guess_is_silent_with_yes_and_stores_nothing_with_strict(tmp_path, capsys):
    source = bring(CASES["stars beside funny"].files, tmp_path)
    assert main(["data", "add", str(source), "--name", "x", "--strict", "--json"]) == 2
    assert "rests on a guess" in json.loads(capsys.readouterr().out)["error"]["what"]
    assert main(["data", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["data", "add", str(source), "--name", "x", "--yes"]) == 0
    printed = capsys.readouterr()
    assert "Warning" not in printed.err
    assert "label: stars" in printed.out


def test_there_are_at_least_sixty():
    assert len(CASES) >= 60
