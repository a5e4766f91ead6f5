"""Delimited texts as programs and people write them, and what is read out of them."""

from __future__ import annotations

import csv
import io

from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table

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
