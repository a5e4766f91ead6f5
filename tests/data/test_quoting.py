"""Quotation marks: those that programs put around cells, and those that belong to texts."""

from __future__ import annotations

import csv
import random

import pytest
from tests_support.delimited_texts import PLAIN, changed, lines, read, written

from tl_core.errors import DataError

OPENED = {
    "two texts that open": ({300, 480}, lambda text: '"' + text),
    "one text that opens": ({400}, lambda text: '"' + text),
    "opens and is closed rows later": (
        {300, 480},
        lambda text: f'"{text}' if "300" in text else f'{text}"',
    ),
    "a cited word first": ({250, 400, 401}, lambda text: f'"Great" {text}'),
    "inches": ({222, 333, 444}, lambda text: f'12" {text}'),
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", OPENED)
def test_marks_that_belong_to_late_texts_cost_no_row(tmp_path, name, end):
    rows = changed(*OPENED[name])
    assert read(tmp_path / "t.tsv", lines(rows, end=end))[0] == rows
    assert read(tmp_path / "t.csv", lines(rows, ",", end=end))[0] == rows


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-be"])
def test_marks_that_belong_to_texts_in_other_encodings(tmp_path, encoding):
    rows = changed({300, 480}, lambda text: '"' + text)
    assert read(tmp_path / "t.tsv", lines(rows, end="\r\n"), encoding)[0] == rows


def test_a_mark_that_opens_in_the_second_column(tmp_path):
    rows = [[label, text] for text, label in changed({300, 480}, lambda text: '"' + text)]
    assert read(tmp_path / "t.tsv", lines(rows, header="label,text"))[0] == rows


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"quoting": csv.QUOTE_ALL},
        {"delimiter": ";"},
        {"lineterminator": "\n"},
        {"delimiter": "\t"},
    ],
    ids=str,
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quoted_texts_over_several_lines_come_back(tmp_path, style, end):
    poem = end.join(
        ["Roses, they say, are red,", 'and "violets", well, are blue;', "", "so, sugar", "and you"]
    )
    rows = changed(range(210, 600, 7), lambda text: f"{text}{end}{poem}")
    assert read(tmp_path / "t.csv", written(rows, **style))[0] == rows


def test_quoted_texts_of_three_lines_with_one_comma_each_are_texts(tmp_path):
    rows = changed(
        {299, 350}, lambda text: "Dear all,\nthanks for the help, you were great\nbye, see you"
    )
    assert read(tmp_path / "t.csv", written(rows))[0] == rows


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_program_quotes_comes_back(tmp_path, seed):
    rng = random.Random(seed)
    signs = ["word", "two words", ",", ", ", '"', '""', "\n", ";", "a", " ", "\\", "é", "'"]
    rows = [
        ["x" + "".join(rng.choices(signs, k=rng.randint(1, 12))), rng.choice("abc")]
        for _ in range(300)
    ]
    for style in (
        {},
        {"quoting": csv.QUOTE_ALL},
        {"delimiter": ";"},
        {"delimiter": "\t", "lineterminator": "\n"},
    ):
        assert read(tmp_path / "t.csv", written(rows, **style))[0] == rows


def test_inches_beside_properly_quoted_commas(tmp_path):
    rows = changed({210, 300}, lambda text: f"{text}, and more")
    content = written(rows).replace("this is message number 400", '12" this is message number 400')
    found = read(tmp_path / "t.csv", content)[0]
    assert found[400][0].startswith('12" this') and found[300] == rows[300] and len(found) == 600


def test_a_file_quoted_throughout_keeps_its_marks_away_from_the_cells_whatever_is_wrong_in_one(
    tmp_path,
):
    content = written(PLAIN, quoting=csv.QUOTE_ALL).replace("number 301 of", 'number "301" of')
    found = read(tmp_path / "t.csv", content)[0]
    assert len(found) == 600 and {label for _, label in found} == {"pos", "neg"}


def test_a_mark_that_swallows_rows_of_a_quoted_file_is_refused_by_name(tmp_path):
    rows = changed(range(210, 400, 3), lambda text: f"{text}, and more, and more")
    content = written(rows).replace("this is message number 400", '"this is message number 400')
    content = content.replace("number 499 of many", 'number 499 of many"')
    with pytest.raises(
        DataError, match=r"quotation mark is opened in row 401 .* closed only 99 lines later"
    ):
        read(tmp_path / "t.csv", content)


ESCAPED = {
    "MySQL": ('"He said \\"hi\\", twice","pos"', 'He said "hi", twice'),
    "at both ends": ('"\\"Hello\\"","pos"', '"Hello"'),
    "with a doubled backslash": ('"C:\\\\ \\"x\\"","pos"', 'C:\\ "x"'),
    "over two lines": ('"one \\"two\\"\nthree, four","pos"', 'one "two"\nthree, four'),
}


@pytest.mark.parametrize("place", [0, 400])
@pytest.mark.parametrize("name", ESCAPED)
def test_marks_behind_a_backslash_are_marks(tmp_path, name, place):
    cell, text = ESCAPED[name]
    content = written(PLAIN, quoting=csv.QUOTE_ALL, lineterminator="\n").split("\n")
    found = read(
        tmp_path / "t.csv", "\n".join([*content[: place + 1], cell, *content[place + 1 :]])
    )[0]
    assert found[place] == [text, "pos"]
    assert len(found) == 601


def test_other_backslashes_stay(tmp_path):
    content = (
        written(PLAIN, quoting=csv.QUOTE_ALL)
        + '"in C:\\new say \\"go\\"","pos"\r\n"tail\\\\","neg"\r\n'
    )
    assert read(tmp_path / "t.csv", content)[0][-2:] == [
        ['in C:\\new say "go"', "pos"],
        ["tail\\\\", "neg"],
    ]
    rows = [["C:\\new\\dir", "a"], ["50\\50", "b"], ["ends with \\", "a"], ['"x" \\', "b"]] * 3
    assert read(tmp_path / "t.csv", written(rows))[0] == rows


def test_escapes_written_without_doubling(tmp_path):
    rows = [[f'text {i} with "marks", commas\nand \\ lines', "ab"[i % 2]] for i in range(40)]
    content = written(rows, doublequote=False, escapechar="\\")
    assert read(tmp_path / "t.csv", content)[0] == rows
