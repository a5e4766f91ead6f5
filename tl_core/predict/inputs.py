"""What is to be predicted, in windows of bounded size: tables, folders, zips and single images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.data import images, tables
from tl_core.data.archive import is_stray, unpack
from tl_core.data.columns import guess_text_column
from tl_core.data.images import open_image
from tl_core.data.limits import LIMITS, Limits
from tl_core.errors import DataError
from tl_core.settings import Settings

TEXT_WINDOW, IMAGE_WINDOW = 2048, 256


@dataclass
class Item:
    """One input: its row number or file name, the columns that came with it, what the model reads, or what is wrong."""

    name: int | str
    columns: dict[str, str]
    value: Any
    error: str = ""


@dataclass(frozen=True)
class Inputs:
    """Items of a source in their order, the same windows each time; `total` counts all of them.

    `key` names what `Item.name` is, `read` makes of a value what the model reads, in a thread.
    """

    key: str
    total: int
    windows: Callable[[], Iterator[list[Item]]]
    read: Callable[[Any], Any]


def fingerprint(source: Path) -> str:
    """Which files a source has, of what size and time: a changed one must not be gone on with."""
    there = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    facts = ((path.relative_to(source.parent).as_posix(), path.stat()) for path in there)
    told = "\n".join(f"{name}\t{stat.st_size}\t{stat.st_mtime_ns}" for name, stat in facts)
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def open_inputs(source: Path, modality: str, staging: Path, settings: Settings, text_column: str) -> Inputs:
    """Find what a model of `modality` reads in `source`; a zip is unpacked into `staging`.

    Raises:
        DataError: when there is nothing for it, more than one table, or a table that cannot be read to its end.
    """
    name = source.name
    if source.is_file() and source.suffix.lower() == ".zip":
        target = staging / "unpacked"
        unpack(source, target, Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items")))
        source = target
    files = [source] if source.is_file() else sorted(
        path for path in source.rglob("*") if path.is_file() and not path.is_symlink()
        and not is_stray(path.relative_to(source)))
    wanted = images.SUFFIXES if modality == "image" else tables.SUFFIXES
    fitting = [path for path in files if path.suffix.lower() in wanted]
    if not fitting:
        what = "images" if modality == "image" else "a table of texts (CSV, XLSX, JSONL or Parquet)"
        raise DataError(f"There is nothing in {name!r} that this model reads.", f"It reads {what}.",
                        "Bring that kind of file.")
    if modality == "image":
        root = source.parent if source.is_file() else source
        return Inputs("file", len(fitting), lambda: _pictures(fitting, root), _read_picture)
    if len(fitting) > 1:
        raise DataError(f"It holds {len(fitting)} tables.", "", "Bring one table at a time.")
    table, reading = fitting[0], tables.Reading()
    for _ in tables.read_table(table, reading):  # counted first: a table that breaks off is refused before the work
        pass
    return Inputs("row", reading.good + len(reading.bad), lambda: _texts(table, text_column), lambda text: text)


def _pictures(files: list[Path], root: Path) -> Iterator[list[Item]]:
    for start in range(0, len(files), IMAGE_WINDOW):
        yield [Item(path.relative_to(root).as_posix(), {}, path) for path in files[start:start + IMAGE_WINDOW]]


def _read_picture(path: Path) -> Any:  # noqa: ANN401
    try:
        return open_image(path.read_bytes())
    except OSError as error:
        raise DataError(f"The file cannot be read ({error.strerror}).") from error


def _texts(path: Path, text_column: str) -> Iterator[list[Item]]:
    """Rows in their order; those that the reader had to leave out stand in their place with the reason."""
    reading, column, seen = tables.Reading(), "", 0
    for rows in tables.read_table(path, reading, chunk_rows=TEXT_WINDOW):
        if not column:
            frame = rows.cells.slice(0, 1000).to_pandas()
            column = text_column if text_column in frame else guess_text_column(frame)
        items = {number: Item(number, record, *_text_of(record.get(column, "")))
                 for number, record in zip(rows.numbers.tolist(), rows.cells.to_pylist(), strict=True)}
        items |= _damaged(reading.bad[seen:])
        seen = len(reading.bad)
        yield [items[number] for number in sorted(items)]
    if late := _damaged(reading.bad[seen:]):
        yield list(late.values())


def _damaged(rows: list[tuple[int, str]]) -> dict[int, Item]:
    return {number: Item(number, {}, "", f"The row is damaged: {reason}.") for number, reason in rows}


def _text_of(cell: str) -> tuple[str, str]:
    """The text to read and what is wrong with it."""
    text = cell.strip()
    if not text:
        return "", "The text is empty."
    return (text, "") if len(text) <= LIMITS.cell_chars else ("", "The text is over a million characters long.")
