"""Tables that are not plain text: Excel, JSON, JSONL and Parquet, each with the bounds that its format needs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.encodings import check_encoding, sniff_encoding
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


def read_json(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """One list of objects, or an object with one such list in it."""
    if path.stat().st_size > reading.limits.json_bytes:
        raise ValueError(f"a JSON list may have {reading.limits.json_bytes >> 20} MB; JSONL has no such limit")
    codec = check_encoding(reading.encoding) or sniff_encoding(path)
    with path.open(encoding="utf-8-sig" if codec == "utf-8" else codec, errors="replace") as handle:
        first = handle.read(4096).lstrip()
        handle.seek(0)
        if first.startswith("{") and "\n{" in first:
            yield from framed(_json_lines(handle, reading), reading, rows)
            return
        content = json.load(handle)
    if isinstance(content, dict):
        content = next((value for value in content.values() if isinstance(value, list) and value), content)
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ValueError("it is not a list of objects in curly braces")
    yield from framed(((number, _strings(record)) for number, record in enumerate(content, 1)), reading, rows)


def read_jsonl(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    codec = check_encoding(reading.encoding) or sniff_encoding(path)
    with path.open(encoding="utf-8-sig" if codec == "utf-8" else codec, errors="replace") as handle:
        yield from framed(_json_lines(handle, reading), reading, rows)


def _json_lines(handle: IO[str], reading: Reading) -> Iterator[tuple[int, dict[str, str]]]:
    number, top = 0, reading.limits.row_bytes
    while line := handle.readline(top):
        if len(line) >= top and not line.endswith("\n"):
            raise ValueError(f"line {number + 1} is longer than {top >> 20} MB")
        if not line.strip():
            continue
        number += 1
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reading.leave_out(number, f"it is not JSON ({str(error)[:80]})")
            continue
        if isinstance(record, dict):
            yield number, _strings(record)
        else:
            reading.leave_out(number, "it is not an object in curly braces")


def _strings(record: dict[Any, Any]) -> dict[str, str]:
    return {str(key): cell(value) for key, value in record.items()}


def read_parquet(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """Text columns stay dictionary-encoded until their real size is known: a small file can hold terabytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as plain:
            schema = plain.schema_arrow
            if len(schema.names) > reading.limits.columns:
                raise ValueError(f"it has {len(schema.names):,} columns, the limit is {reading.limits.columns:,}")
            texts = [field.name for field in schema if pa.types.is_string(field.type)
                     or pa.types.is_large_string(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
            number = plain_bytes = 0
            most = max(_RATIO_FLOOR, reading.limits.zip_ratio * path.stat().st_size)
            for batch in file.iter_batches(batch_size=min(rows, 5_000)):
                lengths = _plain_lengths(batch)
                plain_bytes += int(lengths.sum())
                if plain_bytes > most:
                    raise ValueError(f"it unpacks to over {reading.limits.zip_ratio} times its size, which is how a "
                                     "bomb looks")
                yield from _parquet_rows(batch, lengths, number, reading)
                number += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowException) as error:
        raise ValueError(str(error)) from error


def _plain_lengths(batch: Any) -> NDArray[np.int64]:  # noqa: ANN401
    """Bytes of each row's texts once they are written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            sizes = pc.fill_null(pc.binary_length(column.dictionary), 0).to_numpy(zero_copy_only=False)
            codes = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
            lengths += np.where(codes >= 0, np.append(sizes, 0)[codes], 0)
    return lengths


def _parquet_rows(batch: Any, lengths: NDArray[np.int64], number: int,  # noqa: ANN401
                  reading: Reading) -> Iterator[Rows]:
    """The rows of a batch as strings, in slices whose plain size stays near one row's limit."""
    import pyarrow as pa

    good = lengths <= reading.limits.row_bytes
    for place in np.flatnonzero(~good):
        reading.leave_out(number + int(place) + 1, f"it is longer than {reading.limits.row_bytes >> 20} MB")
    parts = (np.cumsum(np.where(good, lengths, 0)) // reading.limits.row_bytes)
    for part in np.unique(parts[good]):
        places = np.flatnonzero(good & (parts == part))
        columns = [_as_strings(column.take(pa.array(places))) for column in batch.columns]
        yield Rows(number + places + 1, pa.table(columns, names=clean_names(batch.schema.names)))


def _as_strings(column: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.fill_null(column.cast(pa.string()), "")
    return pa.array([cell(value) for value in column.to_pylist()], pa.string())
