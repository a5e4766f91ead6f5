"""Workbooks as a whole: which sheets are read, and files that are damaged or none."""

from __future__ import annotations

import zipfile

import openpyxl
import pytest
from tests_support.workbooks import ROWS, book, column, read

from tl_core.data.readers.workbook import sheet_names, split_sheets
from tl_core.errors import DataError


def test_sheets_with_the_same_columns_are_asked_about(tmp_path):
    path = book(
        tmp_path / "t.xlsx",
        sheets={
            "May": ROWS,
            "June": [ROWS[0][::-1], *(row[::-1] for row in ROWS[1:])],
            "Codes": [["code", "name"], ["a", "good"], ["b", "bad"]],
            "Empty": [],
        },
    )
    found, reading = read(path)
    assert len(found) == 12
    assert reading.doubts == [
        "Only the sheet 'Sheet' is read; 'May' and 'June' have the same columns. Choose another "
        "with --sheet."
    ]
    assert reading.notes == ["Only the sheet 'Sheet' is read; 'Codes' holds another table."]
    _, named = read(path, sheet="Sheet")
    assert not named.doubts and not named.notes


def test_hidden_sheets_are_no_data_unless_named(tmp_path):
    path = book(tmp_path / "t.xlsx", sheets={"Old": ROWS}, hidden=["Old"])
    assert (
        not read(path)[1].doubts
        and sheet_names(path) == ["Sheet"]
        and len(read(path, sheet="Old")[0]) == 12
    )
    path = book(tmp_path / "u.xlsx", ROWS[:5], sheets={"New": ROWS}, hidden=["Sheet"])
    assert len(read(path)[0]) == 12 and sheet_names(path) == ["New"]


def test_a_cover_before_the_table_is_left_aside(tmp_path):
    for title in ("Read me - cover", "Readme", "Anleitung"):
        new = openpyxl.Workbook()
        new.active.title = title
        for line in ("What this is", "It was made in May", "Ask Ann"):
            new.active.append([line])
        sheet = new.create_sheet("Data")
        for row in ROWS:
            sheet.append(row)
        new.save(tmp_path / "t.xlsx")
        assert len(read(tmp_path / "t.xlsx")[0]) == 12
        assert sheet_names(tmp_path / "t.xlsx") == ["Data", title]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "test"), {"train": "train", "test": "test"}),
        (("Train", "Val", "TEST"), {"train": "Train", "validation": "Val", "test": "TEST"}),
        (
            ("Reviews Training", "Reviews Test"),
            {"train": "Reviews Training", "test": "Reviews Test"},
        ),
        (("training_set", "dev_set"), {"train": "training_set", "validation": "dev_set"}),
        (("test", "validation"), {}),
        (("train",), {}),
        (("train1", "train2", "test"), {}),
        (("2024", "2025"), {}),
        (("training needs", "test drives"), {}),
    ],
)
def test_sheets_named_after_splits_are_splits(tmp_path, names, splits):
    path = book(
        tmp_path / "t.xlsx",
        [["read me"]],
        sheets={**dict.fromkeys(names, ROWS), "notes": [["a note"]]},
    )
    assert split_sheets(path) == splits


def test_sheets_named_after_splits_without_rows_or_common_columns_are_none(tmp_path):
    assert not split_sheets(book(tmp_path / "t.xlsx", [], sheets={"train": ROWS, "test": ROWS[:1]}))
    assert not split_sheets(
        book(tmp_path / "u.xlsx", [], sheets={"train": ROWS, "test": [["x", "z"], [1, 2], [3, 4]]})
    )
    assert not split_sheets(
        book(tmp_path / "v.xlsx", [], sheets={"train": ROWS, "test": ROWS}, hidden=["test"])
    )


def test_wrong_dimensions_lose_no_columns(tmp_path):
    path = book(tmp_path / "t.xlsx", swap=[(rb'<dimension ref="[^"]*"', rb'<dimension ref="A1"')])
    assert len(read(path)[0]) == 12 and column(path)[1] == "b"


def test_a_strict_workbook_is_refused_in_its_words(tmp_path):
    with (
        zipfile.ZipFile(book(tmp_path / "t.xlsx")) as old,
        zipfile.ZipFile(tmp_path / "s.xlsx", "w") as new,
    ):
        for name in old.namelist():
            new.writestr(
                name,
                old.read(name).replace(
                    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
                ),
            )
    with pytest.raises(DataError, match="Strict Open XML"):
        read(tmp_path / "s.xlsx")


def test_a_damaged_sheet_beside_the_one_that_is_read_is_no_matter(tmp_path):
    with (
        zipfile.ZipFile(book(tmp_path / "t.xlsx", sheets={"Other": ROWS})) as old,
        zipfile.ZipFile(tmp_path / "d.xlsx", "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(
                name, content.replace(b"<c ", b"<c", 3) if name.endswith("sheet2.xml") else content
            )
    assert len(read(tmp_path / "d.xlsx")[0]) == 12


@pytest.mark.parametrize(
    "parts", [{}, {"xl/workbook.xml": "<"}, {"xl/workbook.xml": "<workbook/>"}]
)
def test_what_is_no_workbook_is_one_kind_of_error(tmp_path, parts):
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as new:
        for name, content in {"[Content_Types].xml": "<Types/>", **parts}.items():
            new.writestr(name, content)
    for look in (split_sheets, sheet_names):
        with pytest.raises(ValueError, match="not a real Excel file"):
            look(tmp_path / "t.xlsx")
