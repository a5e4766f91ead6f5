"""Which column of a table says train, validation or test: by its name, by its cells, or as an
answer of yes or no.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.split_cells import as_split, flag_of, split_values
from tl_core.data.roles import column_names as words
from tl_core.data.roles.label_columns import possible_classes
from tl_core.data.roles.wide import binary_columns
from tl_core.data.sources.names import words_of
from tl_core.errors import AmbiguousError, DataError

if TYPE_CHECKING:
    import pandas as pd

NONE = "none"
"""The answer that no column holds splits."""
_FOLD = re.compile(r"(fold)?[\s_-]*\d{1,2}")
_MOST, _FEW = (
    200,
    20,
)  # different cells of a column named like one of splits, and of others; more are none
_LONG = 1000  # rows from which on a table may begin with train alone
_FOR = {"train": "training", "validation": "validation", "test": "the test"}
_ALWAYS = frozenset(("holdout", "heldout"))
_NEVER = frozenset(
    ("valid", "learn", "development", "evaluation", "eval", "lernen", "prova", "tests")
)
_ASKED = frozenset(
    (
        "split",
        "splits",
        "partition",
        "datasplit",
        "datasetsplit",
        "traintest",
        "traintestsplit",
        "splitname",
        "aufteilung",
    )
)


@dataclass(frozen=True)
class SplitColumns:
    """The column of splits and that of folds, "" where there is none, and what is worth telling.

    `also` are columns that say the same in part, which are no classes either.
    """

    split: str = ""
    reason: str = ""
    fold: str = ""
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Said:
    """What one column says: the split of each row, or of those alone that it answers with yes."""

    name: str
    parts: NDArray[np.str_]
    flag: str = ""
    bare: bool = False  # a flag that may as well be a fact about the item

    @property
    def rank(self) -> tuple[int, int, bool]:
        """How much it says, more before less: kinds of splits, rows, a usual name."""
        return (
            -len({*self.parts.tolist()} - {""}),
            int((self.parts == "").sum()),
            words.joined(self.name) not in words.SPLIT_COLUMNS,
        )


def find_splits(head: pd.DataFrame, free: list[str]) -> SplitColumns:
    """What the columns `free` say about splits.

    Raises:
        AmbiguousError: when columns say different things, or one may say something else.
        DataError: when most cells of a column name splits, and some do not.
    """
    fold = ""
    notes: list[str] = []
    doubts: list[str] = []
    candidates: list[_Said] = []
    for name in free:
        counts = Counter(head[name].tolist())
        filled = {cell: count for cell, count in counts.items() if cell.strip()}
        named = words.joined(name) in words.SPLIT_COLUMNS
        if (
            not filled
            or len(filled) > (_MOST if named else _FEW)
            or words.joined(name) in words.SURE_LABELS
        ):
            continue
        if (
            named
            and not words.is_flag(name)
            and all(_FOLD.fullmatch(cell.strip().lower()) for cell in filled)
        ):
            fold = fold or name
        elif said := _said(head, name, counts, free):
            candidates.append(said)
        elif named and (unread := _untold(name, filled)):
            (doubts if words.joined(name) in _ASKED else notes).append(unread)
    sure = [one for one in candidates if not one.bare] or _in_concert(candidates)
    if not sure:
        notes += filter(None, [_asked(head, one, free) for one in candidates])
        return SplitColumns(fold=fold, notes=tuple(notes), doubts=tuple(doubts))
    best = min(sure, key=lambda one: one.rank)
    if other := next((one for one in sure if not _agree(best, one)), None):
        choices = {one.name: "this column" for one in sure} | {
            NONE: "none of them; the rows are split anew"
        }
        raise AmbiguousError(
            "It is not clear which column holds the splits.",
            f"{best.name!r} and {other.name!r} "
            "could each be it, and they put rows into different splits.",
            "split_column",
            choices,
        )
    reason = (
        f"it says which rows are for {_FOR[best.flag]}"
        if best.flag
        else "its values are names of splits"
    )
    also = tuple(one.name for one in candidates if one is not best and _agree(best, one))
    return SplitColumns(best.name, reason, fold, also, tuple(notes), tuple(doubts))


def _said(head: pd.DataFrame, name: str, counts: Counter[str], free: list[str]) -> _Said | None:
    """What a column says about splits, None where it is about something else."""
    named = words.joined(name) in words.SPLIT_COLUMNS
    flag = flag_of(name)
    meaning = _meaning(name if named or flag else "", counts)
    kinds = {*meaning.values()} - {""}
    if not kinds:
        return None
    if any(map(as_split, counts)):
        flag = ""
    if (
        not named
        and not ("train" in kinds and len(kinds) > 1)
        and not (
            kinds == {"train"}
            and (len(head) >= _LONG if flag else _begins_with_train(head, name, counts, free))
        )
    ):
        return None
    if (
        not named
        and not flag
        and sum(counts[cell] for cell in meaning if meaning[cell]) * 2 < len(head)
    ):
        return None
    parts = np.array([meaning[cell] for cell in head[name]], dtype="<U10")
    return _Said(name, parts, flag, bool(flag) and not named and _is_bare(name))


def _meaning(name: str, counts: dict[str, int]) -> dict[str, str]:
    try:
        return split_values(name, counts)
    except DataError:
        return {}


def _begins_with_train(
    head: pd.DataFrame, name: str, counts: dict[str, int], free: list[str]
) -> bool:
    """Whether a column of nothing but train is one of splits: named so, or in a table whose end is
    not seen.
    """
    if not all(as_split(cell) == "train" for cell in counts if cell.strip()):
        return False
    if not {*words.parts(name), words.joined(name)}.isdisjoint(words.SPLIT_WORDS):
        return True
    return len(head) >= _LONG and any(other != name for other in possible_classes(head, free))


def _is_bare(name: str) -> bool:
    """Whether a column is called test or train and no more, which may also tell what an item is
    about.
    """
    said = words_of(name)
    return words.joined(name) not in _ALWAYS and (
        len(said) == 1 and bool(as_split(said[0])) or said[:1] == ["has"]
    )


def _untold(name: str, filled: dict[str, int]) -> str:
    """A word about a column named like one of splits that holds none; refused where most of its
    cells do.

    Raises:
        DataError: where most cells are names of splits and some are not.
    """
    known = sum(count for cell, count in filled.items() if _meaning(name, {cell: count}).get(cell))
    if known * 2 <= sum(filled.values()):
        return (
            f"{name!r} is not read as a split: most of its values name none."
            if known or words.joined(name) in _ASKED
            else ""
        )
    split_values(name, filled)
    return ""


def _in_concert(flags: list[_Said]) -> list[_Said]:
    """Flags called train and test that answer each other, which no facts about items would do."""
    return (
        flags
        if len(flags) > 1
        and len({one.flag for one in flags}) == len(flags)
        and all(_agree(flags[0], one) for one in flags[1:])
        else []
    )


def _agree(best: _Said, other: _Said) -> bool:
    """Whether two columns do not contradict each other."""
    known = (best.parts != "") & (other.parts != "")
    if other.flag:
        return bool((((best.parts == other.flag) == (other.parts == other.flag)) | ~known).all())
    return bool(((best.parts == other.parts) | ~known).all())


def _asked(head: pd.DataFrame, one: _Said, free: list[str]) -> str:
    """A word about a column of 0 and 1 called test or train that is one of several facts, or the
    class.

    Raises:
        AmbiguousError: where it is likely to be the split.
    """
    others = [name for name in free if name != one.name]
    flags = [
        name
        for name in binary_columns(head, {str(column) for column in head.columns} - {*others})
        if not words.ends_in_label(name) and words.joined(name) not in words.LABEL_NAMES
    ]
    plain = words.joined(one.name)
    classes = possible_classes(head, others)
    if not classes:
        return ""
    if plain in _NEVER or flags or (one.parts == "train").mean() < 0.5:
        return f"{one.name!r} is not read as a split; if it is one, name it with --split-column."
    raise AmbiguousError(
        f"It is not clear whether the column {one.name!r} holds the splits.",
        "Its yes and no may say which rows are for the test, or something about the item.",
        "split_column",
        {
            one.name: f"it says which rows are for {_FOR[one.flag]}",
            NONE: "it says something else; the rows are split anew",
        },
    )
