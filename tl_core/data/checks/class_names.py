"""Class names: how many there may be, cells that list several, names that are alike, names that
stand for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from tl_core.data.cells.label_cells import holds_several
from tl_core.data.limits import LIMITS
from tl_core.errors import AmbiguousError, DataError

if TYPE_CHECKING:
    from tl_core.data.versions.rows import RowFacts

_LONG = 200  # signs; longer cells are texts, whose signs separate no names
# share of parts that must stand elsewhere as well before a comma is taken to separate names
_SURE = 0.8
_DISTINCT, _FEWEST = 0.8, 10  # share of rows with a class of their own, from this many rows on
_SEPARATORS = ("[;；]", r"[|｜]", "[,，、]", "#")
_PUNCTUATION = _SEPARATORS[-2:]  # signs of ordinary names, too: `Paris, France`, `C#`
_TAGS = re.compile(r"(?:<[^<>]+>){2,}")
_HALVES = frozenset(("0", "5", "25", "50", "75"))  # what stands behind a decimal comma in ratings
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043"), "-")
_INVISIBLE = dict.fromkeys(map(ord, "\u200c\u200d\ufe0e\ufe0f"))
_NUMBER = re.compile(r"([+-]?) ?(\d+)(?:([.,])(\d+))?")
_BETWEEN = re.compile(
    r"(?<=\w) -+ (?=\w)|(?<=\w)-+ ?(?=\w)|(?<=\w) -+(?=[^\W\d])"
)  # a dash that is no sign
_NOTHING = frozenset(
    (
        "nan",
        "null",
        "none",
        "nil",
        "n/a",
        "n.a.",
        "#n/a",
        "#na",
        "<na>",
        "nat",
        "unknown",
        "undefined",
        "missing",
        "not available",
        "no label",
        "unlabeled",
        "unlabelled",
        "unbekannt",
        "inconnu",
        "desconocido",
        "?",
        "??",
        "???",
        "-",
        "--",
        "#value!",
        "#ref!",
        "#div/0!",
        "#name?",
        "#null!",
        "#num!",
    )
)


def check_classes(rows: RowFacts, task: str = "") -> None:
    """Refuse what no classifier can learn.

    Args:
        rows: of the version.
        task: `single_label` when a person has said that every different cell is one class.

    Raises:
        DataError: fewer than two classes, over 500, or nearly as many as rows.
        AmbiguousError: several classes in one cell.
    """
    numbers = np.bincount(rows.labels[rows.labels >= 0], minlength=len(rows.classes))
    check_counts(Counter(dict(zip(rows.classes, numbers.tolist(), strict=True))), task)


def check_counts(counts: Counter[str], task: str = "") -> None:
    """The same for classes by name with their number of rows."""
    names = [name for name in counts if name]
    if task != "single_label" and (several := several_in(names)):
        shown = " and ".join(
            repr(name) for name in sorted(several, key=lambda name: (len(name), name))[:2]
        )
        raise AmbiguousError(
            "Rows seem to have several classes at once.",
            f"Several labels per item are recognised but not supported yet: cells like {shown} list"
            " more than one. Keep one class for each row, or say that each cell is one.",
            "task",
            {"single_label": "every different cell is a class of its own"},
        )
    if len(names) < 2:
        raise DataError(
            f"There is only one class: {names[0]!r}." if names else "No row has a class.",
            "A classifier needs at least two to tell apart. Records that were rejected in the tool"
            " they come from are left out and make no class.",
            "Check the class folders or the label column.",
        )
    if len(names) > LIMITS.classes:
        raise DataError(
            f"There are {len(names):,} different classes.",
            f"Up to {LIMITS.classes} are supported; more usually means a number or an id, not a"
            " class.",
            "Choose another column, or group the values first.",
        )
    total = sum(counts[name] for name in names)
    if total >= _FEWEST and len(names) > _DISTINCT * total:
        alone = sum(counts[name] == 1 for name in names)
        raise DataError(
            "Nearly every row has another class.",
            f"{alone:,} of {total:,} rows have a class of their "
            "own; that is an id or a text, not a class.",
            "Choose another column, or group the values first.",
        )


def several_in(names: list[str]) -> list[str]:
    """The cells that list several classes: lists as such, joined names where their parts come again
    in other cells.
    """
    if lists := [name for name in names if holds_several(name) or _TAGS.fullmatch(name.strip())]:
        return lists
    for separator in _SEPARATORS:
        joined = _joined(names, separator)
        if "," in separator and _are_decimals(list(joined.values())):
            continue
        if stand_alone(joined, names) or (
            len(joined) >= 2 and _recombine(joined, names, sure=separator in _PUNCTUATION)
        ):
            return list(joined)
        if "," in separator and _are_numbers(joined, names):
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


def alike_key(name: str) -> str:
    """Equal for names that a person would take for one: capitals, blanks, dashes, widths, ways to
    write a number.

    A sign before a number is a difference, and so are signs that end a name (`A-`, `C++`).
    """
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_INVISIBLE).translate(_DASHES)
    plain = re.sub(r"[\s_]+", " ", plain).strip()
    number = _NUMBER.fullmatch(plain)
    if number and not (number[3] == "," and len(number[4]) == 3):  # 1,000 may be a thousand
        value = f"{int(number[2])}.{(number[4] or '').rstrip('0')}"
        return f"{'-' if number[1] == '-' and value != '0.' else ''}{value}"
    return _BETWEEN.sub(" ", plain) or name


def means_nothing(name: str) -> bool:
    """Whether a class name is what tools and people write where there is no class."""
    return name.strip().casefold() in _NOTHING
