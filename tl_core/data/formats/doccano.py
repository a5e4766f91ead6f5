"""doccano: JSON lines with lists of labels, its CSV with a hash between several, and the lines of
its first version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tl_core.data.cells.label_cells import EMPTY, are_marks
from tl_core.data.formats.annotations import Answer, Item, as_label, chosen, settled
from tl_core.data.formats.cells import is_picture, names, objects, parsed, records, spread
from tl_core.data.tables.reading import Reading, Rows, cell, framed

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = ("text", "data", "filename")
_LABELS = ("label", "labels", "cats")
_MARKS = (
    "The labels mark parts of the texts and give no class for the whole; doccano's text"
    " classification does."
)
_HALF = 0.5


def lines(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The rows of an export; None when it is something else."""
    columns = list(head.column_names)
    text = next((name for name in _TEXTS if name in columns), "")
    label = next((name for name in _LABELS if name in columns), "")
    if not text or text == label:
        return None
    if (
        "annotations" in columns
        and not label
        and _numbered(head.column("annotations").slice(0, 50).to_pylist())
    ):
        reading.format = "doccano"
        return settled(
            (_first(number, record, text) for number, record in records(rows)), reading, chunk_rows
        )
    if not label:
        return None
    values = head.column(label).to_pylist()
    first = head.column(text).slice(0, 50).to_pylist()
    pictures = bool(first) and sum(map(is_picture, first)) > len(first) / 2
    joined: frozenset[str] = frozenset()
    if not _listed(values, label):
        if not {"id", "data", "label"} <= {*columns}:
            return None
        joined = _joined(values)
    if (
        columns[0] == "id"
    ):  # any other file of texts with lists of labels is read alike, but is not called so
        reading.format = "doccano"
    reading.roles |= {"image" if pictures else "text": text, "label": label}
    return framed(_plain(rows, label, joined, reading), reading, chunk_rows)


def _listed(values: list[str], label: str) -> bool:
    """Whether all cells that hold anything hold lists (or, for cats, objects)."""
    filled = [value for value in values if value]
    kinds = (list, dict) if label == "cats" else (list,)
    return bool(filled) and all(isinstance(parsed(value), kinds) for value in filled)


def _joined(values: list[str]) -> frozenset[str]:
    """The names in cells such as a#b, where they stand alone or in other cells too: C# is one
    name.
    """
    parts = Counter(part for value in values if value for part in value.split("#"))
    return frozenset(part for part, count in parts.items() if part.strip() and count > 1)


def _plain(
    rows: Iterator[Rows], label: str, joined: frozenset[str], reading: Reading
) -> Iterator[tuple[int, dict[str, str]]]:
    # doccano writes an empty list where nobody has looked; elsewhere it says: none of them
    empty = "" if reading.format == "doccano" else EMPTY
    for number, record in records(rows):
        label_cell = record.get(label, "")
        value = parsed(label_cell)
        if value is None:
            parts = label_cell.split("#")
            record[label] = (
                as_label(chosen(parts))
                if len(parts) > 1 and joined.issuperset(parts)
                else label_cell
            )
        elif isinstance(value, dict):
            record[label] = as_label(
                [
                    str(name)
                    for name, mark in value.items()
                    if isinstance(mark, int | float) and mark > _HALF
                ]
            ) or (EMPTY if value else "")
        elif are_marks(value):
            record[label] = label_cell  # refused where classes are read
        elif any(isinstance(one, list | dict) for one in value):
            reading.doubt(_MARKS)
            record[label] = ""
        else:
            record[label] = as_label(names(value)) or (empty if value == [] else "")
        spread(record, parsed(record.pop("meta", "")), "meta")
        yield number, record


def _numbered(values: list[str]) -> bool:
    """Whether the annotations are those of doccano's first version: a number for the label and one
    for the user.
    """
    given = [one for value in values for one in objects(parsed(value))]
    return bool(given) and all(
        "label" in one and "user" in one and "result" not in one for one in given
    )


def _first(number: int, record: dict[str, str], text: str) -> Item:
    extra = {
        name: value
        for name, value in record.items()
        if name not in (text, "annotations", "meta") and value
    }
    spread(extra, parsed(record.get("meta", "")), "meta")
    by_person: dict[str, list[str]] = {}
    for one in objects(parsed(record.get("annotations", ""))):
        if "start_offset" not in one:
            by_person.setdefault(cell(one["user"]), []).append(cell(one["label"]))
    item = Item(number, {text: record[text]}, extra)
    item.answers["label"] = [Answer(chosen(labels), person) for person, labels in by_person.items()]
    return item
