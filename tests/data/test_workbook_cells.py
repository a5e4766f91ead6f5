"""Cells of a workbook: merged ones, numbers and dates as the sheet shows them, errors, formulas."""

from __future__ import annotations

import datetime as dates

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from tests_support.workbooks import ROWS, TEXTS, book, column, read

from tl_core.errors import DataError


# merged cells
def test_a_class_merged_over_several_rows_counts_for_each(tmp_path):
    rows = [
        ["text", "label"],
        *([text, "yes" if i == 0 else "no" if i == 5 else None] for i, text in enumerate(TEXTS)),
    ]
    found, reading = read(book(tmp_path / "t.xlsx", rows, ["B2:B6", "B7:B13"]))
    assert [row["label"] for row in found] == ["yes"] * 5 + ["no"] * 7
    assert (
        reading.notes == ["The value of merged cells counts for each of their rows."]
        and not reading.doubts
    )


def test_a_class_merged_before_the_texts_and_across_two_columns_counts_for_each(tmp_path):
    rows = [
        ["label", "more", "text"],
        ["one", None, "a text"],
        [None, None, "b text"],
        ["two", "x", "c text"],
        ["three", None, "d text"],
    ]
    found, _ = read(book(tmp_path / "t.xlsx", rows, ["A2:B3", "A5:B5"]))
    assert [(row["label"], row["more"]) for row in found] == [
        ("one", "one"),
        ("one", "one"),
        ("two", "x"),
        ("three", "three"),
    ]


def test_merged_cells_are_found_below_many_rows_and_under_a_prefix(tmp_path):
    rows = [["text", "label"], *([f"text {i}", None] for i in range(500))]
    rows[251][1] = "late"
    path = book(tmp_path / "t.xlsx", rows, ["B252:B501"])
    assert column(path).count("late") == 250
    path = book(
        tmp_path / "p.xlsx",
        rows,
        ["B252:B501"],
        swap=[(rb"<(/?)(\w)", rb"<\1x:\2"), (rb"xmlns=", rb"xmlns:x="), (rb"<x:\?xml", rb"<?xml")],
    )
    assert column(path).count("late") == 250


def test_rows_and_blank_rows_inside_a_merged_class_make_no_records(tmp_path):
    rows = [["text", "label"], ["a", "x"], [None, None], ["b", None], ["c", "y"]]
    assert [tuple(row.values()) for row in read(book(tmp_path / "t.xlsx", rows, ["B2:B4"]))[0]] == [
        ("a", "x"),
        ("b", "x"),
        ("c", "y"),
    ]
    rows = [["text", "label"], ["a", "x"], [None, None], ["b", "y"], [None, None]]
    assert len(read(book(tmp_path / "u.xlsx", rows, ["A2:A3", "B2:B3", "A4:A5", "B4:B5"]))[0]) == 2


def test_headings_merged_over_the_table_are_no_rows(tmp_path):
    rows = [
        ["text", "label"],
        ["Branch North", None],
        ["a", "x"],
        ["b", "y"],
        ["Branch South", None],
        ["c", "x"],
    ]
    found, reading = read(book(tmp_path / "t.xlsx", rows, ["A2:B2", "A5:B5"]))
    assert [row["text"] for row in found] == ["a", "b", "c"]
    assert "2 heading(s)" in reading.notes[0]


def test_a_banner_over_the_names_is_no_header(tmp_path):
    rows = [
        ["Input", None, "Rating", None],
        ["id", "comment", "food", "service"],
        *([i, text, "good" if i % 2 else "bad", "fast"] for i, text in enumerate(TEXTS)),
    ]
    found, _ = read(book(tmp_path / "t.xlsx", rows, ["A1:B1", "C1:D1"]))
    assert list(found[0]) == ["id", "comment", "food", "service"] and len(found) == 12
    rows = [
        ["comment", "Rating", None],
        [None, "food", "service"],
        *([text, "good", "bad"] for text in TEXTS),
    ]
    found, _ = read(book(tmp_path / "u.xlsx", rows, ["A1:A2", "B1:C1"]))
    assert list(found[0]) == ["comment", "food", "service"] and len(found) == 12


def test_a_text_merged_over_columns_with_its_name_is_one_column(tmp_path):
    rows = [
        ["text", None, None, "label"],
        *([text, None, None, "ab"[i % 2]] for i, text in enumerate(TEXTS)),
    ]
    found, _ = read(book(tmp_path / "t.xlsx", rows, [f"A{row}:C{row}" for row in range(1, 14)]))
    assert list(found[0]) == ["text", "label"] and found[3]["text"] == TEXTS[3]


def test_merged_cells_without_end_are_refused(tmp_path):
    many = b'<mergeCell ref="A2:XFD9"/>' * 5
    path = book(tmp_path / "t.xlsx", merged=["A2:A3"], swap=[(rb"<mergeCell ref[^>]*>", many)])
    with pytest.raises(DataError, match="overlap"):
        read(path)


# number formats and dates
@pytest.mark.parametrize(
    ("code", "values", "seen"),
    [
        ("000", [1, 20, 300], ["001", "020", "300"]),
        ("00000", [1234, 99, 7.0], ["01234", "00099", "7".zfill(5)]),
        ("000-0000", [5551234, 1, 12345], ["555-1234", "000-0001", "001-2345"]),
        ('"K"00', [1, 12, 123], ["K01", "K12", "K123"]),
        ('"Class "0', [1, 2, 3], ["Class 1", "Class 2", "Class 3"]),
        ("[Red]00", [1, 2, 3], ["01", "02", "03"]),
        ("000;-000", [1, -2, 0], ["001", "-002", "000"]),
        ('"yes";"no";"open"', [1, -1, 0], ["yes", "no", "open"]),
        ('[=1]"male";[=2]"female";General', [1, 2, 3], ["male", "female", "3"]),
        ("0%", [0.5, 1, 0.125], ["50%", "100%", "12.5%"]),
        ("0.00%", [0.5, 0.07, 0.3333], ["50.00%", "7.00%", "33.33%"]),
        ("General", [1, 2.0, 2.5], ["1", "2", "2.5"]),
        ("0.00", [1, 2.0, 2.5], ["1", "2", "2.5"]),
        ("#,##0", [1000, 2, 3], ["1000", "2", "3"]),
        ('0" kg"', [1, 2.5, 3], ["1", "2.5", "3"]),
        ('"$"#,##0.00', [1, 2.5, 3], ["1", "2.5", "3"]),
        ("000", [1.5, 2, 3], ["1.5", "002", "003"]),
        ("0;-0;;@", [1, 0, -1], ["1", "0", "-1"]),
        ("# ?/?", [0.5, 1, 2], ["0.5", "1", "2"]),
        ("0.00E+00", [1e20, 1, 2], [str(10**20), "1", "2"]),
        ('"hidden"', [1, 2, 3], ["1", "2", "3"]),
        ("General", [0.1 + 0.2, 1 / 3, 1e-7], ["0.3", str(1 / 3), "1e-07"]),
        ("000", ["7", "x", True], ["7", "x", "true"]),
    ],
)
def test_numbers_are_read_as_the_sheet_shows_them_where_it_tells_values_apart(
    tmp_path, code, values, seen
):
    rows = [["text", "label"], *([f"t {i}", value] for i, value in enumerate(values))]
    assert column(book(tmp_path / "t.xlsx", rows, formats={"B": code})) == seen


@pytest.mark.parametrize(
    ("code", "value", "seen"),
    [
        ("yyyy-mm-dd h:mm:ss", dates.datetime(2024, 10, 1), "2024-10-01"),
        ("dd.mm.yyyy", dates.date(2024, 10, 1), "2024-10-01"),
        ("mm-dd-yy", dates.datetime(2024, 10, 1), "2024-10-01"),
        ("d-mmm", dates.datetime(2024, 10, 1), "2024-10-01"),
        ("yyyy-mm-dd h:mm", dates.datetime(2024, 10, 1, 14, 30), "2024-10-01 14:30:00"),
        ("h:mm", dates.time(14, 30), "14:30:00"),
        ("[h]:mm:ss", dates.timedelta(hours=26, minutes=5), "26:05:00"),
        ("yyyy", dates.datetime(2024, 10, 1), "2024"),
        ("mmmm", dates.datetime(2024, 10, 5), "October"),
        ("[$-409]dddd", dates.datetime(2024, 10, 1), "Tuesday"),
        ("mmm yyyy", dates.datetime(2024, 10, 1), "2024-10-01"),
    ],
)
def test_dates_have_no_time_at_midnight(tmp_path, code, value, seen):
    rows = [["text", "label"], ["a", value], ["b", value]]
    assert column(book(tmp_path / "t.xlsx", rows, formats={"B": code})) == [seen, seen]


def test_blanks_links_and_rich_text_are_plain(tmp_path):
    rich = CellRichText("a ", TextBlock(InlineFont(b=True), "bold"), " word")
    path = tmp_path / "t.xlsx"
    new = openpyxl.Workbook()
    for row in (
        ["text", "label", "flag"],
        [rich, "  ", True],
        ["see here", "\u00a0", False],
        [" ", "\t", None],
    ):
        new.active.append(row)
    new.active["A3"].hyperlink = "https://example.org"
    new.save(path)
    assert read(path)[0] == [
        {"text": "a bold word", "label": "", "flag": "true"},
        {"text": "see here", "label": "", "flag": "false"},
    ]


def test_line_breaks_of_windows_are_no_words(tmp_path):
    rows = [["text", "label"], ["one_x000D_\ntwo", "a"], ["three", "b"]]
    assert column(book(tmp_path / "t.xlsx", rows), "text")[0] == "one\ntwo"


# errors and formulas
def test_cells_with_errors_are_missing_values(tmp_path):
    rows = [
        ["text", "label"],
        ["a", "#N/A"],
        ["b", "#DIV/0!"],
        ["c", "#REF!"],
        ["d", "x"],
        ["e", "y"],
        ["f", "#N/A"],
    ]
    found, reading = read(book(tmp_path / "t.xlsx", rows))
    assert [row["label"] for row in found] == ["", "", "", "x", "y", ""]
    assert reading.notes == ["4 cell(s) hold an error (#DIV/0!, #N/A, #REF!) and count as empty."]
    local = [(b"#N/A", b"#NV"), (b"#REF!", b"#BEZUG!")]
    assert column(book(tmp_path / "l.xlsx", rows, swap=local)) == ["", "", "", "x", "y", ""]


def test_an_error_that_is_written_as_text_stays_and_is_doubted(tmp_path):
    rows = [["text", "label"], ["a", "#N/A"], ["b", "#tag"], ["c", "y"]]
    typed = [(rb't="e"><v>#N/A</v>', rb't="str"><v>#N/A</v>')]
    found, reading = read(book(tmp_path / "t.xlsx", rows, swap=typed))
    assert [row["label"] for row in found] == [
        "#N/A",
        "#tag",
        "y",
    ] and "as a text" in reading.doubts[0]


@pytest.mark.parametrize("name", ["label", "Kind", "text"])
def test_a_column_of_formulas_without_values_says_what_to_do(tmp_path, name):
    rows = [[name, "more"], *([f'=IF(B{i}>2,"x","y")', i] for i in range(2, 9))]
    with pytest.raises(
        DataError, match=f"column '{name}' holds formulas without values.*Excel or LibreOffice"
    ):
        read(book(tmp_path / "t.xlsx", rows))


def test_a_few_formulas_without_values_are_doubted(tmp_path):
    rows = [*ROWS, ["a", '="x"'], ["b", "=A1"]]
    found, reading = read(book(tmp_path / "t.xlsx", rows))
    assert found[-1]["label"] == "" and "2 cell(s) of the column 'label'" in reading.doubts[0]


def test_formulas_with_values_are_read(tmp_path):
    rows = [["text", "label"], *([text, "=A1"] for text in TEXTS)]
    valued = [(rb'<c r="(B\d+)"><f>A1</f><v ?/></c>', rb'<c r="\1" t="str"><f>A1</f><v>x</v></c>')]
    found, reading = read(book(tmp_path / "t.xlsx", rows, swap=valued))
    assert {row["label"] for row in found} == {"x"} and not reading.doubts
    empty = [(rb'<c r="(B\d+)"><f>A1</f><v ?/></c>', rb'<c r="\1" t="str"><f>""</f><v></v></c>')]
    assert not read(book(tmp_path / "e.xlsx", rows, swap=empty))[1].doubts
    zeros = [(rb'<c r="(B\d+)"><f>A1</f><v ?/></c>', rb'<c r="\1"><f>A1</f><v>0</v></c>')]
    assert "never calculated" in read(book(tmp_path / "z.xlsx", rows, swap=zeros))[1].doubts[0]
