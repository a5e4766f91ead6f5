"""Delimited text (CSV, TSV, TXT), read by Arrow in bounded blocks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.readers.dialect import Dialect, sniff_dialect
from tl_core.data.readers.joined_rows import no_data, side_by_side
from tl_core.data.readers.odd_tables import plain_table
from tl_core.data.readers.workbook_header import Line, survey_rows
from tl_core.data.tables.encodings import Utf8
from tl_core.data.tables.reading import Reading, Rows, clean_names

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

_NAMES_BLOCK = 1 << 20


def read_delimited(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """Rows of a file in any encoding, separator and way of quoting."""
    with plain_table(path, reading.encoding) as (table, said):
        if said:
            reading.note(said)
        dialect = sniff_dialect(table, "" if said else reading.encoding, reading.header)
        if dialect.width > reading.limits.columns:  # before Arrow sets up a buffer for each of them
            raise ValueError(
                f"it has {dialect.width:,} columns or more, the limit is {reading.limits.columns:,}"
            )
        with _plain(table, dialect) as plain:
            yield from _Parser(path, plain, dialect, reading).rows(rows)


@contextmanager
def _plain(path: Path, dialect: Dialect) -> Iterator[str]:
    """The path of the file in plain UTF-8: the file itself, or a copy for as long as it is read.

    Arrow reads ahead in a thread of its own, which at the end of a process must not be inside
    Python's decoders.
    """
    if dialect.coding.plain and not dialect.escaped:
        yield str(path)
        return
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        with Utf8(path, dialect.coding, escaped=dialect.escaped, halved=dialect.halved) as source:
            shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        yield copy.name


class _Parser:
    """One file while Arrow reads it: the rows that it refused, and why it stopped."""

    def __init__(self, path: Path, plain: str, dialect: Dialect, reading: Reading) -> None:
        self._path, self._plain, self._dialect, self._reading = path, plain, dialect, reading
        self._refused: list[int] = []
        self._enough: list[ValueError] = []

    def rows(self, size: int) -> Iterator[Rows]:
        import pyarrow as pa
        from pyarrow import csv

        own = _shifted(self._dialect)
        names = own or self._names()
        shown = clean_names(names if self._dialect.header else [""] * len(names))
        _tell(self._path, self._dialect, shown, self._reading)
        kinds = dict.fromkeys(names, pa.string())
        number, more = 0, -1
        with self._opened(
            self._reading.limits.row_bytes,
            own or None,
            csv.ConvertOptions(column_types=kinds, strings_can_be_null=False, check_utf8=False),
        ) as batches:
            for batch in _until(batches, self._enough):
                numbers, number = _numbered(batch.num_rows, number, self._refused)
                table = pa.Table.from_batches([batch]).rename_columns(shown)
                if more < 0:
                    more = self._more_headers(table, names)
                    table, numbers = table.slice(more), numbers[more:]
                table, numbers = _wanted(table, numbers, names, self._dialect, self._reading)
                for start in range(0, len(numbers), size):
                    yield Rows(numbers[start : start + size], table.slice(start, size))

    def _more_headers(self, table: pa.Table, names: list[str]) -> int:
        """How many rows below the names are header rows as well, as survey tools write them."""
        if not self._dialect.header or len(names) < 3:
            return 0
        lines = [
            Line(number, list(row.values()))
            for number, row in enumerate(table.slice(0, 30).to_pylist())
        ]
        count, note = survey_rows(names, lines)
        if count:
            self._reading.note(note)
        return count

    def _names(self) -> list[str]:
        """The names of the columns, in the words of this very parser."""
        import pyarrow as pa

        try:
            first = self._opened(_NAMES_BLOCK)
        except pa.ArrowInvalid:  # a first row longer than that
            first = self._opened(self._reading.limits.row_bytes)
        with first:
            names = list(first.schema.names)
        self._refused.clear()
        self._reading.bad.clear()
        return names

    def _opened(
        self,
        block: int,
        names: list[str] | None = None,
        convert: csv.ConvertOptions | None = None,
    ) -> csv.CSVStreamingReader:
        from pyarrow import csv

        dialect = self._dialect
        return csv.open_csv(
            self._plain,
            read_options=csv.ReadOptions(
                block_size=block,
                use_threads=False,
                skip_rows=dialect.skip_lines + (1 if names else 0),
                column_names=names,
                autogenerate_column_names=not dialect.header,
            ),
            parse_options=csv.ParseOptions(
                delimiter=dialect.separator,
                newlines_in_values=dialect.quotes,
                quote_char='"' if dialect.quotes else False,
                invalid_row_handler=self._refuse,
            ),
            convert_options=convert,
        )

    def _refuse(self, row: csv.InvalidRow) -> str:
        number = row.number - self._dialect.skip_lines - (1 if self._dialect.header else 0)
        self._refused.append(number)
        try:
            self._reading.leave_out(
                number, _reason(row.actual_columns, row.expected_columns, self._dialect)
            )
        except ValueError as error:  # the parser could not pass it on
            self._enough.append(error)
            return "error"
        return "skip"


def _reason(cells: int, expected: int, dialect: Dialect) -> str:
    return (
        f"it has {cells} cells where the {'header' if dialect.header else 'first row'} has"
        f" {expected}"
    )


def _shifted(dialect: Dialect) -> list[str]:
    """Names of the columns where all rows have one cell more or less than the header; none where
    they agree.
    """
    first = list(dialect.first)
    return {"more": [*first, ""], "less": first[:-1], "numbered": ["", *first]}.get(
        dialect.shift, []
    )


def _tell(path: Path, dialect: Dialect, shown: list[str], reading: Reading) -> None:
    """Say what was guessed about the file, and what was done to read it."""
    some = ", ".join(shown[:4]) + (f", … {shown[-1]}" if len(shown) > 4 else "")
    coding = dialect.coding
    if dialect.comments:
        reading.note(f"{dialect.comments:,} line(s) of comments above the table are left out.")
    if not dialect.header:
        reading.note(
            f"The first line of {path.name!r} is data: "
            f"{'its columns are' if len(shown) > 1 else 'its column is'} called {some}."
        )
    elif not dialect.sure:
        reading.doubt(
            f"The first line of {path.name!r} is taken as the names of its columns ({some}). "
            "If it is data, use --header no."
        )
    if dialect.header and (beside := side_by_side(dialect.first)):
        reading.doubt(beside)
    if coding.nuls:
        reading.note(
            f"{path.name!r} holds {coding.nuls:,} stray NUL byte{'s' if coding.nuls > 1 else ''}, "
            f"which {'were' if coding.nuls > 1 else 'was'} dropped."
        )
    if coding.odd_lines:
        several = coding.odd_lines > 1
        reading.doubt(
            f"{coding.odd_lines:,} line{'s' if several else ''} of {path.name!r}"
            f" {'are' if several else 'is'} not UTF-8; {'they were' if several else 'it was'} read"
            f" as {coding.others}."
        )


def _wanted(
    table: pa.Table,
    numbers: NDArray[np.int64],
    names: list[str],
    dialect: Dialect,
    reading: Reading,
) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows without blank lines, names that come again, and the empty column that a last
    separator makes.
    """
    import pyarrow as pa

    keep = np.ones(len(numbers), dtype=bool)
    if dialect.header:
        for reason, rows in no_data(table, numbers, names).items():
            keep &= ~rows
            reading.aside(reason, int(rows.sum()))
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

    filled: NDArray[np.bool_] = pc.not_equal(pc.utf8_trim_whitespace(column), "").to_numpy()
    return filled


def _until(batches: Iterable[pa.RecordBatch], enough: list[ValueError]) -> Iterator[pa.RecordBatch]:
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
