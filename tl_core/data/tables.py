"""Tables in every common format, read as strings in bounded chunks: nothing is guessed away."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tl_core.data.limits import LIMITS, Limits
from tl_core.data.readers.disguise import real_suffix
from tl_core.errors import DataError

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


def read_table(
    path: Path, reading: Reading | None = None, chunk_rows: int = CHUNK_ROWS
) -> Iterator[Rows]:
    """Yield at most `chunk_rows` rows at a time, every cell a string, empty for a missing value.

    Classes named NA, None, true, 1.0 or 007 come out as they were written. Rows that do not fit the
    header are left out and listed in `reading.bad`.

    Raises:
        DataError: when the file cannot be read as its suffix says, or is outside the limits.
    """
    from tl_core.data import formats
    from tl_core.data.readers import delimited, json_tables, parquet_tables, workbook

    reading = reading or Reading()
    readers = {
        ".xlsx": workbook.read_xlsx,
        ".json": json_tables.read_json,
        ".jsonl": json_tables.read_jsonl,
        ".ndjson": json_tables.read_jsonl,
        ".manifest": json_tables.read_jsonl,
        ".parquet": parquet_tables.read_parquet,
    }
    if not path.stat().st_size:
        raise DataError(
            f"{path.name!r} is empty.",
            "It has no bytes at all.",
            "Save it again and bring the new copy.",
        )
    suffix = real_suffix(path)
    if suffix == ".xls":
        raise DataError(
            f"{path.name!r} cannot be read.",
            "It is Excel's format from before 2007, or a page named so.",
            "Open it and save it as XLSX.",
        )
    reader = readers.get(suffix, delimited.read_delimited)
    if suffix != path.suffix.lower():
        reading.note(
            f"{path.name!r} is {_kind(suffix)}, whatever its ending says, and was read so."
        )
    try:
        for rows in formats.converted(reader(path, reading, chunk_rows), reading, chunk_rows):
            if len(rows.cells.column_names) > reading.limits.columns:
                raise ValueError(
                    f"it has {len(rows.cells.column_names):,} columns, the limit is "
                    f"{reading.limits.columns:,}"
                )
            if len(rows.numbers):
                reading.good += len(rows.numbers)
                yield rows
        if 100 * len(reading.bad) > reading.limits.bad_share * (reading.good + len(reading.bad)):
            raise ValueError(
                f"{len(reading.bad):,} of {reading.good + len(reading.bad):,} rows are damaged, the"
                f" first of them row {reading.bad[0][0]}: {reading.bad[0][1]}"
            )
        if not reading.good:
            raise DataError(
                f"{path.name!r} holds a header but no rows.",
                "",
                "Add at least two rows for each class.",
            )
    except MemoryError as error:
        raise DataError(
            f"{path.name!r} asks for more memory than there is.",
            "Files made to exhaust a server do that.",
            "If it is real, split it into smaller files.",
        ) from error
    except (ValueError, KeyError, OSError, RecursionError, OverflowError, TypeError) as error:
        raise DataError(
            f"{path.name!r} cannot be read as {_kind(suffix)}.",
            f"{_words(error, path)}.",
            "Open it in a spreadsheet, save it as CSV (UTF-8) and bring that.",
        ) from error


def _kind(suffix: str) -> str:
    return {
        ".xlsx": "an Excel file",
        ".parquet": "a Parquet file",
        ".json": "JSON",
        ".jsonl": "JSONL",
        ".ndjson": "JSONL",
    }.get(suffix, "a table")


def _words(error: Exception, path: Path) -> str:
    """What went wrong, in one line, without where the file lies on this server."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(
        f"{path.parent}/", ""
    )
    if "straddling" in text:
        return (
            f"A row is longer than {LIMITS.row_bytes >> 20} MB, or a quotation mark is opened and"
            " never closed"
        )
    return text[:300].rstrip(".")


def clean_names(names: list[str]) -> list[str]:
    """Column names without blanks around them or control signs, each different, none empty."""
    found: list[str] = []
    for place, name in enumerate(names):
        name = "".join(
            sign for sign in unicodedata.normalize("NFC", name) if sign.isprintable()
        ).strip()[:200]
        name = name.removeprefix("\ufeff") or f"column {place + 1}"
        copy = 2
        while name in found:
            name, copy = f"{name.removesuffix(f' ({copy - 1})')} ({copy})", copy + 1
        found.append(name)
    return found


def framed(
    records: Iterator[tuple[int, dict[str, str]]], reading: Reading, rows: int
) -> Iterator[Rows]:
    """Records with their numbers, gathered into chunks bounded in rows and in signs."""
    import pyarrow as pa

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
            yield _framed(numbers, chunk, names, pa)
            numbers, chunk, signs = [], [], 0
    if chunk:
        yield _framed(numbers, chunk, names, pa)


def _framed(numbers: list[int], chunk: list[dict[str, str]], names: list[str], pa: Any) -> Rows:  # noqa: ANN401
    columns = [pa.array([record.get(name, "") for record in chunk], pa.string()) for name in names]
    return Rows(np.array(numbers, dtype=np.int64), pa.table(columns, names=clean_names(names)))


def cell(value: Any) -> str:  # noqa: ANN401
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
