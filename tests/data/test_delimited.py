"""Delimited text as people have it: plain lines, stray bytes, joined and ragged files."""

from __future__ import annotations

import csv

import pytest
from tests_support.delimited_texts import PLAIN, PROSE, changed, lines, read, written

from tl_core.errors import DataError


# one text a line
@pytest.mark.parametrize(
    "texts",
    [
        ["Hello, Tom", "Hi, Jane", "Bye, you"],
        ["Just one line"],
        ["One, line"],
        ["one, two", "three, four, five"],
        ["a | b | c", "no pipe", "x | y"],
        ['"Quoted whole"', "not quoted", "again, not"],
        ["tab\there", "none", "none"],
        ["Why; oh why; indeed", "Because", "Well; yes"],
        ["DESC:manner one, two", "NUM:count three", "DESC:def x; y"],
        ['"open and never closed', "one", "two, three"],
        ["cat/1.jpg 0", "dog/2.jpg 1"],
    ],
)
def test_lines_of_prose_are_one_text_each(tmp_path, texts):
    rows, names, _ = read(tmp_path / "t.txt", "\n".join(texts) + "\n")
    assert [cell for (cell,) in rows] == texts and names == ["column 1"]


def test_blank_lines_are_no_rows(tmp_path):
    assert read(tmp_path / "t.txt", "One, two\n\n   \nThree\n\t\n\nFour\n")[0] == [
        ["One, two"],
        ["Three"],
        ["Four"],
    ]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("suffix", ["csv", "txt"])
def test_one_column_that_a_program_quoted(tmp_path, suffix, quoting):
    texts = [
        f"{i} " + text for i, text in enumerate(PROSE) if "\t" not in text and ";" not in text
    ] + ["two\nlines"]
    rows, names, _ = read(
        tmp_path / f"t.{suffix}", written([[text] for text in texts], ["text"], quoting=quoting)
    )
    assert [cell for (cell,) in rows] == texts and names == ["text"]


@pytest.mark.parametrize(
    ("content", "width"),
    [
        ("cat, 1\ndog, 0\ncow, 1\npig, 0\n", 2),
        ("text, label\nOne, a\nTwo, b\n", 2),
        ("good;1\nbad;0\nso so;1\n", 2),
        ("ham\tHello\nspam\tBuy, now\nham\tYes\n", 2),
        ("Text;Klasse\nEins, zwei;a\nDrei;b\n", 2),
    ],
)
def test_small_tables_in_txt_are_tables(tmp_path, content, width):
    assert len(read(tmp_path / "t.txt", content)[1]) == width


# bytes
@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("place", [0, 599])
def test_stray_nul_bytes_are_dropped_and_counted(tmp_path, count, place):
    content = lines(PLAIN * (20 if count > 2 else 1)).encode()
    mark = f"number {place} of".encode()
    spoilt = content.replace(mark, b"num\0ber" + mark[6:], 1 if count < 30 else count)
    spoilt = spoilt.replace(b"many", b"ma\0ny", count - spoilt.count(0))
    rows, _, reading = read(tmp_path / "t.tsv", spoilt)
    assert rows == PLAIN * (20 if count > 2 else 1)
    assert reading.notes == [
        f"'t.tsv' holds {count} stray NUL byte{'s, which were' if count > 1 else ', which was'} "
        "dropped."
    ]


def test_many_nul_bytes_are_refused_wherever_they_are(tmp_path):
    for content in (
        lines(PLAIN[:15]).encode() + b"\0" * 5,
        lines(PLAIN * 20).encode() + b"\0" * 5000,
    ):
        with pytest.raises(DataError, match="not a text file"):
            read(tmp_path / "t.csv", content)


LETTERS = {
    "cp1252": "café Grüße naïve señor",
    "cp1251": "посылка ещё не пришла, верните деньги",
    "gb18030": "快递今天还没有到，请帮我查一下",
    "cp932": "荷物がまだ届いていません",
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("codec", LETTERS)
def test_each_line_is_read_as_what_it_is(tmp_path, codec, first):
    rows = [[f"{LETTERS[codec].replace(',', '')} {i}", "ab"[i % 2]] for i in range(60)]
    coded = [
        ("\t".join(row) + "\n").encode("utf-8" if (i % 3 == 0) == first else codec)
        for i, row in enumerate(rows)
    ]
    found, _, reading = read(tmp_path / "t.tsv", b"text\tlabel\n" + b"".join(coded))
    assert found == rows
    odd = 40 if first else 20
    assert reading.doubts == [f"{odd} lines of 't.tsv' are not UTF-8; they were read as {codec}."]


def test_one_line_of_another_encoding(tmp_path):
    rows = changed({1, 2, 3}, lambda text: f"Grüße, {text}")
    content = lines(rows).encode() + b"the caf\xe9 was fine\tpos\n"
    found, _, reading = read(tmp_path / "t.tsv", content)
    assert found[-1][0] == "the café was fine" and found[:-1] == rows
    assert reading.doubts == ["1 line of 't.tsv' is not UTF-8; it was read as cp1252."]


@pytest.mark.parametrize("codec", LETTERS)
def test_a_file_in_one_encoding_is_no_mixture(tmp_path, codec):
    letters = LETTERS[codec].replace(",", "")
    rows = [
        [f"{letters[i % len(letters) :] + letters} {i}", letters[: 2 + i % 3]] for i in range(300)
    ]
    found, _, reading = read(tmp_path / "t.tsv", lines(rows), codec)
    assert found == rows and not reading.doubts


# joined and ragged files
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_names_that_come_again_are_left_out_and_counted(tmp_path, mark):
    whole = (
        lines(PLAIN[:200], ",") + mark + lines(PLAIN[200:400], ",") + mark + lines(PLAIN[400:], ",")
    )
    rows, _, reading = read(tmp_path / "t.csv", whole)
    assert rows == PLAIN
    assert reading.set_aside == {"repeats the names of the columns": 2}


def test_one_cell_like_a_name_is_a_row(tmp_path):
    rows = [*PLAIN, ["text", "pos"], ["so text", "label"]]
    found, _, reading = read(tmp_path / "t.csv", written(rows))
    assert found == rows and not reading.set_aside


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_a_separator_at_the_end_of_all_rows_is_none(tmp_path, separator):
    for head, tail in ((["text", "label"], [""]), (["text", "label", ""], [])):
        content = lines([[*row, *tail] for row in PLAIN], separator, ",".join(head))
        rows, names, reading = read(tmp_path / "t.csv", content)
        assert rows == PLAIN and names == ["text", "label"] and not reading.bad


def test_row_numbers_without_a_name_in_front(tmp_path):
    content = lines([[str(i + 1), *row] for i, row in enumerate(PLAIN)], ",")
    rows, names, _ = read(tmp_path / "t.csv", content)
    assert names == ["column 1", "text", "label"] and rows[7] == ["8", *PLAIN[7]]


def test_ragged_rows_are_left_out_by_number(tmp_path):
    content = "sep=,\n" + lines(PLAIN, ",").replace("number 7 of", "number 7, of")
    rows, _, reading = read(tmp_path / "t.csv", content)
    assert reading.bad == [(8, "it has 3 cells where the header has 2")]
    assert rows == [row for i, row in enumerate(PLAIN) if i != 7]
