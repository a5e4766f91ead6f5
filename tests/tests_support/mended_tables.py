"""Tables that were read without an error and yet wrongly: each with what must come of it
instead.
"""

from __future__ import annotations

import io
import json

import openpyxl

from tests_support.everyday import Case, ab, frame, lines, sentence, sheets
from tests_support.mended_records import RECORDS
from tests_support.small_tables import ROWS, TWO, N, joined, made, plain, texts_from


def book(fill):
    workbook = openpyxl.Workbook()
    fill(workbook.active)
    buffer = io.BytesIO()
    workbook.save(buffer)
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
        {"t.xlsx": summed("Total")}, TWO, told="look like totals", aside="a total below"
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
        refuses="different column orders.*Row 13 names",
    ),
    "two tables side by side": Case({"t.xlsx": book(beside)}, TWO, sure=False, told="side by side"),
    **RECORDS,
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
