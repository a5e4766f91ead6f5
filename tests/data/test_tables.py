"""Tables: nothing is guessed away."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd
import pytest
from tests_support.datasets import build

from tl_core.data.class_names import check_counts
from tl_core.data.columns import guess_columns
from tl_core.data.schema import ImportOptions
from tl_core.data.tables import read_table
from tl_core.errors import DataError

ODD = ["NA", "None", "null", "true", "1", "1.0", "007", "nan"]


def whole(path):
    return pd.concat([rows.cells.to_pandas() for rows in read_table(path, chunk_rows=3)], ignore_index=True)


def write_csv(path, rows, separator=",", encoding="utf-8"):
    path.write_bytes("\n".join(separator.join(row) for row in rows).encode(encoding))
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_odd_class_names_survive_every_format(tmp_path, suffix):
    frame = pd.DataFrame({"text": [f"t{i}" for i in range(len(ODD))], "label": ODD}, dtype=str)
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "xlsx":
        frame.to_excel(path, index=False)
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(r) for r in frame.to_dict("records")))
    else:
        frame.to_csv(path, sep="\t" if suffix == "tsv" else ",", index=False)
    assert list(whole(path)["label"]) == ODD
    version = build(path, tmp_path / "v")
    assert set(version.info.labels) == set(ODD)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_recognised(tmp_path, separator):
    path = write_csv(tmp_path / "t.csv", [["text", "label"], ["a b", "x"], ["c d", "y"]], separator)
    assert list(whole(path).columns) == ["text", "label"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_common_encodings_are_read(tmp_path, encoding):
    path = write_csv(tmp_path / "t.csv", [["text", "label"], ["schöne Grüße", "x"]], encoding=encoding)
    assert whole(path)["text"][0] == "schöne Grüße"


def test_quotes_and_newlines_in_cells(tmp_path):
    (tmp_path / "t.csv").write_text('text,label\n"one, ""two""\nthree",x\n')
    assert whole(tmp_path / "t.csv")["text"][0] == 'one, "two"\nthree'


def test_numbers_of_a_spreadsheet_look_as_they_did(tmp_path):
    pd.DataFrame({"text": ["a", "b"], "label": [1.0, 2.5]}).to_excel(tmp_path / "t.xlsx", index=False)
    assert list(whole(tmp_path / "t.xlsx")["label"]) == ["1", "2.5"]


@pytest.mark.parametrize(("name", "content"), [
    ("t.csv", b""), ("t.csv", b"a,b\n"), ("t.csv", b"\0\1\2" * 100), ("t.xlsx", b"PK nonsense"),
    ("t.parquet", b"nonsense"), ("t.jsonl", b"{oops"), ("t.jsonl", b"[1]\n"), ("t.csv", b'a,b\n1,2\n1,2,3,4\n')])
def test_broken_tables_are_explained(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError):
        whole(tmp_path / name)


@pytest.mark.parametrize(("columns", "expected"), [
    ({"Message": ["hello there", "good bye"], "Category": ["a", "b"]}, ("Message", "Category")),
    ({"id": ["1", "2"], "body": ["hello there", "good bye"], "intent": ["a", "b"]}, ("body", "intent")),
    ({"q": ["what is it now", "who is he then", "when was it so", "why"] * 3, "k": ["x", "y"] * 6}, ("q", "k"))])
def test_columns_are_guessed(columns, expected):
    found = guess_columns(pd.DataFrame(columns, dtype=str), ImportOptions())
    assert (found.text, found.label) == expected


def test_a_wrong_column_name_offers_the_nearest():
    frame = pd.DataFrame({"text": ["a"], "label": ["b"]})
    with pytest.raises(DataError, match="Did you mean label"):
        guess_columns(frame, ImportOptions(label_column="lable"))


def test_one_class_or_five_hundred_and_one_are_refused():
    with pytest.raises(DataError, match="only one class"):
        check_counts(Counter(a=10))
    with pytest.raises(DataError, match="501"):
        check_counts(Counter({f"c{i}x": 2 for i in range(501)}))


@pytest.mark.parametrize("names", [["a;b", "b;a", "a", "b"], ['["a", "b"]', '["a"]'], ["x|y", "x", "y", "y|x"]])
def test_several_classes_in_one_cell_are_recognised_and_refused(names):
    with pytest.raises(DataError, match="several classes"):
        check_counts(Counter(dict.fromkeys(names, 5)))


def test_a_comma_in_a_class_name_is_no_list():
    check_counts(Counter({"rain, snow": 6, "sun": 7}))


def test_rows_without_label_are_set_aside(tmp_path):
    rows = [["text", "label"], *([f"t {i}", "ab"[i % 2]] for i in range(30)), ["what now", ""], ["", "a"]]
    version = build(write_csv(tmp_path / "t.csv", rows), tmp_path / "v")
    assert version.info.splits["unlabelled"] == 1
    assert version.info.skipped_count == 1
    assert {"unlabelled", "skipped"} <= {f["id"] for f in version.info.findings}
