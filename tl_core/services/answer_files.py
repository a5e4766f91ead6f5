"""Rows to be labelled elsewhere as a CSV file, and the answers back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError

COLUMNS = ("row", "item", "class")
_LONGEST = 20_000  # characters of an item in a cell; spreadsheet programs cut off at 32,767
_DELIMITERS = ",;\t"  # which spreadsheet programs write, by country


def write_rows(
    version: DatasetVersion, rows: Sequence[int], labels: Mapping[int, str], path: Path
) -> None:
    """Write rows with what was answered so far, for a spreadsheet program.

    Args:
        version: that has them.
        rows: in the order of the file.
        labels: the answers by row of the person who gets the file; other rows have an empty cell
            to be filled. What stands in a cell comes back as that person's own word.
        path: of the file.
    """
    items = version.titles(np.array(rows, dtype=np.int64))
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for row, item in zip(rows, items, strict=True):
            writer.writerow([row, _shown(item), labels.get(row, "")])


def read_answers(version: DatasetVersion, path: Path) -> dict[int, str]:
    """The answers of such a file by row; lines with an empty class are left out.

    Raises:
        DataError: when it is no such file, or is about other rows than those of the version.
    """
    lines = _lines(path)
    missing = [name for name in ("row", "class") if name not in (lines[0] if lines else ())]
    if missing:
        raise DataError(
            f"The file has no column {missing[0]!r}.",
            "Answers stand in the columns 'row' and 'class'.",
            "Export the rows first, and fill in the column 'class'.",
        )
    answers: dict[int, str] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = dict(zip(lines[0], line, strict=False))
        label = cells.get("class", "").strip()
        if not label:
            continue
        row = _row_of(version, cells, number)
        if answers.setdefault(row, label) != label:
            raise DataError(f"Line {number} gives row {row} another class than a line before.")
    return answers


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name!r} is no CSV file in UTF-8.", "", "Save it as 'CSV UTF-8'."
        ) from error
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise DataError(f"{path.name!r} is no CSV file.", f"{error}.") from error


def _row_of(version: DatasetVersion, cells: Mapping[str, str], number: int) -> int:
    """The row that a line is about."""
    named = cells.get("row", "").strip()
    if not (named.isascii() and named.isdigit() and int(named) < len(version.labels)):
        raise DataError(
            f"Line {number} is about row {named!r}, which this version does not have.",
            "",
            "Take the numbers of the rows from an export.",
        )
    row = int(named)
    if "item" in cells:
        [own] = version.titles(np.array([row], dtype=np.int64))
        if _same(_shown(own)) != _same(cells["item"]):
            raise DataError(
                f"Line {number} shows another item than row {row} of this version.",
                "The file is of another version or dataset, or its lines were mixed up.",
                "Export the rows again.",
            )
    return row


def _shown(item: str) -> str:
    """An item as it stands in a cell: what a spreadsheet program would compute begins with an
    apostrophe, which it takes for text.
    """
    text = item[:_LONGEST]
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _same(text: str) -> str:
    """Equal for what spreadsheet programs make of one text."""
    return " ".join(text.removeprefix("'").split())
