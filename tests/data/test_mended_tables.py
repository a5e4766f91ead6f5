"""Tables that were read without an error and yet wrongly: each with what must come of it
instead.
"""

from __future__ import annotations

import io
import json
import re

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests_support.everyday import Case, ab, bring, frame, lines, sentence, sheets, table

from tl_core.cli.main import main
from tl_core.data.cells.label_cells import label_name
from tl_core.data.cells.label_checks import doubts, placeholders, several_lines
from tl_core.data.class_names import several_in
from tl_core.data.readers.disguise import is_renamed
from tl_core.data.reading import Reading
from tl_core.data.tables import read_table
from tl_core.errors import AmbiguousError, DataError

N = 24
TWO = {"a": 12, "b": 12}
ROWS = [{"text": sentence(n), "label": ab(n)} for n in range(N)]


def made(header, row, count=N, separator=","):
    return table(header, [row(n) for n in range(count)], separator)


def plain(separator=",", **change):
    start, count = change.get("start", 0), change.get("count", N)
    return made("text,label", lambda n: (sentence(n + start), ab(n)), count, separator)


def texts_from(start, count):
    return made("id,text", lambda n: (n, sentence(n + start)), count)


def joined(pattern, header=""):
    return header + "".join(
        pattern.format(text=sentence(n), label=ab(n), n=n, one=n + 1) for n in range(N)
    )


def book(fill):
    found = openpyxl.Workbook()
    fill(found.active)
    buffer = io.BytesIO()
    found.save(buffer)
    return buffer.getvalue()


def summed(word, below=()):
    def fill(sheet):
        for row in (
            ("text", "label"),
            *((sentence(n), ab(n)) for n in range(N)),
            (),
            (word, 24),
            *below,
        ):
            sheet.append(row)

    return book(fill)


def beside(sheet):
    sheet.append(["text", "label", None, "Text", "Label"])
    for n in range(N):
        sheet.append([sentence(n), ab(n), None, sentence(n + 50), ab(n)])


def parquet(columns, features=None):
    content = pa.table(columns)
    if features:
        told = json.dumps({"info": {"features": features}})
        content = content.replace_schema_metadata({b"huggingface": told.encode()})
    buffer = io.BytesIO()
    pq.write_table(content, buffer)
    return buffer.getvalue()


TEXTS, LABELS = [sentence(n) for n in range(N)], [ab(n) for n in range(N)]
NUMBERS = [[n % 2] for n in range(N)]
XY = {"names": ["x", "y"], "_type": "ClassLabel"}
BY_NAME = {"x": 12, "y": 12}
JOB = [
    {
        "source": sentence(n),
        "my-job": n % 2,
        "my-job-metadata": {"class-name": ab(n), "confidence": 0.9},
    }
    for n in range(N)
]
VERTEX = [
    {
        "classificationAnnotation": {"displayName": ab(n)},
        "textContent": sentence(n),
        "dataItemResourceLabels": {
            "aiplatform.googleapis.com/ml_use": "training" if n < 18 else "test"
        },
    }
    for n in range(N)
]
FAKE = {
    "Fake.csv": made(
        "title,text,subject", lambda n: (f"T {n}", sentence(n), ("News", "politics")[n % 2])
    ),
    "True.csv": made(
        "title,text,subject", lambda n: (f"U {n}", sentence(n + 50), ("World", "News")[n % 2])
    ),
}

CASES = {
    # rows held out whose class only holds a place
    "a test of question marks": Case(
        {
            "train.csv": plain(),
            "test.csv": made("text,label", lambda n: (sentence(n + 50), "?"), 6),
        },
        TWO,
        {"unlabelled": 6, "test": 4},
    ),
    "a test of -1": Case(
        {
            "train.csv": made("text,label", lambda n: (sentence(n), n % 2)),
            "test.csv": made("text,label", lambda n: (sentence(n + 50), -1), 6),
        },
        {"0": 12, "1": 12},
        {"unlabelled": 6},
    ),
    "a validation of NA": Case(
        {
            "train.csv": plain(),
            "valid.csv": made("text,label", lambda n: (sentence(n + 50), "NA"), 6),
        },
        TWO,
        {"unlabelled": 6},
    ),
    "unknown in the test of one table": Case(
        {
            "t.csv": made(
                "text,label,split",
                lambda n: (
                    sentence(n),
                    ab(n) if n < 20 else "Unknown",
                    "train" if n < 20 else "test",
                ),
            )
        },
        {"a": 10, "b": 10},
        {"unlabelled": 4},
    ),
    "-1 is a class of the training rows": Case(
        {
            "train.csv": made("text,label", lambda n: (sentence(n), n % 3 - 1)),
            "test.csv": made("text,label", lambda n: (sentence(n + 50), -1), 6),
        },
        {"-1": 14, "0": 8, "1": 8},
        {"test": 6},
    ),
    # rows that are no data
    "a total below a sheet": Case(
        {"t.xlsx": summed("Total")}, TWO, told="say a sum", aside="a total below"
    ),
    "a Spanish total": Case({"t.xlsx": summed("Total general:")}, TWO, aside="a total below"),
    "a German sum and a mean": Case(
        {"t.xlsx": summed("Summe", [("Mittelwert", 3)])}, TWO, aside="a total below"
    ),
    "dashes of psql": Case(
        {"t.txt": joined("{text}\t{label}\n", "text\tlabel\n----\t-----\n")},
        TWO,
        aside="a line of dashes",
    ),
    "a table of Markdown": Case(
        {"t.txt": joined("| {text} | {label} |\n", "| text | label |\n|:---|---:|\n")},
        TWO,
        aside="a line of dashes",
    ),
    "the names again in capitals": Case(
        {"t.csv": plain(count=12) + plain(start=12, count=12).replace("text,label", "TEXT,Label")},
        TWO,
        aside="repeats the names",
    ),
    "another order of columns behind it": Case(
        {"t.csv": plain(count=12) + made("Label,Text", lambda n: (ab(n), sentence(n + 50)), 12)},
        refuses="different orders.*Row 13 names",
    ),
    "two tables side by side": Case({"t.xlsx": book(beside)}, TWO, sure=False, told="side by side"),
    # Parquet
    "bytes of text": Case(
        {
            "t.parquet": parquet(
                {
                    "text": [text.encode() for text in TEXTS],
                    "label": [label.encode() for label in LABELS],
                }
            )
        },
        TWO,
    ),
    "bytes of pictures beside texts": Case(
        {
            "t.parquet": parquet(
                {
                    "text": TEXTS,
                    "label": LABELS,
                    "thumb": [b"\xff\xd8\0" + bytes([n]) for n in range(N)],
                }
            )
        },
        TWO,
        told="left out: thumb",
    ),
    "an object of title and body": Case(
        {
            "t.parquet": parquet(
                {"review": [{"title": "x", "body": text} for text in TEXTS], "label": LABELS}
            )
        },
        TWO,
        columns={"text": "review.body"},
    ),
    "lists of objects": Case(
        {
            "t.parquet": parquet(
                {"text": TEXTS, "label": LABELS, "spans": [[{"at": n}] for n in range(N)]}
            )
        },
        TWO,
        sure=False,
        told="nested data (spans)",
    ),
    "numbers of classes in lists": Case(
        {
            "t.parquet": parquet(
                {"text": TEXTS, "label": NUMBERS}, {"label": {"feature": XY, "_type": "Sequence"}}
            )
        },
        BY_NAME,
    ),
    "numbers of classes in older lists": Case(
        {"t.parquet": parquet({"text": TEXTS, "label": NUMBERS}, {"label": [XY]})}, BY_NAME
    ),
    "responses of Argilla as numbers": Case(
        {
            "t.parquet": parquet(
                {
                    "text": TEXTS,
                    "label.responses": NUMBERS,
                    "label.responses.status": [["submitted"]] * N,
                    "label.suggestion": [0] * N,
                },
                {"label.responses": {"feature": XY, "_type": "List"}},
            )
        },
        BY_NAME,
    ),
    # clouds and objects
    "Ground Truth": Case(
        {"output.manifest": lines(JOB)}, TWO, columns={"label": "label", "text": "text"}
    ),
    "Ground Truth with failures": Case(
        {
            "o.jsonl": lines(
                [*JOB, {"source": "x y", "my-job-metadata": {"failure-reason": "late"}}]
            )
        },
        TWO,
        {"unlabelled": 1},
    ),
    "Ground Truth, several labels": Case(
        {
            "o.jsonl": lines(
                [
                    {
                        "source": sentence(n),
                        "j": [0],
                        "j-metadata": {"class-map": {"0": "a", "1": "b"}},
                    }
                    for n in range(N)
                ]
            )
        },
        refuses="several",
    ),
    "Vertex AI": Case({"t.jsonl": lines(VERTEX)}, TWO, {"test": 6}),
    "Vertex AI without splits": Case(
        {
            "t.jsonl": lines(
                [{k: v for k, v in one.items() if k != "dataItemResourceLabels"} for one in VERTEX]
            )
        },
        TWO,
    ),
    "scores for each class": Case(
        {
            "t.jsonl": lines(
                [{"text": sentence(n), "label": {"a": 0.2, "b": 0.8}} for n in range(N)]
            )
        },
        refuses="holds objects",
    ),
    # tables of one folder
    "a table a month": Case(
        {"january.csv": plain(), "february.csv": plain(start=50)},
        {"a": 24, "b": 24},
        sure=False,
        told="2 tables with the same columns are read as one",
    ),
    "a file an annotator": Case(
        {
            f"{name}.jsonl": lines(
                [
                    {"id": n, "text": sentence(n), "label": [ab(n)] if n < N else []}
                    for n in range(first, first + 12)
                ]
            )
            for name, first in (("admin", 0), ("eva", 12), ("unknown", 24))
        },
        TWO,
        {"unlabelled": 12},
        sure=False,
        told="3 tables",
    ),
    "a file a shop": Case(
        {
            f"s/{name}_labelled.txt": "".join(f"{sentence(n + start)}\t{n % 2}\n" for n in range(N))
            for name, start in (("amazon", 0), ("imdb", 50))
        },
        {"0": 24, "1": 24},
        sure=False,
    ),
    "a file a class or a column": Case(FAKE, asks="labels_from"),
    "a file a class": Case(
        FAKE, {"Fake": 24, "True": 24}, options={"labels_from": "names"}, sure=False
    ),
    "a column beside the names": Case(
        FAKE,
        {"News": 24, "World": 12, "politics": 12},
        sure=False,
        options={"labels_from": "table"},
    ),
    "a folder a class": Case(
        {
            f"{name}/r{number}.csv": texts_from(start, 12)
            for number, (name, start) in enumerate(
                (("pos", 0), ("pos", 20), ("neg", 40), ("neg", 60))
            )
        },
        {"pos": 24, "neg": 24},
        sure=False,
        told="folder",
    ),
    "a folder of records a class": Case(
        {f"x/{ab(n)}/{n}.json": json.dumps({"text": sentence(n), "id": n}) for n in range(N)},
        TWO,
        sure=False,
    ),
    "a folder a year": Case(
        {"2020/d.csv": plain(), "2021/d.csv": plain(start=50)}, {"a": 24, "b": 24}, sure=False
    ),
    "the same rows twice": Case({"a.csv": plain(), "b.csv": plain()}, refuses="same rows"),
    # other endings
    "a workbook called CSV": Case(
        {"t.csv": sheets(a=frame(20))}, {"a": 10, "b": 10}, told="is an Excel file"
    ),
    "a workbook called TSV": Case(
        {"t.tsv": sheets(a=frame(20))}, {"a": 10, "b": 10}, told="is an Excel file"
    ),
    "JSON lines called CSV": Case({"t.csv": lines(ROWS)}, TWO, told="is JSONL"),
    "JSON lines called TXT with a mark": Case(
        {"t.txt": "\ufeff" + lines(ROWS)}, TWO, told="is JSONL"
    ),
    "a JSON list called TXT": Case({"t.txt": json.dumps(ROWS, indent=2)}, TWO, told="is JSON"),
    "CSV called XLSX": Case({"t.xlsx": plain()}, TWO, told="is a table"),
    "UTF-16 called XLSX": Case({"t.xlsx": plain("\t").encode("utf-16")}, TWO, told="is a table"),
    "texts in brackets": Case({"t.csv": joined("[{text}],{label}\n", "text,label\n")}, TWO),
    "bars": Case({"t.psv": plain("|")}, TWO),
    # ways to write a table
    "labels before texts with commas": Case(
        {"t.txt": joined("__label__{label} {text}, and, so\n")}, TWO
    ),
    "labels before texts with commas and marks": Case(
        {"t.csv": joined('__label__{label} {text}, "so" it\n')}, TWO
    ),
    "as R writes it": Case(
        {"t.txt": joined('"{one}" "{text}" "{label}"\n', '"text" "label"\n')}, TWO
    ),
    "as R writes it without row names": Case(
        {"t.csv": joined('"{text}" "{label}" {n}\n', '"text" "label" "n"\n')}, TWO
    ),
    "single quotation marks": Case(
        {"t.csv": joined("'{text}, it is','{label}'\n", "text,label\n")},
        TWO,
        told="single quotation",
    ),
    "single quotation marks, semicolons": Case(
        {"t.csv": joined("'{text}; it''s';'{label}'\n", "'text';'label'\n")}, TWO
    ),
    "apostrophes in texts": Case(
        {"t.csv": joined("'tis {text} 'tis,{label}\n", "text,label\n")}, TWO
    ),
    "whole rows in marks": Case(
        {"t.csv": joined('"{text},{label}"\n', '"text,label"\n')}, TWO, told="whole rows"
    ),
    "whole rows in marks below plain names": Case(
        {"t.csv": joined('"""{text}, so"",{label}"\n', "text,label\n")}, TWO
    ),
    "three colons": Case(
        {
            "t.txt": joined(
                "{n} ::: O ({n}) ::: {label} ::: {text}\n",
                "ID ::: TITLE ::: GENRE ::: DESCRIPTION\n",
            )
        },
        TWO,
        sure=False,
        told="':::' between",
    ),
    "two colons in texts": Case({"t.csv": joined("std::{text},{label}\n", "text,label\n")}, TWO),
    "comments above the names": Case(
        {"t.csv": "# from X, 2024, v1\n#\n" + plain()}, TWO, told="2 line(s) of comments"
    ),
    "names behind a hash": Case({"t.tsv": "#" + plain("\t")}, TWO),
    "tweets that begin with a hash": Case(
        {"t.tsv": joined("#{text}\t{label}\n", "text\tlabel\n")}, TWO
    ),
    "texts with numbers of classes": Case(
        {"t.json": json.dumps({sentence(n): n % 2 for n in range(N)})}, {"0": 12, "1": 12}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_comes_in_as_it_is_meant(name, tmp_path, capsys):
    case = CASES[name]
    flags = [
        part
        for option, value in case.options.items()
        for part in (f"--{option.replace('_', '-')}", str(value))
    ]
    code = main(["data", "add", str(bring(case.files, tmp_path)), "--name", "x", "--json", *flags])
    found = json.loads(capsys.readouterr().out)
    if case.asks or case.refuses:
        assert code == 2, found
        error = found["error"]
        assert not case.asks or error["question"]["option"] == case.asks
        assert re.search(case.refuses, f"{error['what']} {error['why']}")
        return
    assert code == 0, found
    plan = found["plan"]
    told = " ".join([*plan["notes"], *plan["uncertain"]])
    assert found["classes"] == case.classes
    assert {split: found["splits"].get(split, 0) for split in case.splits} == case.splits
    assert bool(plan["uncertain"]) == (not case.sure), told
    assert case.told in told
    assert case.aside in " ".join(one["reason"] for one in plan["set_aside"])
    assert case.columns.items() <= found["columns"].items()


def read(path, content, label_column=""):
    path.write_text(content)
    reading = Reading(label_column=label_column)
    found = [record for part in read_table(path, reading) for record in part.cells.to_pylist()]
    return found, reading


PEOPLE = {
    "Mechanical Turk": made(
        "HITId,Title,AssignmentId,WorkerId,AssignmentStatus,Input.text,Answer.mood.label",
        lambda n: (
            f"H{n // 3}",
            "How do you find this text here",
            f"A{n}",
            f"W{n % 3}",
            "Approved",
            sentence(n // 3),
            ab(n // 3) if n % 9 else "odd",
        ),
        72,
    ),
    "its elements": made(
        "HITId,AssignmentId,WorkerId,Input.text,Answer.taskAnswers",
        lambda n: (
            f"H{n // 3}",
            f"A{n}",
            f"W{n % 3}",
            sentence(n // 3),
            json.dumps([{"mood": {"label": ab(n // 3) if n % 9 else "odd"}}]),
        ),
        72,
    ),
    "equal texts": made(
        "text,annotator,label",
        lambda n: (sentence(n // 3), f"w{n % 3}", ab(n // 3) if n % 9 else "odd"),
        72,
    ),
    "units and raters": made(
        "unit_id,rater,comment,category",
        lambda n: (n // 3, f"w{n % 3}", sentence(n // 3), ab(n // 3) if n % 9 else "odd"),
        72,
    ),
    "tasks and users": made(
        "task_id,user,text,topic",
        lambda n: (n // 3, f"w{n % 3}", sentence(n // 3), ab(n // 3) if n % 9 else "odd"),
        72,
    ),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_answers_of_annotators_make_one_row_an_item(name, tmp_path):
    found, reading = read(tmp_path / "t.csv", PEOPLE[name])
    column = next(
        key for key in ("Answer.mood.label", "label", "category", "topic") if key in found[0]
    )
    assert [record[column] for record in found] == [ab(n) for n in range(N)]
    assert reading.format in ("Mechanical Turk", "answers of annotators")
    assert (reading.disagreeing, reading.undecided) == (8, 0)
    assert {record["annotators"] for record in found} == {"3"} and found[0]["agreement"] == "0.67"


@pytest.mark.parametrize(
    "content",
    [
        plain(),
        made("text,annotator,label", lambda n: (sentence(n), f"w{n % 3}", ab(n))),
        made("user,text,label", lambda n: (f"u{n % 7}", sentence(n // 2), ab(n))),
        made("worker,comment,label", lambda n: (f"u{n}", "ok", ab(n))),
    ],
    ids=["none", "once each", "authors", "remarks"],
)
def test_tables_that_only_name_people_stay_as_they_are(content, tmp_path):
    found, reading = read(tmp_path / "t.csv", content)
    assert len(found) == N and not reading.format


def test_a_prediction_keeps_every_row_of_annotators(tmp_path):
    found, reading = read(tmp_path / "t.csv", PEOPLE["equal texts"], None)
    assert len(found) == 72 and not reading.format


def test_two_questions_of_a_tool_are_asked_about(tmp_path):
    content = json.dumps(
        [
            {
                "id": n,
                "data": {"text": sentence(n)},
                "annotations": [
                    {
                        "result": [
                            {
                                "type": "choices",
                                "from_name": name,
                                "to_name": "text",
                                "value": {"choices": [value]},
                            }
                            for name, value in (("tone", ab(n)), ("topic", "xyz"[n % 3]))
                        ]
                    }
                ],
            }
            for n in range(N)
        ]
    )
    with pytest.raises(AmbiguousError) as asked:
        read(tmp_path / "t.json", content)
    assert (asked.value.option, list(asked.value.choices)) == ("label_column", ["tone", "topic"])
    found, reading = read(tmp_path / "t.json", content, "tone")
    assert [record["tone"] for record in found] == LABELS and not reading.doubts


SEVERAL = [
    ["a#b", "a", "b"],
    ["a || b", "a", "b"],
    ["a,b", "a", "b"],
    ["a; b", "a", "b"],
    ["<java><repeat>", "<php>"],
    ["Action, Comedy", "Comedy, Drama", "Drama"],
    ["27", "2,3", "4"],
    ["0", "1,2,3", "9"],
    ["x|y", "x", "y", "z"],
    ["politics#law", "politics", "law", "art"],
]
ONE_EACH = [
    ["C#", "F#", "Java"],
    ["rain, snow", "sun"],
    ["Paris, France", "Lyon, France"],
    ["a/b", "a", "b"],
    ["1,0", "2,0"],
    ["1", "1,5", "2", "2,5", "5"],
    ["Pets & Toys", "Toys"],
    ["issue #1", "issue #2"],
    ["1,200", "500"],
    ["<b>", "<i>"],
]


@pytest.mark.parametrize("names", SEVERAL)
def test_joined_names_whose_parts_stand_alone_are_several(names):
    assert several_in(names)


@pytest.mark.parametrize("names", ONE_EACH)
def test_ordinary_names_are_one_class_each(names):
    assert not several_in(names)


def test_names_on_several_lines_are_several_classes_where_they_stand_alone():
    assert several_lines(["a", "b", "a b"], {"a b": "a\nb"}) == {"a b": '["a", "b"]'}
    assert several_lines(["a", "b", "a b"], {"a b": " a\t b"}) == {"a b": '["a", "b"]'}
    assert not several_lines(["York", "New York"], {"New York": "New\nYork"})


def coded(cells):
    names = sorted({cell for cell in cells if cell})
    return names, np.array([names.index(cell) if cell else -1 for cell in cells], dtype=np.int64)


@pytest.mark.parametrize(
    ("cells", "given", "words"),
    [
        (
            ["a", "b"] * 10 + ["a"] * 12,
            ["train"] * 20 + ["test"] * 12,
            "All 12 rows of the test part",
        ),
        (["a", "b"] * 10 + ["a"] * 9, ["train"] * 20 + ["test"] * 9, ""),
        (
            ["a", "b"] * 10 + ["None", "nan", "NULL"],
            [""] * 23,
            "'NULL', 'None' and 'nan' (3 rows) read like a missing",
        ),
        (["a", "b"] * 60 + ["unknown"], [""] * 121, "'unknown' (1 row) reads like"),
        (["none", "racism", "sexism"] * 8, [""] * 24, ""),
        (["a"] + [""] * 9 + ["b"] + [""] * 9, [""] * 20, "Only the first row of each block"),
        (
            ["a", "", "", "b", "", "", "c", "", "", "a", "", "", "b"],
            [""] * 13,
            "Only the first row",
        ),
        (["a", "b"] * 5 + [""] * 30, [""] * 40, ""),
        (["", "a"] + [""] * 9 + ["b"] + [""] * 9, [""] * 21, ""),
        (["category"] + ["a", "b"] * 12, [""] * 25, "'category' has one row, the first"),
        (["a", "b"] * 12 + ["24"], [""] * 25, "'24' has one row, the last"),
        (["a", "b"] * 6 + ["c"] + ["a", "b"] * 6, [""] * 25, ""),
        (["a", "b", "c", "d"] * 3 + ["e"], [""] * 13, ""),
    ],
)
def test_classes_that_may_be_none_are_doubted(cells, given, words):
    names, labels = coded(cells)
    found = doubts(names, labels, np.array(given))
    assert (words in " ".join(found)) if words else not found


@pytest.mark.parametrize(
    ("value", "gone"), [("?", 3), ("-1", 3), ("N/A", 3), ("hidden", 3), ("c", 0), ("a", 0)]
)
def test_a_part_held_out_of_placeholders_has_no_classes(value, gone):
    names, labels = coded(["a", "b", "a", value, value, value])
    blank, notes = placeholders(names, labels, np.array(["train"] * 3 + ["test"] * 3))
    assert (int(blank.sum()), bool(notes)) == (gone, bool(gone))


@pytest.mark.parametrize(
    "cell", ['{"displayName": "a"}', '[{"classname": "a"}]', '{"class-name": "a"}']
)
def test_answers_of_clouds_are_unwrapped(cell):
    assert label_name(cell) == "a"


@pytest.mark.parametrize(
    "cell", ['{"a": 0.2, "b": 0.8}', '[{"start": 1, "label": "x"}]', '{"x": {"y": [1, 2]}}']
)
def test_an_object_without_an_answer_is_no_class(cell):
    with pytest.raises(DataError, match="holds objects"):
        label_name(cell)


@pytest.mark.parametrize("cell", ["{spam}", "[x: y]", "{a: b}", "(1: 2)"])
def test_brackets_around_words_stay_in_the_name(cell):
    assert label_name(cell) == cell


@pytest.mark.parametrize(
    ("content", "readable"),
    [
        (plain("\t").encode(), True),
        (sheets(a=frame(20)), True),
        (b"\xd0\xcf\x11\xe0\0\0", False),
        (b"<html><table>", False),
    ],
    ids=["table", "new workbook", "old workbook", "web page"],
)  # its bytes tell the time
def test_a_workbook_of_old_that_is_none_is_read(content, readable, tmp_path):
    path = tmp_path / "t.xls"
    path.write_bytes(content)
    assert is_renamed(path) == readable
    if readable:
        assert sum(len(part.numbers) for part in read_table(path)) >= 20
    else:
        with pytest.raises(DataError, match="before 2007"):
            next(read_table(path))
