"""Workbooks are read as a person reads the sheet, and what is not read is said."""

from __future__ import annotations

import datetime as dates
import io
import re
import zipfile

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from tl_core.data.readers.workbook import sheet_names, split_sheets
from tl_core.data.reading import Reading
from tl_core.data.tables import read_table
from tl_core.errors import DataError

TEXTS = [f"message number {i} of many" for i in range(12)]
ROWS = [["text", "label"], *([text, "ab"[i % 2]] for i, text in enumerate(TEXTS))]


def book(path, rows=ROWS, merged=(), formats=None, sheets=None, hidden=(), swap=None):
    """A workbook with the rows in its first sheet; `swap` changes the XML of that sheet."""
    new = openpyxl.Workbook()
    new.active.title = "Sheet"
    for title, content in {"Sheet": rows, **(sheets or {})}.items():
        sheet = new[title] if title in new.sheetnames else new.create_sheet(title)
        for row in content:
            sheet.append(row)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    for region in merged:
        new["Sheet"].merge_cells(region)
    for column, code in (formats or {}).items():
        for cell in new["Sheet"][column][1:]:
            cell.number_format = code
    if not swap:
        new.save(path)
        return path
    buffer = io.BytesIO()
    new.save(buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as changed:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                for before, after in swap:
                    content = re.sub(before, after, content)
            changed.writestr(name, content)
    return path


def read(path, **how):
    """The records, and the reading."""
    reading = Reading(**how)
    return [row for rows in read_table(path, reading) for row in rows.cells.to_pylist()], reading


def column(path, name="label", **how):
    return [row[name] for row in read(path, **how)[0]]


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


# titles and headers
@pytest.mark.parametrize(
    "above",
    [
        [["Survey of 2024"]],
        [["Survey of 2024"], []],
        [[], ["Survey"], ["all branches"], []],
        [[None, "Survey"]],
        [["Survey", None, None]],
        [["Export"], ["Author", "Ann"], ["Date", dates.date(2024, 1, 2)], []],
    ],
)
def test_titles_above_the_header_are_left_out_and_told(tmp_path, above):
    rows = [
        *above,
        ["Nr", "Wording", "Group"],
        *([i, text, "ab"[i % 2]] for i, text in enumerate(TEXTS)),
    ]
    found, reading = read(book(tmp_path / "t.xlsx", rows))
    assert list(found[0]) == ["Nr", "Wording", "Group"] and len(found) == 12
    assert "above the header" in reading.notes[0] and not reading.doubts
    assert next(read_table(tmp_path / "t.xlsx")).numbers[0] == 1


def test_a_merged_title_is_a_title(tmp_path):
    found, reading = read(book(tmp_path / "t.xlsx", [["Feedback of 2024", None], *ROWS], ["A1:B1"]))
    assert list(found[0]) == ["text", "label"] and "'Feedback of 2024'" in reading.notes[0]


@pytest.mark.parametrize(
    "rows",
    [
        [["text"], *([text] for text in TEXTS)],
        [["text", "label"], *([text, None] for text in TEXTS), ["last", "x"]],
        [["text", "label"], [], *ROWS[1:]],
        [["Comment", None, "Kind"], *([text, i, "ab"[i % 2]] for i, text in enumerate(TEXTS))],
        [["text", "Kind"], [], *([text, "ab"[i % 2], "x"] for i, text in enumerate(TEXTS))],
        [
            ["Comment", "Other"],
            *([text, "Other" if i == 3 else "what I think of it"] for i, text in enumerate(TEXTS)),
        ],
        [["Comment", "Mail"], *([text, "Mail" if i % 2 else None] for i, text in enumerate(TEXTS))],
        [["Comment", 2023, 2024], *([text, i, i % 2] for i, text in enumerate(TEXTS))],
        [["kind", *range(8)], *(["ab"[i % 2], *range(i, i + 8)] for i in range(12))],
        [[0, 1], *([text, "ab"[i % 2]] for i, text in enumerate(TEXTS))],
        ROWS[:3],
        ROWS[:2],
    ],
)
def test_ordinary_headers_stay_headers(tmp_path, rows):
    found, reading = read(book(tmp_path / "t.xlsx", rows))
    assert {str(name) for name in rows[0] if name is not None} <= {*found[0]}
    assert not any("above" in note for note in reading.notes)
    assert len(found) == sum(bool(row) for row in rows) - 1


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[1:],
        [
            ["Win money now", "spam"],
            *([text, ("ham", "spam")[i % 2]] for i, text in enumerate(TEXTS)),
        ],
        [[i, text, i % 3] for i, text in enumerate(TEXTS)],
        [[text, dates.date(2024, 1, i + 1)] for i, text in enumerate(TEXTS)],
        [
            [5.1, 3.5, "setosa"],
            [4.9, 3.0, "setosa"],
            [6.1, 2.0, "setosa"],
            [5.2, 1.0, "virginica"],
            [5.0, 3.1, "virginica"],
        ],
    ],
)
def test_a_sheet_that_begins_with_data_loses_no_row(tmp_path, rows):
    found, reading = read(book(tmp_path / "t.xlsx", rows))
    assert list(found[0]) == [f"column {place + 1}" for place in range(len(rows[0]))]
    assert len(found) == len(rows) and any(
        "column 1, column 2" in said for said in reading.notes + reading.doubts
    )


def test_the_header_can_be_told(tmp_path):
    path = book(tmp_path / "t.xlsx")
    assert list(read(path, header="no")[0][0].items()) == [
        ("column 1", "text"),
        ("column 2", "label"),
    ]
    path = book(tmp_path / "u.xlsx", ROWS[1:])
    found, reading = read(path, header="yes")
    assert list(found[0]) == ROWS[1] and not reading.notes and not reading.doubts
    assert next(read_table(path, Reading(header="no"))).numbers.tolist() == [*range(1, 13)]


def test_a_lone_text_is_no_name(tmp_path):
    found, reading = read(
        book(tmp_path / "t.xlsx", [[f"This is what customer {i} wrote to us."] for i in range(9)])
    )
    assert len(found) == 9 and reading.doubts
    found, reading = read(book(tmp_path / "u.xlsx", [["Wording"], *([text] for text in TEXTS)]))
    assert list(found[0]) == ["Wording"] and not reading.doubts


def test_the_header_rows_of_survey_tools_are_no_data(tmp_path):
    qualtrics = [
        ["StartDate", "ResponseId", "Q1", "Q2"],
        ["Start Date", "Response ID", "What do you think?", "Rate us"],
        [
            '{"ImportId":"startDate","timeZone":"Z"}',
            '{"ImportId":"_recordId"}',
            '{"ImportId":"QID1_TEXT"}',
            '{"ImportId":"QID2"}',
        ],
        *(
            ["2024-01-01", f"R_{i}", text, "good" if i % 2 else "bad"]
            for i, text in enumerate(TEXTS)
        ),
    ]
    found, reading = read(book(tmp_path / "q.xlsx", qualtrics))
    assert (
        list(found[0]) == qualtrics[0]
        and len(found) == 12
        and "2 more header rows" in reading.notes[0]
    )
    del qualtrics[2]
    assert len(read(book(tmp_path / "r.xlsx", qualtrics))[0]) == 12
    monkey = [
        ["Respondent ID", "What do you think?", "Which of these?", None],
        [None, "Open-Ended Response", "Mail", "Phone"],
        *(
            [100 + i, text, "Mail" if i % 2 else None, None if i % 2 else "Phone"]
            for i, text in enumerate(TEXTS)
        ),
    ]
    found, reading = read(book(tmp_path / "m.xlsx", monkey))
    assert (
        list(found[0]) == ["Respondent ID", "What do you think?", "Which of these?", "Phone"]
        and len(found) == 12
    )
    assert "1 more header row" in reading.notes[0]
    plain = [
        ["Frage", "Urteil"],
        ["Offene Antwort", "Antwort"],
        *([text, "ab"[i % 2]] for i, text in enumerate(TEXTS)),
    ]
    assert len(read(book(tmp_path / "s.xlsx", plain))[0]) == 12


def test_answers_that_are_called_response_are_data(tmp_path):
    rows = [
        ["text", "kind"],
        *([text, ("Response", "Question")[i % 2]] for i, text in enumerate(TEXTS)),
    ]
    assert len(read(book(tmp_path / "t.xlsx", rows))[0]) == 12


def test_a_header_that_comes_again_is_no_row(tmp_path):
    found, reading = read(book(tmp_path / "t.xlsx", [*ROWS, *ROWS]))
    assert len(found) == 24 and "1 more time" in reading.notes[0]


def test_unnamed_columns_are_read_where_most_rows_fill_them(tmp_path):
    rows = [["id", "text", None], *([i, text, "ab"[i % 2]] for i, text in enumerate(TEXTS))]
    assert column(book(tmp_path / "t.xlsx", rows), "column 3")[:2] == ["a", "b"]
    rows = [*ROWS[:5], [*ROWS[5], None, "check this"], *ROWS[6:]]
    found, reading = read(book(tmp_path / "u.xlsx", rows))
    assert list(found[0]) == ["text", "label"] and "no name above them" in reading.notes[0]


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


# several sheets
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
