"""Class names: how many there may be, names that are alike, names that stand for nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tl_core.data.limits import LIMITS
from tl_core.errors import DataError

if TYPE_CHECKING:
    from tl_core.data.versions.rows import RowFacts

_LONGEST_NAME = 100
_DISTINCT, _FEWEST = 0.8, 10  # share of rows with a class of their own, from this many rows on
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


LABEL_HERE = (
    " If nothing has a class yet, say so (--label-here) and label it here: classes are then named"
    " and given on the page Labelling."
)


def check_classes(rows: RowFacts, *, fewest: int = 2) -> None:
    """Refuse what no classifier can learn; `fewest` is 0 where people are still to give classes.

    Raises:
        DataError: fewer classes than that, over 500, or nearly as many as rows.
    """
    numbers = rows.sets.counts(rows.labels)
    check_counts(Counter(dict(zip(rows.classes, numbers.tolist(), strict=True))), fewest=fewest)


def check_counts(counts: Counter[str], *, fewest: int = 2, distinct: bool = True) -> None:
    """The same for classes by name with their number of rows; with `distinct` False a class for
    each row is no fault.
    """
    names = [name for name in counts if name]
    if len(names) < fewest:
        raise DataError(
            f"There is only one class: {names[0]!r}." if names else "No row has a class.",
            "A classifier needs at least two to tell apart. Records that were rejected in the tool"
            " they come from are left out and make no class.",
            f"Check the class folders or the label column.{LABEL_HERE}",
        )
    if len(names) > LIMITS.classes:
        raise DataError(
            f"There are {len(names):,} different classes.",
            f"Up to {LIMITS.classes} are supported; more usually means a number or an id, not a"
            " class.",
            "Choose another column, or group the values first.",
        )
    total = sum(counts[name] for name in names)
    if distinct and total >= _FEWEST and len(names) > _DISTINCT * total:
        alone = sum(counts[name] == 1 for name in names)
        raise DataError(
            "Nearly every row has another class.",
            f"{alone:,} of {total:,} rows have a class of their "
            "own; that is an id or a text, not a class.",
            "Choose another column, or group the values first.",
        )


def named_classes(text: str) -> list[str]:
    """The names of classes in a list with commas between, as somebody has typed it.

    Raises:
        DataError: for a name that no class can have, two that are alike, one alone, or too many.
    """
    names: list[str] = []
    for name in dict.fromkeys(part.strip() for part in re.split(r"[,\n]", text)):
        if name:
            check_new_name(name, names)
            names.append(name)
    if len(names) == 1:
        raise DataError(
            f"There is only one class: {names[0]!r}.",
            "A classifier needs at least two to tell apart.",
            "Name another one, or none: they can be named while labelling.",
        )
    if names:
        check_counts(Counter(names), distinct=False)
    return names


def check_new_name(name: str, known: Iterable[str]) -> None:
    """Refuse a name that no class can have beside those that are known.

    Raises:
        DataError: when it is too long, spans lines, or differs from a known one in little.
    """
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise DataError(
            "This cannot be the name of a class.",
            f"Names have 1 to {_LONGEST_NAME} characters in one line.",
            "Type another one.",
        )
    alike = {_close_key(one): one for one in known}.get(_close_key(name))
    if alike:
        raise DataError(
            f"There is the class {alike!r} already.",
            f"{name!r} differs from it in capitals, blanks or dashes alone.",
            "Take that one, or a name that people can tell from it.",
        )


def _close_key(name: str) -> str:
    """As `alike_key`, and equal for names of which one has a blank or dash more: who types a new
    name beside `number` does not mean another class by `Num-ber`.
    """
    return alike_key(name).replace(" ", "") or name


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
