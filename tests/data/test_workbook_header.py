"""Where the table of a sheet begins: titles above it, header rows, none, or several."""

from __future__ import annotations

import datetime as dates

import pytest
from tests_support.workbooks import ROWS, TEXTS, book, column, read

from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table


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
