"""What a cell says about the class of its row: one name, several, or none, however a tool has
written it down.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings

from tl_core.data.checks.text_facts import clean_label
from tl_core.errors import DataError

EMPTY = "[]"  # what is stored for a cell that says: none of the classes
_LONGEST = 4000  # signs; a longer cell is a text, not a list of names
_OPEN = {"[": "]", "{": "}", "(": ")"}
_ASKED = (
    "choices",
    "choice",
    "labels",
    "label",
    "classes",
    "class",
    "value",
    "name",
    "displayName",
    "display_name",
    "classname",
    "className",
    "class_name",
    "class-name",
)  # where tools keep the answer
_SPAN = {
    "start",
    "end",
    "start_offset",
    "end_offset",
    "offset",
    "bbox",
    "points",
}  # a label of a part, not of the item
_STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_STRINGS = re.compile(
    rf"\[\s*{_STRING}(?:\s*[,\s]\s*{_STRING})*\s*,?\s*\]", re.DOTALL
)  # numpy sets no commas
_NUMBERS = re.compile(r"\[\s*-?\d+(?:[\s,]\s*-?\d+)*\s*,?\s*\]")


def read_label(cell: str) -> list[str]:
    """The class names in a cell, each once: `x`, `["x"]`, `['x']`, `{"choices": ["x"]}` and
    `[{"label": "x"}]` hold x.

    Brackets around anything but a list of names belong to the name: `[spam]` is one.
    """
    bare = cell.strip()
    if not bare or len(bare) > _LONGEST or _OPEN.get(bare[0]) != bare[-1]:
        return [cell] if bare else []
    try:
        names = _names(_parsed(bare))
    except RecursionError:
        names = None
    return [cell] if names is None else list(dict.fromkeys(name for name in names if name.strip()))


def label_name(cell: str) -> str:
    """The one clean name to store for a cell: "" without a class, `EMPTY` where it lists none, the
    cell as it is where it lists several.

    Raises:
        DataError: for an object that says no class, such as a mark inside a text or a score for
            each class, and for a list of such scores without names.
    """
    if _holds_object(cell.strip()):
        raise DataError(
            f"The column of the class holds objects: {cell.strip()[:80]!r}.",
            "Such a cell is no name of a class; it may hold scores, or marks inside the item.",
            "Name the column that holds one class "
            "for each row, or export the labels as plain names.",
        )
    if _reads_as_marks(cell.strip()):
        raise DataError(
            f"The column of the class holds a number for each class: {cell.strip()[:80]!r}.",
            "Such a cell does not say what the classes are called.",
            "Make a column of each class, named after it, with 0 and 1 or its probability; or write"
            " the names themselves as a list.",
        )
    names = list(dict.fromkeys(name for name in map(clean_label, read_label(cell)) if name))
    if not names and _lists_none(cell.strip()):
        return EMPTY
    return (names or [""])[0] if len(names) < 2 else clean_label(cell)


def holds_several(name: str) -> bool:
    """Whether a stored name is a list of several."""
    return name.startswith(("[", "{", "(")) and len(read_label(name)) > 1


def _lists_none(bare: str) -> bool:
    """Whether a cell is an answer without a class: `[]`, `{"choices": []}`, `{"a": 0, "b": 0}`."""
    if not bare or _OPEN.get(bare[0]) != bare[-1] or len(bare) > _LONGEST:
        return False
    if bare.lower() == "[nan]":  # what pandas writes where nothing is known
        return False
    try:
        value = _parsed(bare)
    except RecursionError:
        return False
    if isinstance(value, dict) and len(value) == 1 and {*value} <= {*_ASKED}:
        value = next(iter(value.values()))
    if isinstance(value, dict):
        return bool(value) and all(mark in (0, False) for mark in value.values())
    return value == []


def _reads_as_marks(bare: str) -> bool:
    if not bare.startswith(("[", "(")) or _OPEN[bare[0]] != bare[-1] or len(bare) > _LONGEST:
        return False
    try:
        return are_marks(_parsed(bare))
    except RecursionError:
        return False


def are_marks(value: object) -> bool:
    """Whether a parsed cell lists noughts and ones, or shares, for classes in a fixed order: a list
    of classes says none of them twice, and no class is a fraction.
    """
    if not isinstance(value, list | tuple) or len(value) < 2:
        return False
    numbers = [one for one in value if isinstance(one, int | float) and 0 <= one <= 1]
    return len(numbers) == len(value) and (
        len({*numbers}) < len(numbers) or any(one % 1 for one in numbers)
    )


def _holds_object(bare: str) -> bool:
    """Whether a cell is an object, or a list of them, that gives no answer about the whole item."""
    if (
        not bare.startswith(("{", "["))
        or ":" not in bare
        or len(bare) > _LONGEST
        or _OPEN[bare[0]] != bare[-1]
    ):
        return False
    try:
        value = _parsed(bare)
        inner = value if isinstance(value, list) else [value]
        return (
            bool(inner)
            and all(isinstance(one, dict) and one for one in inner)
            and _names(value) is None
        )
    except RecursionError:
        return False


def _parsed(text: str) -> object:
    """JSON, or what Python and numpy print for lists; None for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text.lower() == "[nan]":
        return []
    if _STRINGS.fullmatch(text):
        return [_evaluated(part) for part in re.findall(_STRING, text, re.DOTALL)]
    if _NUMBERS.fullmatch(text):
        return [int(part) for part in re.findall(r"-?\d+", text)]
    return _evaluated(text)


def _evaluated(text: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unknown escapes
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _names(value: object) -> list[str] | None:
    """The names in a parsed cell; None when it is no answer about the whole item."""
    if isinstance(value, dict):
        return _of_record(value)
    if not isinstance(value, list | tuple | set | frozenset) or (value == ()):
        return None
    every_name: list[str] = []
    for one in sorted(value, key=str) if isinstance(value, set | frozenset) else value:
        names = _names(one) if isinstance(one, dict | list | tuple) else _single(one)
        if names is None:
            return None
        every_name += names
    return every_name


def _of_record(record: dict[object, object]) -> list[str] | None:
    """The answer in an object: under a usual key, or the keys that are marked with 1."""
    if not record:
        return []
    if not _SPAN & {str(key) for key in record}:
        for key in _ASKED:
            if key in record:
                answer = record[key]
                return (
                    _names(answer) if isinstance(answer, dict | list | tuple) else _single(answer)
                )
    if all(isinstance(mark, bool | int | float) and mark in (0, 1) for mark in record.values()):
        return [str(key) for key, mark in record.items() if mark == 1]
    return None


def _single(value: object) -> list[str] | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return []
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)] if isinstance(value, str | int | float) else None
