"""Tables in every common format, read as strings in chunks: nothing is guessed away."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tl_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = {".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".ndjson", ".parquet"}
_CHUNK_ROWS = 5_000
MAX_CELL = 1_000_000


def read_table(path: Path, chunk_rows: int = _CHUNK_ROWS) -> Iterator[pd.DataFrame]:
    """Yield frames of at most `chunk_rows` rows, every cell a string, empty for a missing value.

    Classes named NA, None, true, 1.0 or 007 come out as they were written.

    Raises:
        DataError: when the file cannot be read as its suffix says.
    """
    import pandas as pd

    readers = {".xlsx": _read_xlsx, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower(), _read_delimited)
    if not path.stat().st_size:
        raise DataError(f"{path.name!r} is empty.", "It has no bytes at all.", "Save it again and bring the new copy.")
    try:
        seen = False
        for frame in reader(path, chunk_rows):
            if len(frame):
                seen = True
                yield frame
        if not seen:
            raise DataError(f"{path.name!r} holds a header but no rows.", "", "Add at least two rows for each class.")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, csv.Error, ValueError, KeyError,
            OSError) as error:
        raise DataError(f"{path.name!r} cannot be read as a {path.suffix.lstrip('.') or 'text'} table.",
                        f"{str(error).strip() or type(error).__name__}.",
                        "Open it in a spreadsheet, save it as CSV (UTF-8) and bring that.") from error


def _read_delimited(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pandas as pd

    encoding = sniff_encoding(path)
    with path.open(encoding=encoding, newline="") as handle:
        separator = "\t" if path.suffix.lower() == ".tsv" else _sniff_separator(handle.read(64 << 10))
    frames = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_filter=False, encoding=encoding,
                         chunksize=rows, on_bad_lines="error", skipinitialspace=False)
    with frames:
        for frame in frames:
            yield frame.set_axis([str(name).strip() for name in frame.columns], axis=1)


def sniff_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 with a mark, UTF-8 without, else Windows' western code page."""
    with path.open("rb") as handle:
        head = handle.read(1 << 20)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head:
        raise DataError(f"{path.name!r} is not a text file.", "It holds binary data.",
                        "Bring a CSV, TSV, XLSX, JSONL or Parquet file.")
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        decoder.decode(head, final=len(head) < 1 << 20)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _sniff_separator(sample: str) -> str:
    """The separator that splits the header and gives the same number of cells in most of the first rows."""
    best, best_score = ",", 0.0
    for separator in ",;\t|":
        rows = [row for row in csv.reader(sample.splitlines(keepends=True), delimiter=separator) if row][:50]
        width = len(rows[0]) if rows else 0
        if width > 1:
            score = sum(len(row) == width for row in rows) / len(rows) + width / 1000
            if score > best_score:
                best, best_score = separator, score
    return best


def _read_xlsx(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import zipfile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile) as error:
        raise ValueError(f"it is not a real XLSX file ({error})") from error
    try:
        lines = book.worksheets[0].iter_rows(values_only=True)
        names = [_cell(value).strip() for value in next(lines, ())]
        yield from _frames(({name: _cell(value) for name, value in zip(names, line, strict=False) if name}
                            for line in lines if any(value is not None for value in line)), rows)
    finally:
        book.close()


def _read_jsonl(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    def records() -> Iterator[dict[str, str]]:
        with path.open(encoding=sniff_encoding(path)) as handle:
            for number, line in enumerate(handle, 1):
                if line.strip():
                    record = json.loads(line)
                    if not isinstance(record, dict):
                        raise ValueError(f"line {number} is not an object in curly braces")
                    yield {str(key): _cell(value) for key, value in record.items()}

    yield from _frames(records(), rows)


def _read_parquet(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(batch_size=rows):
        yield from _frames(({key: _cell(value) for key, value in record.items()} for record in batch.to_pylist()),
                           rows)


def _frames(records: Iterator[dict[str, str]], rows: int) -> Iterator[pd.DataFrame]:
    import pandas as pd

    chunk: list[dict[str, str]] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == rows:
            yield pd.DataFrame(chunk, dtype=str).fillna("")
            chunk = []
    if chunk:
        yield pd.DataFrame(chunk, dtype=str).fillna("")


def _cell(value: Any) -> str:  # noqa: ANN401
    """A cell as a person would write it: 3.0 from a spreadsheet is 3, a list stays JSON, nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
