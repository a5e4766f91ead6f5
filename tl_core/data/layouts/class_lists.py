"""Files that say what class numbers mean: `classes.txt`, `label_map.json` and their like beside the
data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.sources.names import words_of

_CORE = frozenset(
    (
        "class",
        "classes",
        "label",
        "labels",
        "category",
        "categories",
        "synset",
        "synsets",
        "names",
        "targets",
    )
)
_BESIDE = frozenset(
    ("id", "ids", "idx", "index", "name", "list", "map", "mapping", "to", "2", "obj", "target")
)
_DICTIONARY = frozenset(("dict", "dictionary", "map", "mapping", "legend", "codes", "names"))
_PAIR = re.compile(r"^\s*(?P<number>-?\d+)\s*[\s,;:=]\s*(?P<name>\D.*?)\s*$")
_MOST_BYTES, _LONG_NAME = 1 << 20, 80


@dataclass(frozen=True)
class ClassList:
    """Names of classes by number; `numbered` when the file gave the numbers, else they are places
    from 0.
    """

    names: dict[int, str] = field(default_factory=dict)
    numbered: bool = False

    def meaning(self, numbers: Iterable[str]) -> dict[str, str]:
        """What each class number of the data is called; empty when the list does not fit, or fits
        in two ways.

        A list without numbers of its own may count from 0 or from 1: the numbers 0 and the highest
        say which.
        """
        wanted = [number for number in numbers if number.strip()]
        if not wanted or not all(re.fullmatch(r"\s*-?\d+(\.0+)?\s*", number) for number in wanted):
            return {}
        values = {number: int(float(number)) for number in wanted}
        low, high = min(values.values()), max(values.values())
        if {*values.values()} <= {*self.names} and (self.numbered or low == 0):
            return {number: self.names[value] for number, value in values.items()}
        if not self.numbered and low >= 1 and high == len(self.names):
            return {number: self.names[value - 1] for number, value in values.items()}
        return {}


def is_class_list(name: str) -> bool:
    """Whether a file's name says that it lists the names of classes."""
    stem, _, ending = name.rpartition(".")
    words = {*words_of(stem)}
    return (
        ending.lower() in ("txt", "json", "names")
        and bool(words & _CORE)
        and words <= _CORE | _BESIDE
    )


def find_class_list(path: Path) -> ClassList:
    """The list of class names in a file that is named so, or whose content is numbers with a name
    each; else empty.
    """
    if is_class_list(path.name):
        return read_class_list(path)
    listed = (
        read_class_list(path) if path.suffix.lower() in (".json", ".csv", ".txt") else ClassList()
    )
    is_named = path.suffix.lower() == ".json" or bool(
        {*words_of(path.stem)} & (_CORE | _DICTIONARY)
    )
    return (
        listed
        if listed.numbered and is_named and len({*listed.names.values()}) == len(listed.names) > 1
        else ClassList()
    )


def read_class_list(path: Path) -> ClassList:
    """The names in a file; an empty list when it holds something else."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ClassList()
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ClassList()
    return _from_json(text) if path.suffix.lower() == ".json" else _from_lines(text)


def _from_json(text: str) -> ClassList:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return ClassList()
    if (
        isinstance(content, dict)
        and len(content) == 1
        and isinstance(next(iter(content.values())), list | dict)
    ):
        content = next(iter(content.values()))
    if isinstance(content, list):
        return (
            _counted([name for name in content if isinstance(name, str)])
            if all(isinstance(name, str) for name in content)
            else ClassList()
        )
    if not isinstance(content, dict) or not content:
        return ClassList()
    if all(isinstance(value, int) for value in content.values()):
        content = {value: name for name, value in content.items()}
    if all(
        re.fullmatch(r"-?\d+", str(key)) and isinstance(value, str)
        for key, value in content.items()
    ):
        return ClassList(
            {int(key): clean_label(value) for key, value in content.items()}, numbered=True
        )
    return ClassList()


def _from_lines(text: str) -> ClassList:
    lines = [line for line in text.splitlines() if line.strip()]
    pairs = {
        int(match["number"]): clean_label(match["name"])
        for line in lines
        if (match := _PAIR.match(line))
    }
    if len(pairs) >= 2 and len(pairs) >= len(lines) - 1:  # perhaps with a header
        return ClassList(pairs, numbered=True)
    if len(lines) < 2 or any(len(line) > _LONG_NAME for line in lines):
        return ClassList()
    return _counted([clean_label(line) for line in lines])


def _counted(names: list[str]) -> ClassList:
    return ClassList(dict(enumerate(names)))
