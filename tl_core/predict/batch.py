"""Predicting whole files: tables, folders, zips and single images, streamed, errors kept in their place."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.data import images, tables
from tl_core.data.archive import is_stray, unpack
from tl_core.data.columns import guess_text_column
from tl_core.data.images import open_image
from tl_core.data.limits import LIMITS, Limits
from tl_core.errors import DataError
from tl_core.models.classifier import Classifier, load_classifier
from tl_core.predict.threshold import read_threshold
from tl_core.progress import Progress
from tl_core.settings import Settings
from tl_core.storage import staging_folder

_IMAGE_BATCH = 32
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class _Item:
    """One input: its name or row number, the columns that came with it, and what the model reads, or the error."""

    name: str
    columns: dict[str, str]
    value: Any
    error: str = ""


def predict_source(model: Path, source: Path, out: Path, settings: Settings, *, progress: Progress | None = None,
                   spreadsheet: bool = False, text_column: str = "") -> dict[str, int]:
    """Predict everything in `source` with the model folder `model` and write a CSV to `out`.

    Columns: `row` or `file`, `label`, `confidence`, `abstain` (less sure than the model's kept threshold),
    `p:<class>` for each class, `error`, then the input's own columns. One bad row never stops the rest.

    Args:
        model: a trained Hugging Face folder.
        source: table, image, folder or zip.
        out: the CSV; written beside and renamed at the end.
        settings: bounds for unpacking.
        progress: told after each batch.
        spreadsheet: put an apostrophe before input cells that a spreadsheet would run as a formula.
        text_column: the column to read; guessed when empty or absent.

    Returns:
        Counts `rows` and `errors`.

    Raises:
        DataError: when the source holds nothing that this model reads.
    """
    progress = progress or Progress()
    if not source.exists():
        raise DataError(f"There is no file or folder {str(source)!r}.", "", "Check the spelling.")
    progress.stage("Opening the model", share=0.05)
    classifier = load_classifier(model)
    with staging_folder(settings) as staging:
        chunks, key = _open(source, classifier, staging, settings, text_column)
        progress.stage("Predicting", share=0.95)
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(out.name + ".part")
        with temporary.open("w", newline="", encoding="utf-8") as handle:
            counts = _write(handle, chunks, key, classifier, read_threshold(model), spreadsheet, progress)
        temporary.replace(out)
    return counts


def _write(handle: Any, chunks: Iterator[tuple[list[_Item], int]], key: str, classifier: Classifier,  # noqa: ANN401
           least: float, spreadsheet: bool, progress: Progress) -> dict[str, int]:
    writer, extra = csv.writer(handle), None
    own = [key, "label", "confidence", "abstain", *(f"p:{name}" for name in classifier.labels), "error"]
    counts = {"rows": 0, "errors": 0}
    for items, total in chunks:
        if extra is None:
            extra = list(next((item.columns for item in items if item.columns), {}))
            writer.writerow([*own, *(f"input_{name}" if name in own else name for name in extra)])
        good = [item for item in items if not item.error]
        found: Iterator[Any] = iter(classifier.probabilities([item.value for item in good]) if good else [])
        for item in items:
            cells = _empty(item, classifier) if item.error else _filled(item, next(found), classifier, least)
            given = [item.columns.get(name, "") for name in extra]
            writer.writerow([*cells, *(map(_guarded, given) if spreadsheet else given)])
            counts["errors"] += bool(item.error)
        counts["rows"] += len(items)
        progress.batch(counts["rows"], total)
    return counts


def _filled(item: _Item, values: Any, classifier: Classifier, least: float) -> list[str]:  # noqa: ANN401
    best = int(values.argmax())
    return [item.name, classifier.labels[best], f"{values[best]:.9g}", "true" if values[best] < least else "false",
            *(f"{v:.9g}" for v in values), ""]


def _empty(item: _Item, classifier: Classifier) -> list[str]:
    return [item.name, "", "", "", *("" for _ in classifier.labels), item.error]


def _guarded(cell: str) -> str:
    """Spreadsheets run cells that start like a formula; an apostrophe keeps them text."""
    return "'" + cell if cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _open(source: Path, classifier: Classifier, staging: Path, settings: Settings,
          text_column: str) -> tuple[Iterator[tuple[list[_Item], int]], str]:
    if source.is_file() and source.suffix.lower() == ".zip":
        target = staging / "unpacked"
        unpack(source, target, Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items")))
        source = target
    files = [source] if source.is_file() else sorted(
        path for path in source.rglob("*") if path.is_file() and not path.is_symlink()
        and not is_stray(path.relative_to(source)))
    wanted = images.SUFFIXES if classifier.modality == "image" else tables.SUFFIXES
    fitting = [path for path in files if path.suffix.lower() in wanted]
    if not fitting:
        what = "images" if classifier.modality == "image" else "a table of texts (CSV, XLSX, JSONL or Parquet)"
        raise DataError(f"There is nothing in {source.name!r} that this model reads.", f"It reads {what}.",
                        "Bring that kind of file.")
    root = source.parent if source.is_file() else source
    if classifier.modality == "image":
        return _image_chunks(fitting, root), "file"
    if len(fitting) > 1:
        raise DataError(f"It holds {len(fitting)} tables.", "", "Bring one table at a time.")
    return _text_chunks(fitting[0], text_column), "row"


def _image_chunks(files: list[Path], root: Path) -> Iterator[tuple[list[_Item], int]]:
    for start in range(0, len(files), _IMAGE_BATCH):
        yield [_read_image(path, path.relative_to(root).as_posix())
               for path in files[start:start + _IMAGE_BATCH]], len(files)


def _read_image(path: Path, name: str) -> _Item:
    try:
        return _Item(name, {}, open_image(path.read_bytes()))
    except DataError as error:
        return _Item(name, {}, None, error.what)
    except OSError as error:
        return _Item(name, {}, None, f"The file cannot be read ({error.strerror}).")


def _text_chunks(path: Path, text_column: str) -> Iterator[tuple[list[_Item], int]]:
    """Rows in their order; those that the reader had to leave out stand in their place with the reason."""
    reading, column, seen = tables.Reading(), "", 0
    for rows in tables.read_table(path, reading, chunk_rows=1000):
        frame = rows.cells.slice(0, 1000).to_pandas() if not column else None
        if frame is not None:
            column = text_column if text_column in frame else guess_text_column(frame)
        items = {number: _Item(str(number), record, *_text_of(record.get(column, "")))
                 for number, record in zip(rows.numbers.tolist(), rows.cells.to_pylist(), strict=True)}
        items |= {number: _Item(str(number), {}, "", f"The row is damaged: {reason}.")
                  for number, reason in reading.bad[seen:]}
        seen = len(reading.bad)
        yield [items[number] for number in sorted(items)], 0
    if late := reading.bad[seen:]:
        yield [_Item(str(number), {}, "", f"The row is damaged: {reason}.") for number, reason in late], 0


def _text_of(cell: str) -> tuple[str, str]:
    """The text to read and what is wrong with it."""
    text = cell.strip()
    if not text:
        return "", "The text is empty."
    return (text, "") if len(text) <= LIMITS.cell_chars else ("", "The text is over a million characters long.")
