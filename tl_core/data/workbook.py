"""Excel workbooks, within the bounds that their format needs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tl_core.data.tables import Reading, Rows, cell, clean_names, framed
from tl_core.errors import DataError, nearest

_RATIO_FLOOR = 64 << 20


def sheet_names(path: Path) -> list[str]:
    """The sheets of an Excel file that hold anything, in their order."""
    import openpyxl

    _check_xlsx(path, Reading())
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        return [sheet.title for sheet in book.worksheets if next(sheet.iter_rows(values_only=True, max_row=1), None)]
    finally:
        book.close()


def _check_xlsx(path: Path, reading: Reading) -> None:
    """Refuse a workbook that unpacks to a bomb: openpyxl keeps all its different texts in memory.

    Raises:
        ValueError: when it is not a workbook, or over the limits.
    """
    limits = reading.limits
    try:
        with zipfile.ZipFile(path) as parts:
            found = parts.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ValueError(f"it is not a real Excel file ({error})") from error
    if "[Content_Types].xml" not in {part.filename for part in found}:
        raise ValueError("it is a zip, but not an Excel file")
    for part in found:
        top = limits.strings_bytes if part.filename.lower().endswith(("sharedstrings.xml", "styles.xml")) \
            else limits.sheet_bytes
        if part.file_size > top or (part.file_size > _RATIO_FLOOR
                                    and part.file_size > limits.zip_ratio * max(1, part.compress_size)):
            raise ValueError(f"its part {part.filename[:60]!r} unpacks to {part.file_size / 1e6:,.0f} MB, "
                             "which is how a bomb looks")


def read_xlsx(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    _check_xlsx(path, reading)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, SyntaxError, AttributeError) as error:
        raise ValueError(f"it is not a real Excel file ({error})") from error
    try:
        yield from framed(_sheet_rows(_sheet(book, reading.sheet), reading), reading, rows)
    except (SyntaxError, zipfile.BadZipFile, EOFError, IndexError, AttributeError) as error:
        raise ValueError(f"a sheet is damaged ({error})") from error
    finally:
        book.close()


def _sheet(book: Any, wanted: str) -> Any:  # noqa: ANN401
    """The named sheet, else the first one that holds anything."""
    names = [sheet.title for sheet in book.worksheets]
    if wanted:
        if wanted not in names:
            raise DataError(f"There is no sheet {wanted!r}.", f"The file has: {', '.join(names[:12])}.",
                            nearest(wanted, names))
        return book[wanted]
    filled = (sheet for sheet in book.worksheets
              if any(value is not None for row in sheet.iter_rows(values_only=True, max_row=5) for value in row))
    found = next(filled, None)
    if found is None:
        raise ValueError("all its sheets are empty")
    return found


def _sheet_rows(sheet: Any, reading: Reading) -> Iterator[tuple[int, dict[str, str]]]:  # noqa: ANN401
    names: list[str] = []
    for number, line in enumerate(sheet.iter_rows(values_only=True)):
        if not any(value is not None for value in line):
            continue
        if not names:
            while line and line[-1] is None:
                line = line[:-1]
            if len(line) > reading.limits.columns:
                raise ValueError(f"it has {len(line):,} columns, the limit is {reading.limits.columns:,}")
            names, top = clean_names([cell(value) for value in line]), number
            continue
        yield number - top, {name: cell(value) for name, value in zip(names, line, strict=False)}
