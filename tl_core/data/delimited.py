"""Delimited text (CSV, TSV, TXT), read by Arrow in bounded blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.dialect import Dialect, sniff_dialect
from tl_core.data.encodings import Utf8
from tl_core.data.tables import Reading, Rows, clean_names

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES_BLOCK = 1 << 20


def read_delimited(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    import pyarrow as pa
    from pyarrow import csv

    dialect = sniff_dialect(path, reading.encoding, reading.header)
    if dialect.width > reading.limits.columns:  # before Arrow sets up a buffer for each of them
        raise ValueError(f"it has {dialect.width:,} columns or more, the limit is {reading.limits.columns:,}")
    refused: list[int] = []
    enough: list[ValueError] = []

    def refuse(row: csv.InvalidRow) -> str:
        number = row.number - dialect.skip_lines - (1 if dialect.header else 0)
        refused.append(number)
        try:
            reading.leave_out(number, _reason(row.actual_columns, row.expected_columns, dialect))
        except ValueError as error:  # the parser could not pass it on
            enough.append(error)
            return "error"
        return "skip"

    def opened(block: int, names: list[str] | None = None, **convert: Any) -> csv.CSVStreamingReader:  # noqa: ANN401
        reader: csv.CSVStreamingReader = csv.open_csv(
            str(path) if dialect.coding.plain and not dialect.escaped else pa.PythonFile(
                Utf8(path, dialect.coding, escaped=dialect.escaped, halved=dialect.halved), mode="r"),
            read_options=csv.ReadOptions(block_size=block, use_threads=False,
                                         skip_rows=dialect.skip_lines + (1 if names else 0), column_names=names,
                                         autogenerate_column_names=not dialect.header),
            parse_options=csv.ParseOptions(delimiter=dialect.separator, newlines_in_values=dialect.quotes,
                                           quote_char='"' if dialect.quotes else False, invalid_row_handler=refuse),
            convert_options=csv.ConvertOptions(**convert))
        return reader

    own = _shifted(dialect)
    names = own
    if not names:
        try:
            first = opened(_NAMES_BLOCK)  # the names, in the words of this very parser
        except pa.ArrowInvalid:  # a first row longer than that
            first = opened(reading.limits.row_bytes)
        with first:
            names = first.schema.names
        refused.clear()
        reading.bad.clear()
    shown = clean_names(names if dialect.header else [""] * len(names))
    _tell(path, dialect, shown, reading)
    kinds = dict.fromkeys(names, pa.string())
    number = 0
    with opened(reading.limits.row_bytes, own or None, column_types=kinds, strings_can_be_null=False,
                check_utf8=False) as batches:
        for batch in _until(batches, enough):
            numbers, number = _numbered(batch.num_rows, number, refused)
            table = pa.Table.from_batches([batch]).rename_columns(shown)
            table, numbers = _wanted(table, numbers, names, dialect, reading)
            for start in range(0, len(numbers), rows):
                yield Rows(numbers[start:start + rows], table.slice(start, rows))


def _reason(cells: int, expected: int, dialect: Dialect) -> str:
    return f"it has {cells} cells where the {'header' if dialect.header else 'first row'} has {expected}"


def _shifted(dialect: Dialect) -> list[str]:
    """Names of the columns where all rows have one cell more or less than the header; none where they agree."""
    first = list(dialect.first)
    return {"more": [*first, ""], "less": first[:-1], "numbered": ["", *first]}.get(dialect.shift, [])


def _tell(path: Path, dialect: Dialect, shown: list[str], reading: Reading) -> None:
    """Say what was guessed about the file, and what was done to read it."""
    some = ", ".join(shown[:4]) + (f", … {shown[-1]}" if len(shown) > 4 else "")
    coding = dialect.coding
    if not dialect.header:
        reading.note(f"The first line of {path.name!r} is data: "
                     f"{'its columns are' if len(shown) > 1 else 'its column is'} called {some}.")
    elif not dialect.sure:
        reading.doubt(f"The first line of {path.name!r} is taken as the names of its columns ({some}). "
                      "If it is data, use --header no.")
    if coding.nuls:
        reading.note(f"{path.name!r} holds {coding.nuls:,} stray NUL byte{'s' if coding.nuls > 1 else ''}, "
                     f"which {'were' if coding.nuls > 1 else 'was'} dropped.")
    if coding.odd_lines:
        several = coding.odd_lines > 1
        reading.doubt(f"{coding.odd_lines:,} line{'s' if several else ''} of {path.name!r} "
                      f"{'are' if several else 'is'} not UTF-8; {'they were' if several else 'it was'} read as "
                      f"{coding.others}.")


def _wanted(table: pa.Table, numbers: NDArray[np.int64], names: list[str], dialect: Dialect,
            reading: Reading) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows without blank lines, names that come again, and the empty column that a last separator makes."""
    import pyarrow as pa

    keep = np.ones(len(numbers), dtype=bool)
    if dialect.header and (again := _repeats(table, names)) is not None:
        keep &= ~again
        reading.aside("repeats the names of the columns", int(again.sum()))
    if dialect.single and not dialect.quotes:
        keep &= _filled(table.column(0))
    if dialect.shift == "more":
        odd = _filled(table.column(len(names) - 1)) & keep
        for number in numbers[odd]:
            reading.leave_out(int(number), _reason(len(names), len(names) - 1, dialect))
        keep &= ~odd
        table = table.select(range(len(names) - 1))
    if keep.all():
        return table, numbers
    return table.filter(pa.array(keep)), numbers[keep]


def _filled(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    import pyarrow.compute as pc

    found: NDArray[np.bool_] = pc.not_equal(pc.utf8_trim_whitespace(column), "").to_numpy()
    return found


def _repeats(table: pa.Table, names: list[str]) -> NDArray[np.bool_] | None:
    """Rows that say the names of the columns once more, as joined files do; None where there are none."""
    import pyarrow.compute as pc

    again = pc.or_(*(pc.equal(table.column(0), mark + names[0]) for mark in ("", "\ufeff")))
    for place in range(1, len(names)):
        if not pc.any(again).as_py():
            return None
        again = pc.and_(again, pc.equal(table.column(place), names[place]))
    return again.to_numpy() if pc.any(again).as_py() else None


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
