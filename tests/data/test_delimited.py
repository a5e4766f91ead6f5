"""Delimited text as people have it: quotes, headers, plain lines, stray bytes, joined files."""

from __future__ import annotations

import csv
import io
import random

import pytest

from tl_core.data.readers.dialect import sniff_dialect
from tl_core.data.reading import Reading
from tl_core.data.tables import read_table
from tl_core.errors import DataError

PLAIN = [[f"this is message number {i} of many", "pos" if i % 3 else "neg"] for i in range(600)]
PROSE = [
    "I came, I saw, and I won",
    "No commas here",
    "Well; that is that",
    'She said "no" and left',
    "One, two",
    '"Great," he said',
    "Wait...\tis that a tab?",
    "a, b, c, d, e",
    "Yes",
    "It costs 1,000, or so; fine",
] * 6


def read(path, content, encoding="utf-8", **options):
    """All rows as lists of cells, the names, and the reading."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    reading = Reading(**options)
    parts = list(read_table(path, reading, chunk_rows=97))
    rows = [list(row.values()) for part in parts for row in part.cells.to_pylist()]
    assert sorted(set(numbers := [n for part in parts for n in part.numbers])) == list(numbers)
    return rows, parts[0].cells.column_names, reading


def lines(rows, separator="\t", header="text,label", end="\n"):
    head = [header.split(",")] if header else []
    return end.join(separator.join(row) for row in [*head, *rows]) + end


def written(rows, header=("text", "label"), **style):
    sink = io.StringIO(newline="")
    csv.writer(sink, **style).writerows([header, *rows] if header else rows)
    return sink.getvalue()


def changed(places, change):
    return [
        [change(text), label] if i in places else [text, label]
        for i, (text, label) in enumerate(PLAIN)
    ]


# quotation marks

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


# header or not

WORDS = [
    f"the story of {'abcdefghij'[i % 10] * 3} and what came of it in year {i}" for i in range(40)
]
HEADLESS = {
    "AG News": [
        [str(1 + i * 7 % 4), f"Title {chr(97 + i % 26)} of the day", word]
        for i, word in enumerate(WORDS)
    ],
    "MNIST": [[str(i * 3 % 10), *(str((i * j) % 256) for j in range(20))] for i in range(30)],
    "Sentiment140": [
        [
            "04"[i > 20],
            str(1467810369 + i * 7),
            f"Mon Apr {i % 28 + 1:02} 22:19:45 PDT 2009",
            "NO_QUERY",
            f"user{i}x",
            word,
        ]
        for i, word in enumerate(WORDS)
    ],
    "SMS spam": [["ham" if i % 5 else "spam", word] for i, word in enumerate(WORDS)],
    "one other of its class": [
        ["rare" if i in (0, 9) else "ham", word] for i, word in enumerate(WORDS)
    ],
    "two columns of texts": [[word, word[::-1]] for word in WORDS],
    "files": [[f"img/{i * 37}.jpg", "ab"[i % 2]] for i in range(20)],
    "links": [[f"https://example.org/{i * 37}", word] for i, word in enumerate(WORDS)],
    "days": [[f"2024-0{i % 9 + 1}-1{i % 7}", word] for i, word in enumerate(WORDS)],
    "Chinese": [
        [f"快递今天还没有到请帮我查一下{i}", "问题" if i % 3 else "投诉"] for i in range(30)
    ],
    "negative numbers": [[f"-{i}.5", f"{i * i}", "up" if i % 2 else "down"] for i in range(30)],
}
NAMED = {
    "usual": (["text", "label"], WORDS, "ab"),
    "capitals and blanks": ([" Review_Text", "Class Name"], WORDS, "ab"),
    "own words over numbers": (["Wert", "Zahl"], WORDS, "12"),
    "own words over sentences": (["Beschwerde", "Amt"], WORDS, "xy"),
    "known by a part": (["customer-message", "foo"], WORDS, ["odd", "even"]),
    "index without a name": (["", "was"], [str(i) for i in range(40)], "xy"),
    "questions over answers": (["How do you like our service overall?", "Points"], WORDS, "12"),
    "years": (["Ort", "2019", "2020", "2021"], None, None),
}


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("name", HEADLESS)
def test_a_first_line_of_data_is_data(tmp_path, name, quoting):
    for suffix, separator in (("csv", ","), ("tsv", "\t"), ("txt", "\t")):
        content = written(HEADLESS[name], None, quoting=quoting, delimiter=separator)
        rows, names, reading = read(tmp_path / f"t.{suffix}", content)
        assert rows == HEADLESS[name]
        assert names[:2] == ["column 1", "column 2"]
        assert (
            len(reading.notes) == 1
            and "The first line of" in reading.notes[0]
            and "is data" in reading.notes[0]
        )


@pytest.mark.parametrize("name", NAMED)
def test_a_first_line_of_names_is_a_header(tmp_path, name):
    head, texts, classes = NAMED[name]
    rows = (
        [[text, classes[i % 2]] for i, text in enumerate(texts)]
        if texts
        else [[f"Stadt {i}", str(i * 3), str(i * 5 % 7), str(i)] for i in range(20)]
    )
    found, names, reading = read(tmp_path / "t.csv", written(rows, head))
    assert found == rows
    assert names == [name.strip() or "column 1" for name in head]
    assert not reading.notes and not reading.doubts


def test_a_first_line_that_may_be_either_is_a_header_with_a_doubt(tmp_path):
    rows = [[f"w{chr(97 + i)}x", f"v{chr(97 + 3 * i % 26)}z"] for i in range(26)]
    found, names, reading = read(tmp_path / "t.csv", written(rows, ["foo", "bar"]))
    assert (len(found), names) == (26, ["foo", "bar"])
    assert reading.doubts == [
        "The first line of 't.csv' is taken as the names of its columns (foo, bar). "
        "If it is data, use --header no."
    ]


def test_whoever_says_whether_there_is_a_header_is_believed(tmp_path):
    rows, names, reading = read(tmp_path / "t.csv", written(PLAIN), header="no")
    assert (rows[0], len(rows), names) == (["text", "label"], 601, ["column 1", "column 2"])
    rows, names, reading = read(
        tmp_path / "t.csv", written(HEADLESS["SMS spam"], None), header="yes"
    )
    assert (len(rows), names) == (39, HEADLESS["SMS spam"][0])
    assert not reading.doubts
    assert not sniff_dialect(tmp_path / "t.csv", "", "no").header


@pytest.mark.parametrize(
    "head", ["text", "Review", "message", "customer_review", "SENTENCE", "Texts"]
)
@pytest.mark.parametrize("suffix", ["csv", "txt", "tsv"])
def test_one_column_with_a_known_name(tmp_path, suffix, head):
    rows, names, reading = read(tmp_path / f"t.{suffix}", "\n".join([head, *PROSE]) + "\n")
    assert [cell for (cell,) in rows] == PROSE
    assert names == [head] and not reading.doubts and not reading.bad


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", ["csv", "txt"])
def test_one_column_without_a_name_keeps_its_first_line(tmp_path, suffix, end):
    rows, names, reading = read(tmp_path / f"t.{suffix}", end.join(PROSE))
    assert [cell for (cell,) in rows] == PROSE
    assert names == ["column 1"] and not reading.bad
    assert reading.notes == [
        f"The first line of 't.{suffix}' is data: its column is called column 1."
    ]


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
