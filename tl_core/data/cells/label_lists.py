"""Cells that list several classes: how they are recognised, and what they list.

A list says so itself (`["a", "b"]`, `<a><b>`). Names that are joined by a sign are a list only if
their parts come again in other cells: `Paris, France`, `C#` and `a|b` may be ordinary names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.data.cells.label_cells import EMPTY, holds_several, read_label
from tl_core.data.checks.text_facts import clean_label
from tl_core.data.label_sets import Ints, LabelSets, Named, gathered

_LONG = 200  # signs; longer cells are texts, whose signs separate no names
# share of parts that must stand elsewhere as well before a comma is taken to separate names
_SURE = 0.8
_SEPARATORS = {";": "[;；]", "|": r"[|｜]", ",": "[,，、]", "#": "#"}
_PUNCTUATION = (",", "#")  # signs of ordinary names, too: `Paris, France`, `C#`
_TAGS = re.compile(r"(?:<[^<>]+>){2,}")
_TAG = re.compile(r"<([^<>]+)>")
LIST = "list"  # the separator of cells that are lists as such
_HALVES = frozenset(("0", "5", "25", "50", "75"))  # what stands behind a decimal comma in ratings


@dataclass(frozen=True)
class ReadSets:
    """What the labels of all rows mean, their numbers, sentences about how that was read, and the
    sign between classes.
    """

    sets: LabelSets
    labels: Ints
    notes: list[str]
    doubts: list[str]
    separator: str = ""


def read_sets(
    names: Sequence[str],
    labels: Ints,
    task: str = "",
    separator: str = "",
    one_hot: Collection[str] = (),
) -> ReadSets:
    """The classes of each row, of which there may be several.

    Args:
        names: what the different cells say, as `label_name` gives it.
        labels: the place of each row's cell (rows,), -1 for none.
        task: `single_label` or `multi_label`, where a person has said it; empty: recognised.
        separator: the sign between the classes of a cell, where a person has named it.
        one_hot: columns that are one class each, where the cells were made from such.
    """
    listed = [] if task == "single_label" else several_in([*names], separator)
    several = task == "multi_label" or bool(listed)
    separator = separator or separator_in(listed)
    named = [_named(name, separator, several=several) for name in names]
    sets, numbers = gathered(named, labels, several=several)
    unsaid = _never_said(one_hot, sets)
    if not several:
        return ReadSets(sets, numbers, unsaid, [])
    how = "An item may have several classes." if one_hot else _how_listed(listed, separator)
    notes, doubts = [how, _how_many(sets, numbers), *unsaid], list[str]()
    if separator in _PUNCTUATION and not task:
        doubts = [f"{notes.pop(0)} If that sign belongs to the names, set task to single_label."]
    return ReadSets(sets, numbers, notes, doubts, separator)


def _named(name: str, separator: str, *, several: bool) -> Named | None:
    """The classes in what a cell says; None where it says nothing of them."""
    if not several:
        return None if name == EMPTY else (name,)
    parts = parts_of(name, separator)
    return tuple(parts) if parts or name == EMPTY else None


def parts_of(name: str, separator: str) -> list[str]:
    """The classes that a cell lists, each once."""
    if name == EMPTY:
        return []
    if name.startswith(("[", "{", "(")) and separator in ("", LIST):
        parts = read_label(name)
    elif separator == LIST and _TAG.search(name):
        parts = _TAG.findall(name)
    elif separator and separator != LIST:
        bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
        parts = re.split(_SEPARATORS.get(separator, re.escape(separator)), bare)
    else:
        parts = [name]
    return list(dict.fromkeys(part for part in map(clean_label, parts) if part))


def separator_in(listed: Sequence[str]) -> str:
    """How these cells list their classes: a sign of `_SEPARATORS`, or as lists."""
    if not listed:
        return ""
    first = listed[0]
    if holds_several(first) or _TAGS.fullmatch(first.strip()):
        return LIST
    return next(
        (
            sign
            for sign, pattern in _SEPARATORS.items()
            if all(re.search(pattern, x) for x in listed)
        ),
        "",
    )


def _how_listed(listed: Sequence[str], separator: str) -> str:
    """How several classes of an item are told, in a sentence."""
    if not listed:
        return "An item may have several classes."
    shown = min(listed, key=lambda name: (len(name), name))
    way = "as lists" if separator == LIST else f"with {separator!r} between them"
    return f"Cells hold several classes {way}, such as {shown!r}: an item may have several."


def _never_said(columns: Collection[str], sets: LabelSets) -> list[str]:
    """Columns that are one class each, of which no row is, in a sentence if there are any."""
    lost = sorted({*map(clean_label, columns)} - {*sets.classes})
    if not lost:
        return []
    return [f"No item is of the class {', '.join(map(repr, lost))}: nothing can be learnt of it."]


def _how_many(sets: LabelSets, labels: Ints) -> str:
    """How many classes the rows have, in a sentence."""
    sizes = np.bincount(sets.members.sum(axis=1)[labels[labels >= 0]], minlength=3)
    parts = [(sizes[0], "none"), (sizes[1], "one"), (sizes[2], "two"), (sizes[3:].sum(), "more")]
    told = ", ".join(f"{count:,} have {many}" for count, many in parts if count)
    return f"Classes of an item: {told}."


def several_in(names: list[str], separator: str = "") -> list[str]:
    """The cells that list several classes: lists as such, joined names where their parts come again
    in other cells; with `separator` all that hold it.
    """
    names = [name for name in names if name != EMPTY]
    if separator:
        return [name for name in names if len(parts_of(name, separator)) > 1]
    if lists := [name for name in names if holds_several(name) or _TAGS.fullmatch(name.strip())]:
        return lists
    for sign, pattern in _SEPARATORS.items():
        joined = _joined(names, pattern)
        if sign == "," and _are_decimals(list(joined.values())):
            continue
        if stand_alone(joined, names) or (
            len(joined) >= 2 and _recombine(joined, names, sure=sign in _PUNCTUATION)
        ):
            return list(joined)
        if sign == "," and _are_numbers(joined, names):
            return list(joined)
    return []


def stand_alone(joined: dict[str, list[str]], names: list[str]) -> bool:
    """Whether there is a joined name all of whose parts are classes by themselves, or one that also
    is joined to others in another place.
    """
    plain = {name.strip("[] ") for name in names if name not in joined}
    places: dict[str, set[int]] = {}
    for parts in joined.values():
        for place, part in enumerate(parts):
            places.setdefault(part, set()).add(place)
    for parts in joined.values():
        alone = sum(part in plain for part in parts)
        moving = sum(part not in plain and len(places[part]) > 1 for part in parts)
        if alone == len(parts) or (alone and alone + moving == len(parts)):
            return True
    return False


def _are_decimals(lists: list[list[str]]) -> bool:
    """Whether all joined names are numbers with a decimal comma, as ratings in halves are."""
    return bool(lists) and all(
        len(parts) == 2 and parts[0].isdecimal() and parts[1] in _HALVES for parts in lists
    )


def _are_numbers(joined: dict[str, list[str]], names: list[str]) -> bool:
    """Whether numbers of classes are listed in rising order beside single ones (27; 2,3), as
    decimals are not.
    """
    plain = [name.strip() for name in names if name not in joined]
    lists = list(joined.values())
    if (
        not lists
        or not plain
        or not all(
            re.fullmatch(r"0|[1-9]\d{0,2}", part)
            for part in (*plain, *(part for parts in lists for part in parts))
        )
    ):
        return False
    if all(len(parts) == 2 and len(parts[1]) == 3 for parts in lists):  # thousands
        return False
    return all(list(map(int, parts)) == sorted({*map(int, parts)}) for parts in lists)


def _joined(names: list[str], separator: str) -> dict[str, list[str]]:
    """The parts of the names that hold a separator; brackets around all of them do not count."""
    lists: dict[str, list[str]] = {}
    for name in names:
        bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
        parts = [part.strip() for part in re.split(separator, bare)] if len(name) <= _LONG else []
        parts = list(dict.fromkeys(part for part in parts if part))
        if len(parts) > 1:
            lists[name] = parts
    return lists


def _recombine(joined: dict[str, list[str]], names: list[str], *, sure: bool) -> bool:
    """Whether parts of joined names stand in other cells too, so that they are names by themselves.

    Paths of one depth with leaves of their own (`Books|Crime`, `Books|Poems`) and no plain name
    beside them are names of a tree. With `sure`, nearly all parts must come again, alone or in
    another place, as they do not in names such as `Paris, France` or `red, large`.
    """
    plain = {name.strip("[] ") for name in names if name not in joined}
    counts = Counter(part for parts in joined.values() for part in parts)
    counts.update(part for part in counts if part in plain)
    if sure:
        places: dict[str, set[int]] = {}
        for parts in joined.values():
            for place, part in enumerate(parts):
                places.setdefault(part, set()).add(place)
        every = [part for parts in joined.values() for part in parts]
        alone, moving = (
            sum(test)
            for test in zip(*((part in plain, counts[part] > 1) for part in every), strict=True)
        )
        return alone >= _SURE * len(every) or (
            moving >= _SURE * len(every) and any(len(spots) > 1 for spots in places.values())
        )
    tree = (
        not plain
        and len({len(parts) for parts in joined.values()}) == 1
        and all(counts[parts[-1]] == 1 for parts in joined.values())
    )
    return not tree and max(counts.values()) > 1
