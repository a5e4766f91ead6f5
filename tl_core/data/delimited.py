"""Delimited text (CSV, TSV, TXT), read by Arrow in bounded blocks."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.encodings import sniff_dialect
from tl_core.data.tables import Reading, Rows, clean_names

_NAMES_BLOCK = 1 << 20


def read_delimited(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
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
