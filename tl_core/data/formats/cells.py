"""What the cells of an export hold: nested values, names of pictures, and what of a record is worth
a column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from tl_core.data.pictures.images import SUFFIXES
from tl_core.data.roles import column_names
from tl_core.data.tables.reading import Rows, cell

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
JsonObject: TypeAlias = "dict[str, Json]"
_UPLOAD = re.compile(r"^(?:(?:.*/)?data/|/)?upload/(?:\d+/)?(?:[0-9a-f]{8}-)?", re.IGNORECASE)
_STORES = {"s3", "s3a", "gs", "gcs", "azure-blob", "azure_blob", "azure-spi", "hf", "dagshub"}
_LONG = 200  # signs; nobody names a class with a longer one


def parsed(text: str) -> list[Json] | JsonObject | None:
    """The list or object that a cell holds as JSON, None for any other cell."""
    if not text.startswith(("[", "{")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; empty for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def names(value: object) -> list[str]:
    """The class names in a value: one, or several in a list; the levels of a taxonomy are joined by
    a slash.
    """
    if isinstance(value, list):
        labels = [
            " / ".join(map(cell, one)) if isinstance(one, list) else cell(one)
            for one in value
            if not isinstance(one, dict)
        ]
    else:
        labels = [] if isinstance(value, dict) else [cell(value)]
    return list(dict.fromkeys(name.strip() for name in labels if name.strip()))


def records(rows: Iterable[Rows]) -> Iterator[tuple[int, dict[str, str]]]:
    """Every row with its number, one at a time."""
    for part in rows:
        yield from zip(part.numbers.tolist(), part.cells.to_pylist(), strict=True)


def spread(record: dict[str, str], nested: object, prefix: str) -> None:
    """Put the entries of an object into columns of their own, under its name where theirs is
    taken.
    """
    for key, value in nested.items() if isinstance(nested, dict) else ():
        name = str(key) if str(key) not in record else f"{prefix}.{key}"
        record[name] = cell(value)


def is_picture(name: str) -> bool:
    """Whether a cell names an image file, as a path or an address."""
    return len(name) < 2000 and PurePosixPath(picture_path(name)).suffix.lower() in SUFFIXES


def picture_path(address: str) -> str:
    """A picture as it is called beside the export: without the tool's own address, folder and
    prefix.
    """
    address = address.strip()
    if address.startswith("data:"):
        return ""
    try:
        parts = urlsplit(address.replace("\\", "/"))
    except ValueError:
        return address
    if parts.scheme in _STORES:
        return unquote(parts.path).lstrip("/")
    if "local-files" in parts.path and "?d=" in address:
        return unquote(address.partition("?d=")[2].partition("&")[0]).lstrip("/")
    if parts.scheme in ("http", "https", "file") or _UPLOAD.match(parts.path):
        return _UPLOAD.sub("", unquote(parts.path)).lstrip("/")
    return address


def text_of(columns: dict[str, list[str]]) -> str:
    """The column whose name or length says that it holds the texts; empty when all cells are."""
    filled = {
        name: [value for value in values if value.strip()] for name, values in columns.items()
    }
    filled = {name: values for name, values in filled.items() if values}
    known = {column_names.joined(name): name for name in reversed(filled)}
    named = next((known[word] for word in column_names.TEXT_NAMES if word in known), "")
    return named or max(
        filled, key=lambda name: sum(map(len, filled[name])) / len(filled[name]), default=""
    )


def picture_of(columns: dict[str, list[str]]) -> str:
    """The column most of whose cells name pictures; empty when there is none."""
    for name, values in columns.items():
        filled = [value for value in values if value.strip()]
        if filled and sum(map(is_picture, filled)) > len(filled) / 2:
            return name
    return ""


def is_short(values: Iterable[str]) -> bool:
    """Whether none of the values is too long for the name of a class."""
    return all(len(value) <= _LONG for value in values)
