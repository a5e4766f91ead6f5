"""Plain lists of files: `path label` in each line, paths alone, and the numbered lists of CUB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.layouts.file_names import FileNames
from tl_core.data.tables.reading import Reading, Rows, framed

if TYPE_CHECKING:
    import pandas as pd

_LOOKED, _LEAST, _MOST_BYTES = 200, 0.9, 256 << 20
CUB = ("images.txt", "image_class_labels.txt")


def is_cub(names: set[str]) -> bool:
    """Whether a folder holds the lists of the CUB birds: pictures by number, and classes by number
    of the picture.
    """
    return set(CUB) <= names


def read_lines(path: Path) -> list[str]:
    """The filled lines of a text file, [] when it is none or too large."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return []
        return [
            line.strip()
            for line in path.read_text(encoding="utf-8-sig").splitlines()
            if line.strip()
        ]
    except (OSError, UnicodeDecodeError):
        return []


def list_head(path: Path, names: FileNames) -> pd.DataFrame | None:
    """The first lines of a list as a table with the columns file and label (or field 2, field 3,
    ...); None for files that are no list.
    """
    import pandas as pd

    lines = read_lines(path)[:_LOOKED]
    named = [record for line in lines if (record := _record(line, names))]
    if len(lines) < 2 or len(named) < _LEAST * len(lines):
        return None
    return pd.DataFrame(named, dtype=str).fillna("")


def _record(line: str, names: FileNames) -> dict[str, str] | None:
    """The file and what stands behind it: one class, or several fields where they are numbers."""
    parted = _parted(line, names)
    if parted is None:
        return None
    file, rest = parted
    fields = re.split(r"[\s,;]+", rest)
    numbers = [bool(re.fullmatch(r"[+-]?\d+(\.\d+)?", field)) for field in fields]
    if len(fields) > 4 and all(numbers[1:]):  # a class and the corners of a box
        return {"file": file, "label": fields[0]}
    if len(fields) > 1 and all(numbers):
        return {"file": file} | {f"field {place}": field for place, field in enumerate(fields, 2)}
    return {"file": file, "label": rest}


def _parted(line: str, names: FileNames) -> tuple[str, str] | None:
    """The file and what follows it in a line, which is empty where the line is a path alone."""
    if names.share([line]):
        return line, ""
    for separator in ("\t", ",", ";", None):
        for halves in (line.split(separator, 1), line.rsplit(separator, 1)):
            if len(halves) == 2 and halves[1].strip() and names.share([halves[0]]):
                return halves[0].strip(), halves[1].strip()
    return None


def read_list(path: Path, names: FileNames, reading: Reading, rows: int) -> Iterator[Rows]:
    """A list as a table like that of `list_head`; lines that name no file are left out."""

    def records() -> Iterator[tuple[int, dict[str, str]]]:
        for number, line in enumerate(read_lines(path), 1):
            record = _record(line, names)
            if record:
                yield number, record
            else:
                reading.leave_out(number, f"there is no {names.kind.one} {line[:120]!r}")

    yield from framed(records(), reading, rows)


def read_cub(folder: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """The lists of CUB as a table with the columns file, label and split."""

    def numbered(name: str) -> dict[str, str]:
        pairs = (line.split(None, 1) for line in read_lines(folder / name))
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

    labels, classes, splits = (
        numbered(CUB[1]),
        numbered("classes.txt"),
        numbered("train_test_split.txt"),
    )
    meaning = {"1": "train", "0": "test"}
    records = (
        (
            number,
            {
                "file": file,
                "label": classes.get(labels.get(key, ""), labels.get(key, "")),
                "split": meaning.get(splits.get(key, ""), ""),
            },
        )
        for number, (key, file) in enumerate(numbered(CUB[0]).items(), 1)
    )
    yield from framed(records, reading, rows)
