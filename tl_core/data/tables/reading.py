"""How a table is read, and its rows as every reader hands them on: cells are strings, in chunks."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tl_core.data.limits import LIMITS, Limits

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = {
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".psv",
    ".manifest",
}
CHUNK_ROWS = 10_000


class Rows(NamedTuple):
    """Some rows of a table: their numbers in the source, counted from 1 below the header, and their
    cells.
    """

    numbers: NDArray[np.int64]
    cells: pa.Table


@dataclass
class Reading:
    """How to read a table, and what was left out on the way."""

    encoding: str = ""
    sheet: str = ""
    limits: Limits = LIMITS
    header: str = ""  # yes or no; recognised when empty
    label_column: str | None = (
        None  # that was named as the class, "" for none; None where nobody can be asked
    )
    bad: list[tuple[int, str]] = field(default_factory=list)  # row numbers with the reason
    good: int = 0
    format: str = ""  # the tool whose export it is, where one was recognised
    roles: dict[str, str] = field(
        default_factory=dict
    )  # columns that the format itself names: text, label, image...
    notes: list[str] = field(default_factory=list)  # what is sure and worth telling
    doubts: list[str] = field(default_factory=list)  # guesses that a person should look at
    disagreeing: int = (
        0  # items to which annotators gave different classes; the commonest was taken
    )
    undecided: int = 0  # of these, items without a commonest one, which have no class
    set_aside: dict[str, int] = field(default_factory=dict)  # reason to number of records

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def doubt(self, sentence: str) -> None:
        if sentence not in self.doubts:
            self.doubts.append(sentence)

    def aside(self, reason: str, count: int = 1) -> None:
        """Records that the format itself says are not to be learnt from, such as rejected ones."""
        self.set_aside[reason] = self.set_aside.get(reason, 0) + count

    def leave_out(self, number: int, reason: str) -> None:
        self.bad.append((number, reason))
        if len(self.bad) > 20 and len(self.bad) * 100 > self.limits.bad_share * (
            len(self.bad) + self.good + number
        ):
            raise ValueError(
                f"too many rows are damaged, the first of them row {self.bad[0][0]}:"
                f" {self.bad[0][1]}"
            )


def clean_names(names: list[str]) -> list[str]:
    """Column names without blanks around them or control signs, each different, none empty."""
    clean: list[str] = []
    for place, name in enumerate(names):
        name = "".join(
            sign for sign in unicodedata.normalize("NFC", name) if sign.isprintable()
        ).strip()[:200]
        name = name.removeprefix("\ufeff") or f"column {place + 1}"
        copy = 2
        while name in clean:
            name, copy = f"{name.removesuffix(f' ({copy - 1})')} ({copy})", copy + 1
        clean.append(name)
    return clean


def framed(
    records: Iterator[tuple[int, dict[str, str]]], reading: Reading, rows: int
) -> Iterator[Rows]:
    """Records with their numbers, gathered into chunks bounded in rows and in signs."""
    numbers: list[int] = []
    chunk: list[dict[str, str]] = []
    signs = 0
    names: list[str] = []
    for number, record in records:
        length = sum(map(len, record.values()))
        if length > reading.limits.row_bytes:
            reading.leave_out(number, f"it is longer than {reading.limits.row_bytes >> 20} MB")
            continue
        if not record.keys() <= set(names):
            names += [name for name in record if name not in names]
            if len(names) > reading.limits.columns:
                raise ValueError(f"it has over {reading.limits.columns:,} columns")
        numbers.append(number)
        chunk.append(record)
        signs += length
        if len(chunk) == rows or signs > reading.limits.row_bytes:
            yield _framed(numbers, chunk, names)
            numbers, chunk, signs = [], [], 0
    if chunk:
        yield _framed(numbers, chunk, names)


def _framed(numbers: list[int], chunk: list[dict[str, str]], names: list[str]) -> Rows:
    import pyarrow as pa

    columns = [pa.array([record.get(name, "") for record in chunk], pa.string()) for name in names]
    return Rows(np.array(numbers, dtype=np.int64), pa.table(columns, names=clean_names(names)))


def cell(value: object) -> str:
    """A cell as a person would write it: 3.0 from a spreadsheet is 3, a list stays JSON, nothing
    and NaN are empty.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # lone surrogates cannot be stored
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
