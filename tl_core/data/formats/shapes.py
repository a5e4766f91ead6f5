"""The shapes that a table takes as one JSON value: lists, splits, columns, and what pandas and the
Hub write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeGuard

from tl_core.data.formats import coco, intents
from tl_core.data.formats.annotations import as_label
from tl_core.data.formats.cells import Json, JsonObject, is_picture, objects
from tl_core.data.readers.headers import has_header
from tl_core.data.roles import column_names
from tl_core.data.sources.names import split_of
from tl_core.data.tables.reading import Reading, cell

_KNOWN = frozenset(
    (
        *column_names.TEXT_NAMES,
        *column_names.LABEL_NAMES,
        *column_names.IMAGE_NAMES,
        *column_names.SPLIT_COLUMNS,
    )
)
_COLUMNS = frozenset(
    (
        *column_names.SURE_LABELS,
        "text",
        "texts",
        "sentence",
        "sentences",
        "id",
        "ids",
        "filename",
        "filepath",
        "image",
        "path",
        "split",
    )
)  # nobody calls a class so
_NO_TABLE = "it is not a list of objects in curly braces"
_DEEPEST = 3
_HEAD = 200
_Records = Iterable["JsonObject"]


def records_of(content: Json, reading: Reading, depth: int = 0) -> _Records:
    """The records in a JSON value, whichever way they are written down.

    Raises:
        ValueError: when they are in none of the known shapes, or it is not clear which of several
        lists is meant.
    """
    if isinstance(content, list):
        return _listed(content, reading)
    if not isinstance(content, dict):
        raise ValueError(_NO_TABLE)
    for shape in _SHAPES:
        if (rows := shape(content, reading)) is not None:
            return rows
    return _inside(content, reading, depth)


def _listed(content: list[Json], reading: Reading) -> _Records:
    if _are_objects(content):
        return content
    if all(isinstance(one, str) for one in content):
        return ({"text": one} for one in content)
    if _are_lists(content):
        return _of_lists(content, reading.header)
    raise ValueError(_NO_TABLE)


def _of_lists(rows: list[list[Json]], header: str = "") -> _Records:
    """Rows as lists, the first with the names of the columns where it looks like that (or
    `header` is yes).
    """
    first = rows[0]
    named = (
        len(rows) > 1
        and len(set(map(str, first))) == len(first)
        and all(map(cell, first))
        and has_header([[cell(value) for value in row] for row in rows[:_HEAD]], header)[0]
    )
    names = (
        [*map(str, first)]
        if named
        else [f"column {place + 1}" for place in range(max(map(len, rows)))]
    )
    return (dict(zip(names, row, strict=False)) for row in (rows[1:] if named else rows))


def _is_known(name: object) -> bool:
    return column_names.joined(str(name)) in _KNOWN


def _viewer(content: JsonObject, _: Reading) -> _Records | None:
    """Answers of the Hub's dataset viewer, with numbers of classes turned into their names."""
    rows = content.get("rows")
    shown = [row for one in objects(rows) if isinstance(row := one.get("row"), dict)]
    if not isinstance(rows, list) or not rows or len(shown) < len(rows):
        return None
    names: dict[str, list[str]] = {}
    for feature in objects(content.get("features")):
        kind = feature.get("type")
        if isinstance(kind, dict) and isinstance(classes := kind.get("names"), list):
            names[str(feature.get("name"))] = list(map(str, classes))
    return ({name: _called(value, names.get(name)) for name, value in row.items()} for row in shown)


def _called(value: Json, names: list[str] | None) -> Json:
    if names is None or not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else ""


def _oriented(content: JsonObject, _: Reading) -> _Records | None:
    """What pandas writes for the orientations split and table."""
    rows, schema = content.get("data", content.get("rows")), content.get("schema")
    names = next(
        (content[key] for key in ("columns", "header", "headers", "fields") if content.get(key)),
        None,
    )
    if not isinstance(rows, list):
        return None
    if isinstance(names, list) and _are_lists(rows):
        if any(len(row) != len(names) for row in rows):
            raise ValueError(
                f"a row of its data has not {len(names)} values, as there are names of columns"
            )
        called = [
            (
                ".".join(map(str, name))
                if isinstance(name, list)
                else cell(name.get("name"))
                if isinstance(name, dict)
                else cell(name)
            )
            for name in names
        ]
        return (dict(zip(called, row, strict=True)) for row in rows)
    if isinstance(schema, dict) and _are_objects(rows):
        index = schema.get("primaryKey")
        left = {"index"} & set(index if isinstance(index, list) else [])
        return ({name: value for name, value in row.items() if name not in left} for row in rows)
    return None


def _tables(content: JsonObject) -> JsonObject:
    """The entries that can be a table of their own."""
    return {
        str(key): value
        for key, value in content.items()
        if value
        and (
            isinstance(value, dict)
            or (isinstance(value, list) and isinstance(value[0], dict | list | str))
        )
    }


def _splits(content: JsonObject, reading: Reading) -> _Records | None:
    """The records of all splits, each with the name of its split."""
    named = {
        str(key): split_of(str(key), map(str, content))
        for key, value in content.items()
        if isinstance(value, list | dict)
    }
    rest = [key for key, split in named.items() if not split]
    named |= {
        key: split_of(key, rest) for key in rest if len(rest) > 1
    }  # oos_train beside oos_test
    tables = _tables(content)
    texts = [named[key] for key, value in tables.items() if named[key] and _are_strings(value)]
    if sum(map(bool, named.values())) < 2 or len(set(texts)) < len(
        texts
    ):  # train_texts beside train_labels
        return None
    others = [
        key
        for key, value in tables.items()
        if not named[key] and isinstance(value, list) and (texts or not _are_strings(value))
    ]
    if others:
        raise ValueError(
            f"beside splits it holds {', '.join(others[:6])}, and it is not clear what these"
            " records are"
        )
    header = _header_of([value for key, value in tables.items() if named[key]], reading.header)
    parts = {
        key: _of_lists(value, header) if _are_lists(value) else records_of(value, reading, 1)
        for key, value in tables.items()
        if named[key]
    }
    peeked = {key: iter(part) for key, part in parts.items()}
    heads = {key: next(part, {}) for key, part in peeked.items()}
    taken = any(str(name).lower() == "split" for head in heads.values() for name in head)
    column = "split_of_file" if taken else "split"
    reading.roles["split"] = column
    return (
        {**record, column: named[key].replace("unlabelled", "")}
        for key, part in peeked.items()
        for record in chain([heads[key]], part)
        if record
    )


def _header_of(tables: list[Json], header: str) -> str:
    """Whether lists of rows have names above them: then they are those of every split."""
    lists = [value for value in tables if _are_lists(value)]
    if header or len(lists) < 2:
        return header
    return "yes" if all(rows[0] == lists[0][0] for rows in lists) else "no"


def _are_objects(value: Json) -> TypeGuard[list[JsonObject]]:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _are_lists(value: Json) -> TypeGuard[list[list[Json]]]:
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


def _are_strings(value: Json) -> bool:
    return isinstance(value, list) and isinstance(value[0], str)


def _columns(content: JsonObject, _: Reading) -> _Records | None:
    """A list for each column, or an object from row to value for each."""
    values = list(content.values())
    if values and _are_objects(values):
        return _columns_of_objects(dict(zip(content, values, strict=True)))
    if not values or not _are_lists(values) or not any(values):
        return None
    if any(value and isinstance(value[0], dict) for value in values) and not any(
        map(_is_known, content)
    ):
        return None
    if len(set(map(len, values))) > 1:
        kinds = {column_names.joined(str(key)) for key in content}
        if kinds & set(column_names.TEXT_NAMES) and kinds & set(column_names.LABEL_NAMES):
            raise ValueError(
                "its columns are of different lengths: "
                + ", ".join(
                    f"{key} {len(value):,}"
                    for key, value in list(zip(content, values, strict=True))[:6]
                )
            )
        return None
    if (
        len(values) == 1
        or any(column_names.joined(str(key)) in _COLUMNS for key in content)
        or _some_repeat(values)
    ):
        return (dict(zip(content, row, strict=True)) for row in zip(*values, strict=True))
    return None


def _some_repeat(values: list[list[Json]]) -> bool:
    """Whether lists of one length are columns, one of them of classes that come again, and not the
    texts of classes.
    """
    if not all(isinstance(one, str) for value in values for one in value):
        return True
    repeating = [3 * len(set(value)) <= 2 * len(value) for value in values]
    return any(repeating) and not all(repeating)


def _columns_of_objects(content: dict[str, JsonObject]) -> _Records | None:
    """What pandas writes by default: {"text": {"0": ..}}; the other way round is `_indexed`."""
    if not any(map(_is_known, content)) or any(
        isinstance(one, dict) for value in content.values() for one in value.values()
    ):
        return None
    rows = dict.fromkeys(key for value in content.values() for key in value)
    if any(map(_is_known, rows)) and not any(str(key).isdecimal() for key in rows):
        return None
    return ({name: value.get(row) for name, value in content.items()} for row in rows)


def _indexed(content: JsonObject, _: Reading) -> _Records | None:
    """An object from an index, such as 0, or from a file's name to each record."""
    values = list(content.values())
    if len(values) < 2 or not _are_objects(values) or not all(values):
        return None
    named = dict(zip(content, values, strict=True))
    names = {str(name) for value in values for name in value}
    shared = set.intersection(*({*map(str, value)} for value in values))
    if names and all(
        name.isdecimal() for name in names
    ):  # columns by row, under names that nobody knows
        rows = dict.fromkeys(key for value in values for key in value)
        return ({name: value.get(row) for name, value in named.items()} for row in rows)
    if any(column_names.joined(name) in intents.PHRASES for name in shared):
        return ({"tag": key, **value} for key, value in named.items())
    if not shared or not any(map(_is_known, shared)):
        return None
    if all(str(key).isdecimal() for key in content):
        return iter(values)
    return (
        {"name": key, **value} if "name" not in value else value for key, value in named.items()
    )


def _mapping(content: JsonObject, reading: Reading) -> _Records | None:
    """A single record, or an object from names (files, texts) to classes."""
    plain = all(value is None or isinstance(value, str | int | float) for value in content.values())
    names = list(map(str, content))
    pictures = sum(map(is_picture, names)) > len(names) / 2
    if content and plain and not pictures and 3 * sum(map(_is_known, content)) >= len(content):
        return [content]
    strings = all(isinstance(value, str) for value in content.values()) or _numbered_texts(
        content, names
    )
    if len(names) < 2 or not (
        (plain and (pictures or strings)) or _lists_of_classes(content, pictures=pictures)
    ):
        return None
    reading.roles["label"] = "label"
    if pictures:
        reading.roles["image"] = "name"
    elif sum(" " in name.strip() for name in names) > len(names) / 2:
        reading.roles["text"] = "name"
    return (
        {"name": name, "label": as_label(map(cell, value)) if isinstance(value, list) else value}
        for name, value in content.items()
    )


def _numbered_texts(content: JsonObject, names: list[str]) -> bool:
    """Whether numbers are the classes of texts: few that come again, behind keys of several
    words.
    """
    values = list(content.values())
    return (
        all(isinstance(value, int) for value in values)
        and len(values) > 3
        and 2 * len({*values}) <= len(values)
        and 2 * sum(" " in name.strip() for name in names) > len(names)
    )


def _lists_of_classes(content: JsonObject, *, pictures: bool) -> bool:
    """Whether lists of strings are the classes of the thing that is their key, so that the same
    come again.
    """
    lists = list(content.values())
    if not _are_lists(lists) or not all(isinstance(one, str) for value in lists for one in value):
        return False
    given = [one for value in lists for one in value]
    return pictures or (len(lists) > 3 and 2 * len(set(given)) <= len(given))


def _inside(content: JsonObject, reading: Reading, depth: int) -> _Records:
    """The one list of records among other things, such as numbers of a version, at most three
    levels down.
    """
    lists = {str(key): value for key, value in content.items() if isinstance(value, list) and value}
    of_objects = {key: value for key, value in lists.items() if _are_objects(value)}
    if len(of_objects) > 1:
        raise ValueError(
            f"it holds several lists of objects ({', '.join(list(of_objects)[:8])}) and it is not"
            " clear which of them is meant"
        )
    if of_objects:
        return next(iter(of_objects.values()))
    if len(lists) == 1:
        return records_of(next(iter(lists.values())), reading, depth + 1)
    inner = [value for value in content.values() if isinstance(value, dict) and value]
    if len(inner) == 1 and not lists and depth < _DEEPEST:
        return records_of(inner[0], reading, depth + 1)
    raise ValueError(_NO_TABLE)


_SHAPES: tuple[Callable[[JsonObject, Reading], _Records | None], ...] = (
    coco.images,
    intents.nested,
    _viewer,
    _oriented,
    _splits,
    _columns,
    _mapping,
    intents.class_lists,
    _indexed,
)


def strings(records: _Records) -> Iterator[tuple[int, dict[str, str]]]:
    """The records numbered from 1, with cells as tables have them."""
    for number, record in enumerate(records, 1):
        yield number, {str(key): cell(value) for key, value in record.items()}
