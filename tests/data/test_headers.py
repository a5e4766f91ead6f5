"""Whether the first line of delimited text names its columns or is data."""

from __future__ import annotations

import csv

import pytest
from tests_support.delimited_texts import PLAIN, PROSE, read, written

from tl_core.data.readers.dialect import sniff_dialect

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
