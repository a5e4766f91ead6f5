"""What the number that a row has for a label stands for: one class, or a set of them.

A version keeps one number for each row. Where an item has one class it is that class; where it may
have several it is the place of its set of classes among those that occur. Whatever only asks
whether rows are labelled alike (copies, filters, comparisons) therefore needs to know nothing of
sets.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

NOTHING = "none of them"  # what an empty set of labels is called
_BETWEEN = "; "

Ints = NDArray[np.int64]
Named = tuple[str, ...]  # the names of a set of classes


@dataclass(frozen=True)
class LabelSets:
    """Classes, and which of them each number of a label means.

    Args:
        classes: names, in alphabetical order.
        members: (numbers, classes); one class each, in order, where items have one class.
        several: whether an item may have any number of classes, none included.
    """

    classes: list[str]
    members: NDArray[np.bool_]
    several: bool = False

    @classmethod
    def of_classes(cls, classes: Sequence[str]) -> LabelSets:
        """One class for each item: the numbers are those of the classes."""
        return cls(list(classes), np.eye(len(classes), dtype=bool))

    @classmethod
    def of_places(cls, classes: Sequence[str], places: Sequence[Sequence[int]]) -> LabelSets:
        """Any number of classes for each item: `places` are those of the classes of each set."""
        members = np.zeros((len(places), len(classes)), dtype=bool)
        for number, some in enumerate(places):
            members[number, list(some)] = True
        return cls(list(classes), members, several=True)

    def places(self) -> list[list[int]]:
        """The places of the classes of each set, as `of_places` takes them."""
        return [np.flatnonzero(row).tolist() for row in self.members]

    @cached_property
    def named(self) -> list[Named]:
        """The names of the classes that each number means."""
        return [tuple(self.classes[place] for place in some) for some in self.places()]

    @cached_property
    def names(self) -> list[str]:
        """What people call each number: the class, or its classes one after the other."""
        return [_called(some) for some in self.named]

    @cached_property
    def cells(self) -> list[str]:
        """What stands in a file for each number: the class, or a JSON list of classes."""
        return [as_cell(some) for some in self.named] if self.several else list(self.classes)

    def counts(self, labels: Ints) -> Ints:
        """Rows of each class (classes,) among rows with these numbers, -1 for none."""
        rows = np.bincount(labels[labels >= 0], minlength=len(self.members))
        counts: Ints = rows @ self.members.astype(np.int64)
        return counts

    def having(self, classes: Iterable[str]) -> Ints:
        """The numbers that mean at least one of these classes; `NOTHING` asks for empty sets."""
        wanted = {*classes}
        mask = self.members[:, [name in wanted for name in self.classes]].any(axis=1)
        if self.several and NOTHING in wanted:
            mask |= ~self.members.any(axis=1)
        return np.flatnonzero(mask).astype(np.int64)

    def targets(self, labels: Ints) -> Ints:
        """What is learnt and judged: the class of each row (rows,), or whether it has each class
        (rows, classes); -1 where a row has no label.
        """
        if not self.several:
            return labels
        wanted = np.concatenate([self.members, np.zeros((1, len(self.classes)), dtype=bool)])
        out = wanted[labels].astype(np.int64)
        out[labels < 0] = -1
        return out


def _called(some: Iterable[str]) -> str:
    return _BETWEEN.join(some) or NOTHING


def called(cell: str) -> str:
    """What people call the classes in a cell that `as_cell` has written."""
    return _called(json.loads(cell))


def as_cell(some: Iterable[str]) -> str:
    """A set of classes as it stands in a file: a JSON list."""
    return json.dumps(list(some), ensure_ascii=False)


def gathered(
    named: Sequence[Named | None], labels: Ints, *, several: bool
) -> tuple[LabelSets, Ints]:
    """The sets of classes that are left, and the numbers of the rows in them.

    Args:
        named: what each old number means; None for what is no label any more.
        labels: old numbers of the rows, -1 for none.
        several: whether an item may have any number of classes.
    """
    used = np.unique(labels[labels >= 0])
    left = {named[number] for number in used.tolist()} - {None}
    classes = sorted({name for some in left if some is not None for name in some})
    places = {name: place for place, name in enumerate(classes)}
    sets = sorted(
        {tuple(sorted(places[name] for name in some)) for some in left if some is not None}
    )
    numbers = {some: number for number, some in enumerate(sets)}
    table = np.full(len(named) + 1, -1, dtype=np.int64)
    for number in used.tolist():
        some = named[number]
        if some is not None:
            table[number] = numbers[tuple(sorted(places[name] for name in some))]
    made = LabelSets.of_places(classes, sets) if several else LabelSets.of_classes(classes)
    return made, table[labels]


def said_of(classes: Sequence[str], answers: NDArray[np.intp]) -> list[str]:
    """Answers as they stand in files: a class each (rows,), or JSON lists of those that have a 1
    (rows, classes).
    """
    if answers.ndim == 1:
        return [classes[place] for place in answers.tolist()]
    return [as_cell(classes[place] for place in np.flatnonzero(row).tolist()) for row in answers]
