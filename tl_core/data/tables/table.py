"""Tables in every common format, read as strings in bounded chunks: nothing is guessed away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tl_core.data import formats
from tl_core.data.limits import LIMITS
from tl_core.data.readers import delimited, json_tables, parquet_tables, workbook
from tl_core.data.readers.disguise import real_suffix
from tl_core.data.tables.reading import CHUNK_ROWS, Reading, Rows
from tl_core.errors import DataError

_Reader = Callable[[Path, Reading, int], Iterator[Rows]]
_READERS: dict[str, _Reader] = {
    ".xlsx": workbook.read_xlsx,
    ".json": json_tables.read_json,
    ".jsonl": json_tables.read_jsonl,
    ".ndjson": json_tables.read_jsonl,
    ".manifest": json_tables.read_jsonl,
    ".parquet": parquet_tables.read_parquet,
}
_KINDS = {
    ".xlsx": "an Excel file",
    ".parquet": "a Parquet file",
    ".json": "JSON",
    ".jsonl": "JSONL",
    ".ndjson": "JSONL",
}


def read_table(
    path: Path, reading: Reading | None = None, chunk_rows: int = CHUNK_ROWS
) -> Iterator[Rows]:
    """Yield at most `chunk_rows` rows at a time, every cell a string, empty for a missing value.

    Classes named NA, None, true, 1.0 or 007 come out as they were written. Rows that do not fit the
    header are left out and listed in `reading.bad`.

    Raises:
        DataError: when the file cannot be read as its suffix says, or is outside the limits.
    """
    reading = reading or Reading()
    suffix = _suffix(path, reading)
    try:
        yield from _bounded_rows(path, suffix, reading, chunk_rows)
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


def _suffix(path: Path, reading: Reading) -> str:
    """The suffix that the content of a file should have; `reading` notes when it has another one.

    Raises:
        DataError: when the file is empty or of a format that is not read.
    """
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
    if suffix != path.suffix.lower():
        reading.note(
            f"{path.name!r} is {_kind(suffix)}, whatever its ending says, and was read so."
        )
    return suffix


def _bounded_rows(path: Path, suffix: str, reading: Reading, chunk_rows: int) -> Iterator[Rows]:
    """The rows of a table within the limits on columns and damaged rows.

    Raises:
        ValueError: when it is outside the limits.
        DataError: when there is no row.
    """
    reader = _READERS.get(suffix, delimited.read_delimited)
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
            "Bring a file with rows below the header.",
        )


def _kind(suffix: str) -> str:
    return _KINDS.get(suffix, "a table")


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
