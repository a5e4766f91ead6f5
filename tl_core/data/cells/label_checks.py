"""What the classes of all rows together say: placeholders, classes of one stray row, classes that
head a block.
"""

from __future__ import annotations

import json
import re

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.label_lists import stand_alone
from tl_core.data.checks.class_names import means_nothing
from tl_core.data.checks.text_facts import clean_label

_BLANKED = frozenset(
    (
        "-1",
        "-1.0",
        "-99",
        "-100",
        "-999",
        "na",
        "tbd",
        "todo",
        "hidden",
        "placeholder",
        "withheld",
        "dummy",
        "empty",
        "blank",
    )
)  # what a test part holds in place of classes that are kept back
_FEWEST, _LARGE, _USUAL = 10, 20, 3  # rows of a part; rows of a set, and of each other class in it
_RARE = 0.02
_MOST_PARTS = 20
_LINES = re.compile(r"\s*[\t\n\r\v\f\u2028]\s*")
_HELD_OUT = ("validation", "test")

Numbers = NDArray[np.int64]


def several_lines(names: list[str], raw: dict[str, str]) -> dict[str, str]:
    """Names whose cells hold several classes, one a line or between tabs, with a list of them in
    place of the name.

    `raw` is the cell of each name that was broken into lines; a name that is only wrapped stays as
    it is.
    """
    lines = {
        name: [part for part in map(clean_label, _LINES.split(cell)) if part]
        for name, cell in raw.items()
    }
    joined = {name: parts for name, parts in lines.items() if len(set(parts)) > 1}
    if not stand_alone(joined, names):
        return {}
    return {name: json.dumps(parts, ensure_ascii=False) for name, parts in joined.items()}


def placeholders(
    names: list[str], labels: Numbers, given: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], list[str]]:
    """Rows of a part held out whose classes only hold the place of classes that are not told, and
    sentences on them.
    """
    blank, notes = np.zeros(len(labels), dtype=bool), list[str]()
    known = set(np.unique(labels[_learnt(given)]).tolist()) - {-1}
    for split in _HELD_OUT if known else ():
        rows = (given == split) & (labels >= 0)
        own = np.unique(labels[rows]).tolist()
        if own and not known & {*own} and all(stands_for_nothing(names[place]) for place in own):
            blank |= rows
            notes.append(
                f"All {int(rows.sum()):,} rows of the {split} part have"
                f" {_listed([names[p] for p in own])} for a class, which no training row has: they"
                " are rows without a class."
            )
    return blank, notes


def _learnt(given: NDArray[np.str_]) -> NDArray[np.bool_]:
    learnt: NDArray[np.bool_] = np.ones(len(given), dtype=bool)
    for split in _HELD_OUT:
        learnt &= given != split
    return learnt


def stands_for_nothing(name: str) -> bool:
    """Whether a class that only rows held out have is none; in a part to learn from -1 and NA may
    be classes.
    """
    return means_nothing(name) or name.strip().casefold() in _BLANKED


def doubts(names: list[str], labels: Numbers, given: NDArray[np.str_]) -> list[str]:
    """Sentences about classes that a person should look at before they are learnt."""
    counts = np.bincount(labels[labels >= 0], minlength=len(names))
    return [
        *_constant(names, labels, given),
        *_nothings(names, counts),
        *_stray(names, counts, labels, given),
        *_headed(labels),
    ]


def _constant(names: list[str], labels: Numbers, given: NDArray[np.str_]) -> list[str]:
    """Parts held out of which every row has the same class, as placeholders have."""
    known = np.unique(labels[_learnt(given) & (labels >= 0)])
    reasons = []
    for split in _HELD_OUT if len(known) > 1 else ():
        rows = labels[(given == split) & (labels >= 0)]
        if len(rows) >= _FEWEST and rows.min() == rows.max():
            reasons.append(
                f"All {len(rows):,} rows of the {split} part have the class"
                f" {names[int(rows[0])]!r}. If that is only a placeholder for classes that are"
                " not given, its scores mean nothing."
            )
    return reasons


def _nothings(names: list[str], counts: NDArray[np.int64]) -> list[str]:
    """Names of nothing among real classes: several of them, or rare ones, mark missing values and
    are no class.
    """
    nothing = [place for place, name in enumerate(names) if counts[place] and means_nothing(name)]
    if nothing:
        nothing += [
            place for place, name in enumerate(names) if counts[place] and name.casefold() == "na"
        ]
    rows = int(counts[nothing].sum())
    if not nothing or int((counts > 0).sum()) - len(nothing) < 2:
        return []
    if len(nothing) < 2 and rows >= _RARE * counts.sum():
        return []
    many = len(nothing) > 1
    return [
        f"{_listed([names[place] for place in nothing])} ({rows:,} row{'s' if rows > 1 else ''})"
        f" {'read' if many else 'reads'} like a missing class, but"
        f" {'are classes' if many else 'is a class'} here. Empty such cells if they mean that there"
        " is none."
    ]


def _stray(
    names: list[str], counts: NDArray[np.int64], labels: Numbers, given: NDArray[np.str_]
) -> list[str]:
    """Classes of one row at an end of a part: a second row of names, a total below the table."""
    single = np.flatnonzero(counts == 1)
    others = counts[counts > 1]
    if (
        not 0 < len(single) <= 2
        or counts.sum() < _LARGE
        or len(others) < 2
        or others.min() < _USUAL
    ):
        return []
    rows = np.flatnonzero(labels >= 0)
    starts = [0, *(np.flatnonzero(given[rows][1:] != given[rows][:-1]) + 1).tolist(), len(rows)]
    if len(starts) > _MOST_PARTS:
        starts = [0, len(rows)]
    ends = {
        int(labels[rows[place]]): where
        for start, stop in zip(starts, starts[1:], strict=False)
        for place, where in ((start, "first"), (stop - 1, "last"))
    }
    return [
        f"The class {names[place]!r} has one row, the {ends[int(place)]} of the table or of its"
        " part. If it is a second row of names or a total, take it out."
        for place in single
        if int(place) in ends
    ]


def _headed(labels: Numbers) -> list[str]:
    """Whether most rows have no class and each one that has it begins a run, as where cells below
    were left empty.
    """
    placed = np.flatnonzero(labels >= 0)
    if len(placed) < 2 or 2 * len(placed) >= len(labels) or placed[0] != 0:
        return []
    values, gaps = labels[placed], np.diff(np.append(placed, len(labels)))
    if (values[1:] == values[:-1]).any() or (gaps == 1).sum() * 5 > len(gaps):
        return []
    return [
        f"Only the first row of each block has a class; the {len(labels) - len(placed):,} rows"
        " below them have none and are not learnt from. Fill the class down if it holds for all of"
        " them."
    ]


def _listed(names: list[str]) -> str:
    shown = [repr(name) for name in names[:6]] + (
        [f"{len(names) - 6} more"] if len(names) > 6 else []
    )
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
