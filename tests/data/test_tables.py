"""Tables: nothing is guessed away."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd
import pytest
from tests_support.datasets import build

from tl_core.data.checks.class_names import check_counts
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.roles.columns import guess_columns
from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table
from tl_core.errors import ConfigError, DataError

ODD = ["NA", "None", "null", "true", "1", "1.0", "007", "nan"]


def whole(path):
    return pd.concat(
        [rows.cells.to_pandas() for rows in read_table(path, chunk_rows=3)], ignore_index=True
    )


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


TEXTS = {
    **dict.fromkeys(("utf-8", "utf-8-sig", "utf-16", "utf-16-le"), "schöne Grüße"),
    "cp1252": "schöne Grüße – merci à vous",
    "gb18030": "快递今天还没有到，请帮我查一下",
    "cp932": "荷物がまだ届いていません",
    "big5": "包裹還沒有到請幫我查一下",
    "euc_kr": "배송이 아직 도착하지 않았습니다",
    "cp1251": "посылка ещё не пришла, верните деньги",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_common_encodings_are_recognised(tmp_path, encoding):
    rows = [
        ["text", "label"],
        *([f"{TEXTS[encoding].replace(',', '')} {i}", "x"] for i in range(5)),
    ]
    path = write_csv(tmp_path / "t.csv", rows, encoding=encoding)
    assert list(whole(path)["text"]) == [row[0] for row in rows[1:]]


def test_an_encoding_can_be_named(tmp_path):
    path = write_csv(
        tmp_path / "t.csv", [["text", "label"], ["Ångström", "x"], ["b", "y"]], encoding="cp865"
    )
    found = [rows.cells.to_pylist() for rows in read_table(path, Reading(encoding="cp865"))]
    assert found[0][0]["text"] == "Ångström"
    with pytest.raises(ConfigError, match="no text encoding 'klingon'"):
        list(read_table(path, Reading(encoding="klingon")))


def test_a_few_broken_signs_do_not_refuse_a_file(tmp_path):
    lines = "text,label\n" + "".join(f"schöne Grüße Nummer {i},{'ab'[i % 2]}\n" for i in range(400))
    (tmp_path / "t.csv").write_bytes(lines.encode().replace(b"Nummer 300", b"Nummer \xff300"))
    assert whole(tmp_path / "t.csv")["text"][300] == "schöne Grüße Nummer \ufffd300"


def test_sheets_are_chosen_by_name_else_the_first_filled_one(tmp_path):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame().to_excel(writer, sheet_name="Cover", index=False)
        pd.DataFrame({"text": ["one"], "label": ["a"]}).to_excel(
            writer, sheet_name="2025", index=False
        )
        pd.DataFrame({"text": ["two"], "label": ["b"]}).to_excel(
            writer, sheet_name="2026", index=False
        )
    assert whole(path)["text"][0] == "one"
    assert next(read_table(path, Reading(sheet="2026"))).cells.to_pylist()[0]["text"] == "two"
    with pytest.raises(DataError, match="no sheet '2027'"):
        list(read_table(path, Reading(sheet="2027")))


def test_rows_that_do_not_fit_keep_their_numbers(tmp_path):
    lines = ["text,label", *(f"t {i},{'ab'[i % 2]}" for i in range(1, 41))]
    lines[7] = "seven, has, too, many"
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    reading = Reading()
    rows = list(read_table(tmp_path / "t.csv", reading, chunk_rows=6))
    assert [number for part in rows for number in part.numbers] == [
        n for n in range(1, 41) if n != 7
    ]
    assert reading.bad == [(7, "it has 4 cells where the header has 2")]


def test_a_title_is_put_before_the_text(tmp_path):
    path = write_csv(
        tmp_path / "t.csv",
        [["title", "body", "label"], *([f"T{i}", f"the body {i}", "ab"[i % 2]] for i in range(20))],
    )
    version = build(path, tmp_path / "v", title_column="title", text_column="body")
    assert version.items[3]["text"] == "T3\nthe body 3"


def test_quotes_and_newlines_in_cells(tmp_path):
    (tmp_path / "t.csv").write_text('text,label\n"one, ""two""\nthree",x\n')
    assert whole(tmp_path / "t.csv")["text"][0] == 'one, "two"\nthree'


def test_numbers_of_a_spreadsheet_look_as_they_did(tmp_path):
    pd.DataFrame({"text": ["a", "b"], "label": [1.0, 2.5]}).to_excel(
        tmp_path / "t.xlsx", index=False
    )
    assert list(whole(tmp_path / "t.xlsx")["label"]) == ["1", "2.5"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b""),
        ("t.csv", b"a,b\n"),
        ("t.csv", b"\0\1\2" * 100),
        ("t.xlsx", b"PK nonsense"),
        ("t.parquet", b"nonsense"),
        ("t.jsonl", b"{oops"),
        ("t.jsonl", b"[1]\n"),
        ("t.csv", b"a,b\n1,2\n1,2,3,4\n"),
    ],
)
def test_broken_tables_are_explained(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError):
        whole(tmp_path / name)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"Message": ["hello there", "good bye"], "Category": ["a", "b"]}, ("Message", "Category")),
        (
            {"id": ["1", "2"], "body": ["hello there", "good bye"], "intent": ["a", "b"]},
            ("body", "intent"),
        ),
        (
            {
                "q": ["what is it now", "who is he then", "when was it so", "why"] * 3,
                "k": ["x", "y"] * 6,
            },
            ("q", "k"),
        ),
    ],
)
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


def test_a_comma_in_a_class_name_is_no_list():
    check_counts(Counter({"rain, snow": 6, "sun": 7}))


def test_rows_without_label_are_set_aside(tmp_path):
    rows = [
        ["text", "label"],
        *([f"t {i}", "ab"[i % 2]] for i in range(30)),
        ["what now", ""],
        ["", "a"],
    ]
    version = build(write_csv(tmp_path / "t.csv", rows), tmp_path / "v")
    assert version.info.splits["unlabelled"] == 1
    assert version.info.skipped_count == 1
    assert {"unlabelled", "skipped"} <= {f["id"] for f in version.info.findings}
