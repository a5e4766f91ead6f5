"""Tables in every common format, read as strings in bounded chunks: nothing is guessed away."""

from __future__ import annotations

import codecs
import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tl_core.data.encodings import sniff_dialect
from tl_core.data.limits import LIMITS, Limits
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = {".csv", ".tsv", ".txt", ".xlsx", ".json", ".jsonl", ".ndjson", ".parquet"}
CHUNK_ROWS = 10_000
_NAMES_BLOCK = 1 << 20


class Rows(NamedTuple):
    """Some rows of a table: their numbers in the source, counted from 1 below the header, and their cells."""

    numbers: NDArray[np.int64]
    cells: pa.Table


@dataclass
class Reading:
    """How to read a table, and what was left out on the way."""

    encoding: str = ""
    sheet: str = ""
    limits: Limits = LIMITS
    bad: list[tuple[int, str]] = field(default_factory=list)  # row numbers with the reason
    good: int = 0

    def leave_out(self, number: int, reason: str) -> None:
        self.bad.append((number, reason))
        if len(self.bad) > 20 and len(self.bad) * 100 > self.limits.bad_share * (len(self.bad) + self.good + number):
            raise ValueError(f"too many rows are damaged, the first of them row {self.bad[0][0]}: {self.bad[0][1]}")


def read_table(path: Path, reading: Reading | None = None, chunk_rows: int = CHUNK_ROWS) -> Iterator[Rows]:
    """Yield at most `chunk_rows` rows at a time, every cell a string, empty for a missing value.

    Classes named NA, None, true, 1.0 or 007 come out as they were written. Rows that do not fit the header are
    left out and listed in `reading.bad`.

    Raises:
        DataError: when the file cannot be read as its suffix says, or is outside the limits.
    """
    from tl_core.data import sheets

    reading = reading or Reading()
    readers = {".xlsx": sheets.read_xlsx, ".json": sheets.read_json, ".jsonl": sheets.read_jsonl,
               ".ndjson": sheets.read_jsonl, ".parquet": sheets.read_parquet}
    reader = readers.get(path.suffix.lower(), _read_delimited)
    if not path.stat().st_size:
        raise DataError(f"{path.name!r} is empty.", "It has no bytes at all.", "Save it again and bring the new copy.")
    try:
        for rows in reader(path, reading, chunk_rows):
            if len(rows.cells.column_names) > reading.limits.columns:
                raise ValueError(f"it has {len(rows.cells.column_names):,} columns, the limit is "
                                 f"{reading.limits.columns:,}")
            if len(rows.numbers):
                reading.good += len(rows.numbers)
                yield rows
        if 100 * len(reading.bad) > reading.limits.bad_share * (reading.good + len(reading.bad)):
            raise ValueError(f"{len(reading.bad):,} of {reading.good + len(reading.bad):,} rows are damaged, the first "
                             f"of them row {reading.bad[0][0]}: {reading.bad[0][1]}")
        if not reading.good:
            raise DataError(f"{path.name!r} holds a header but no rows.", "", "Add at least two rows for each class.")
    except MemoryError as error:
        raise DataError(f"{path.name!r} asks for more memory than there is.", "Files made to exhaust a server do that.",
                        "If it is real, split it into smaller files.") from error
    except (ValueError, KeyError, OSError, RecursionError, OverflowError, TypeError) as error:
        raise DataError(f"{path.name!r} cannot be read as {_kind(path)}.", f"{_words(error, path)}.",
                        "Open it in a spreadsheet, save it as CSV (UTF-8) and bring that.") from error


def _kind(path: Path) -> str:
    return {".xlsx": "an Excel file", ".parquet": "a Parquet file", ".json": "JSON", ".jsonl": "JSONL",
            ".ndjson": "JSONL"}.get(path.suffix.lower(), "a table")


def _words(error: Exception, path: Path) -> str:
    """What went wrong, in one line, without where the file lies on this server."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(f"{path.parent}/", "")
    if "straddling" in text:
        return (f"A row is longer than {LIMITS.row_bytes >> 20} MB, or a quotation mark is opened and never closed")
    return text[:300].rstrip(".")


def _read_delimited(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    import pyarrow as pa
    from pyarrow import csv

    dialect = sniff_dialect(path, reading.encoding)
    if dialect.width > reading.limits.columns:  # before Arrow sets up a buffer for each of them
        raise ValueError(f"it has {dialect.width:,} columns or more, the limit is {reading.limits.columns:,}")
    plain = dialect.encoding == "utf-8" and not dialect.broken
    refused: list[int] = []
    enough: list[ValueError] = []

    def refuse(row: csv.InvalidRow) -> str:
        number = row.number - (1 if dialect.header else 0)
        refused.append(number)
        try:
            reading.leave_out(number, f"it has {row.actual_columns} cells where the header has {row.expected_columns}")
        except ValueError as error:  # the parser could not pass it on
            enough.append(error)
            return "error"
        return "skip"

    def opened(block: int, **convert: Any) -> csv.CSVStreamingReader:  # noqa: ANN401
        reader: csv.CSVStreamingReader = csv.open_csv(
            str(path) if plain else pa.PythonFile(_Utf8(path, dialect.encoding), mode="r"),
            read_options=csv.ReadOptions(block_size=block, use_threads=False,
                                         skip_rows=dialect.skip_lines, autogenerate_column_names=not dialect.header),
            parse_options=csv.ParseOptions(delimiter=dialect.separator, newlines_in_values=dialect.quotes,
                                           quote_char='"' if dialect.quotes else False, invalid_row_handler=refuse),
            convert_options=csv.ConvertOptions(**convert))
        return reader

    try:
        first = opened(_NAMES_BLOCK)  # the names, in the words of this very parser
    except pa.ArrowInvalid:  # a first row longer than that
        first = opened(reading.limits.row_bytes)
    with first:
        names = first.schema.names
    refused.clear()
    reading.bad.clear()
    kinds = dict.fromkeys(names, pa.string())
    number = 0
    with opened(reading.limits.row_bytes, column_types=kinds, strings_can_be_null=False, check_utf8=False) as batches:
        for batch in _until(batches, enough):
            numbers, number = _numbered(batch.num_rows, number, refused)
            table = pa.Table.from_batches([batch]).rename_columns(clean_names(names))
            for start in range(0, len(numbers), rows):
                yield Rows(numbers[start:start + rows], table.slice(start, rows))


def _until(batches: Any, enough: list[ValueError]) -> Iterator[Any]:  # noqa: ANN401
    """The batches; where the parser stopped because too many rows were damaged, it is said so."""
    try:
        yield from batches
    except ValueError as error:
        raise (enough[0] if enough else error) from error


def _numbered(count: int, last: int, refused: list[int]) -> tuple[NDArray[np.int64], int]:
    """Numbers of the next `count` rows after `last`, jumping over the refused ones."""
    numbers = np.arange(last + 1, last + 1 + count + len(refused), dtype=np.int64)
    numbers = numbers[~np.isin(numbers, refused)][:count] if refused else numbers
    return numbers, int(numbers[-1]) if count else last


def clean_names(names: list[str]) -> list[str]:
    """Column names without blanks around them or control signs, each different, none empty."""
    found: list[str] = []
    for place, name in enumerate(names):
        name = "".join(sign for sign in unicodedata.normalize("NFC", name) if sign.isprintable()).strip()[:200]
        name = name.removeprefix("\ufeff") or f"column {place + 1}"
        copy = 2
        while name in found:
            name, copy = f"{name.removesuffix(f' ({copy - 1})')} ({copy})", copy + 1
        found.append(name)
    return found


class _Utf8(io.RawIOBase):
    """A file as UTF-8 bytes, whatever it is written in; a sign that cannot be read becomes U+FFFD."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._handle = path.open("rb")
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._left, self._started = b"", False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = size if size >= 0 else 1 << 20
        while len(self._left) < size:
            raw = self._handle.read(size)
            text = self._decoder.decode(raw, final=not raw)
            if not self._started and text:
                text, self._started = text.removeprefix("\ufeff"), True
            self._left += text.encode("utf-8", "replace")
            if not raw:
                break
        found, self._left = self._left[:size], self._left[size:]
        return found

    def close(self) -> None:
        self._handle.close()
        super().close()


def framed(records: Iterator[tuple[int, dict[str, str]]], reading: Reading, rows: int) -> Iterator[Rows]:
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
    """A cell as a person would write it: 3.0 from a spreadsheet is 3, a list stays JSON, nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # lone surrogates cannot be stored
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
