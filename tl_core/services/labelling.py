"""Labelling in the app: what people answer becomes decisions about single labels, from which the
next version is made; where they differ it waits for somebody's last word.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.label_lists import LIST, parts_of
from tl_core.data.checks.class_names import check_new_name
from tl_core.data.label_sets import as_cell
from tl_core.data.labelling.first_test import lacking_in_words
from tl_core.data.labelling.population import population_of
from tl_core.data.labelling.rounds import history
from tl_core.data.versions.edits import (
    Decision,
    classes_of,
    decide,
    decide_all,
    decisions,
    spoken,
)
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, nearest
from tl_core.labelling import draw
from tl_core.labelling.agreement import Agreement, agreements
from tl_core.modalities import items_of
from tl_core.registry.datasets import DatasetRecord, DatasetStore
from tl_core.registry.label_answers import LABEL, SETTLE, SKIP, Answer, AnswerStore, Given

_NONE = Decision("undo")
_NO_REASON: Mapping[int, str] = {}


@dataclass(frozen=True)
class Dispute:
    """An item about which people differ: what each of them said, by their id."""

    row: int
    said: Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """Where the labelling of a version stands.

    Args:
        labels: the class of each row on which those asked agree, or that was settled.
        disputes: rows on which they do not, in the order in which they came up.
        passed: rows that somebody passed over and nobody labelled.
        said: what each person said of each row, by their id; passed rows are not in it.
        named: every label that was given, in the order in which they first were.
        used: rows of which nothing was said since this version was made.
    """

    labels: Mapping[int, str]
    disputes: Sequence[Dispute]
    passed: Sequence[int]
    said: Mapping[str, Mapping[int, str]]
    named: Sequence[str]
    used: frozenset[int]

    @property
    def answered(self) -> set[int]:
        """Rows that somebody has labelled."""
        return {*self.labels, *(one.row for one in self.disputes)}

    @property
    def aside(self) -> list[int]:
        """Rows that are not to be proposed again: passed over, or waiting to be settled."""
        return sorted([*self.passed, *(one.row for one in self.disputes)])


def standing(answers: Iterable[Answer]) -> Standing:
    """What answers come to, in the order in which they were given."""
    by_row = defaultdict[int, dict[str, str]](dict)
    said = defaultdict[str, dict[int, str]](dict)
    settled: dict[int, str] = {}
    passed: dict[int, None] = {}
    named: dict[str, None] = {}
    before, since = set[int](), set[int]()
    for one in answers:
        (before if one.used else since).add(one.row)
        if one.action != SKIP:
            named.setdefault(one.label)
        if one.action == SETTLE:
            settled[one.row] = one.label
        elif one.action == SKIP:
            passed[one.row] = None
        else:
            by_row[one.row][one.given_by] = said[one.given_by][one.row] = one.label
    labels, disputes = dict(settled), []
    for row, words in by_row.items():
        if row in settled:
            continue
        if len({*words.values()}) == 1:
            labels[row] = next(iter(words.values()))
        else:
            disputes.append(Dispute(row, words))
    passed_over = [row for row in passed if row not in by_row]
    return Standing(labels, disputes, passed_over, said, [*named], frozenset(before - since))


def order_of(version: DatasetVersion) -> dict[int, str]:
    """The rows without a class that were proposed, those of the newest round first, and why each
    was.
    """
    waiting = version.rows_of("unlabelled")
    dropped = {row for row, one in decisions(version.folder).items() if one.action == "drop"}
    left, order = {*waiting.tolist()} - dropped, dict[int, str]()
    for one in reversed(history(version.folder).rounds):
        for row, why in zip(one.rows, one.why, strict=True):
            if row in left:
                order.setdefault(row, why)
    return order


def decide_one(
    datasets: DatasetStore, record: DatasetRecord, row: int, action: str, label: str = ""
) -> None:
    """Save somebody's own word about a row of the newest version; where they take one back, what
    was answered in the queue counts again.

    Raises:
        StateError: when there is a newer version.
        DataError: as `edits.decide`.
    """
    datasets.require_newest(record)
    decide(DatasetVersion(record.folder), row, action, label)
    Labelling(AnswerStore(datasets), record).sync()


def _check_new(name: str, known: Sequence[str], *, new: bool) -> None:
    if not new:
        raise DataError(f"There is no class {name!r} in this dataset.", "", nearest(name, known))
    check_new_name(name, known)


def _check_one(name: str) -> None:
    """Refuse what is rather several classes, where an item may have them."""
    parts = [part.strip() for part in re.split(r"[;|]", name)]
    if len(parts) > 1:
        raise DataError(
            f"{name!r} reads like {len(parts)} classes.",
            "Several classes of an item are written as a list.",
            f"Write {as_cell(parts)}.",
        )


class Labelling:
    """The labelling of one version by the acting person.

    Args:
        answers: what people said, as far as the acting person may see and change it.
        record: of the version.
    """

    def __init__(self, answers: AnswerStore, record: DatasetRecord) -> None:
        self._answers, self._record = answers, record
        self.version = DatasetVersion(record.folder)

    @cached_property
    def answers(self) -> list[Answer]:
        """What people said, in the order in which they did; read once."""
        return self._answers.list(self._record.reference)

    @cached_property
    def standing(self) -> Standing:
        """Where it stands."""
        return standing(self.answers)

    def next(self, order: Mapping[int, str], count: int = 1) -> list[int]:
        """The next rows of an order for the acting person, kept from others for a while.

        Raises:
            AccessError: when they may only look at the dataset.
        """
        return self._answers.claim(self._record.reference, list(order), count)

    @cached_property
    def chance(self) -> NDArray[np.int64]:
        """Rows that were drawn at random and have a class, in the version or by an answer: see
        `labelling.draw`.
        """
        past = history(self.version.folder)
        population = population_of(self.version, past)
        waits = {*self.version.rows_of("unlabelled").tolist()}
        given = ({*population.tolist()} - waits) | ({*self.standing.labels} & waits)
        done = given | {*self.standing.passed}
        seed = past.rounds[0].seed if past.rounds else 0
        order = draw.fair_order(population, seed, draw.LEAST)
        drawn = draw.sample(order, past.drawn, done, left=bool(waits - done))
        return drawn[np.isin(drawn, [*given])]

    def test_outlook(self) -> str:
        """What a first test still needs, where the dataset began without any class and has no test
        rows; else nothing.
        """
        info = self.version.info
        if not info.labelled_here or info.splits.get("test"):
            return ""
        labels, given = self.version.labels, self.standing.labels
        # a group goes whole, so it counts once
        of_group = {
            int(self.version.groups[row]): (
                classes_of(self.version, given[row], new=True)
                if row in given
                else self.version.sets.named[labels[row]]
            )
            for row in self.chance.tolist()
        }
        counts = Counter(name for some in of_group.values() for name in some)
        drawn = len(of_group) if self.version.sets.several else None
        return lacking_in_words(counts, items_of(info.modality), drawn)

    @property
    def agreement(self) -> Agreement:
        """How far people agree on the rows that they share, by their ids."""
        return agreements(self.standing.said)

    @property
    def classes(self) -> list[str]:
        """The classes of the version and those named for it, then those that only answers name: in
        the order in which they were named, so that a further one changes no key. A version, which
        has them by the alphabet, changes none either.
        """
        info = self.version.info
        named = [
            name
            for cell in self.standing.named
            for name in classes_of(self.version, cell, new=True)
        ]
        if info.labelled_here:
            return [*dict.fromkeys([*info.named, *named, *info.labels])]
        return [*dict.fromkeys([*info.keys, *info.offered, *named])]

    @property
    def changes(self) -> list[int]:
        """Rows that have another label by the answers than in the version."""
        now = self.standing
        rows = [row for row in now.labels if row not in now.used]
        return [row for row, one in self._wanted(rows).items() if one.action == "relabel"]

    def label(
        self,
        rows: Sequence[int],
        label: str,
        *,
        why: str = "",
        aided: bool = False,
        new: bool = False,
    ) -> None:
        """Give these rows a class.

        Args:
            rows: of the version; undone together.
            label: the class, or a JSON list of classes where an item may have several.
            why: by what they came up.
            aided: whether the person had looked at the model's suggestion before.
            new: whether it may be a class that the dataset does not have yet.

        Raises:
            DataError: for a row or class that there is not.
            AccessError: when the acting person may only look at the dataset.
        """
        cell = self.cell(label, new=new)
        self._give([Given(self._known(row), cell, LABEL, why, aided) for row in rows])

    def give(
        self, labels: Mapping[int, str], why: Mapping[int, str] = _NO_REASON, *, new: bool = False
    ) -> None:
        """Give each row its own class; all are undone together. `why` says by what rows came up.
        Raises as `label`.
        """
        known = self.classes
        cells = {
            label: self._cell(label, known, new=new) for label in dict.fromkeys(labels.values())
        }
        self._give(
            [
                Given(self._known(row), cells[label], why=why.get(row, ""))
                for row, label in labels.items()
            ]
        )

    def skip(self, *rows: int, why: Mapping[int, str] = _NO_REASON) -> None:
        """Pass rows over: the acting person cannot say. Raises as `label`."""
        self._give([Given(self._known(row), "", SKIP, why.get(row, "")) for row in rows])

    def settle(self, labels: Mapping[int, str]) -> None:
        """Have the last word about rows. Raises as `label`."""
        self._give(
            [Given(self._known(row), self.cell(label), SETTLE) for row, label in labels.items()]
        )

    def undo(self) -> list[int]:
        """Take back what the acting person answered last; gives its rows.

        Raises:
            AccessError: when they may only look at the dataset.
        """
        rows = self._answers.undo(self._record.reference)
        self._sync(rows)
        return rows

    def sync(self) -> list[Answer]:
        """Make the decisions say what the answers come to, whatever was written at one moment;
        gives the answers that were looked at.
        """
        self._read_anew()
        looked_at = self.answers
        unused = dict.fromkeys(one.row for one in looked_at if not one.used)
        self._sync([row for row in unused if self._splits[row] != "removed"])
        return looked_at

    def cell(self, label: str, *, new: bool = False) -> str:
        """A class as it is kept, or several in alphabetical order.

        Raises:
            DataError: for a class that there is not, or with `new` a name that no class can have.
        """
        return self._cell(label, self.classes, new=new)

    def _cell(self, label: str, known: list[str], *, new: bool) -> str:
        """The same; classes that are new join those that are `known`."""
        several = self.version.sets.several
        listed = several and label.startswith("[") and label not in known
        names = [name.strip() for name in (parts_of(label, LIST) if listed else [label])]
        for name in names:
            if name not in known:
                _check_new(name, known, new=new)
                if several and not listed:
                    _check_one(name)
                known.append(name)
        return as_cell(sorted(names)) if several else names[0]

    def _known(self, row: int) -> int:
        splits = self._splits
        if not 0 <= row < len(splits) or splits[row] == "removed":
            raise DataError(
                f"There is no row {row} in this version.", "", "Rows are numbered from 0."
            )
        return row

    @cached_property
    def _splits(self) -> list[str]:
        return [str(name) for name in self.version.splits]

    def _give(self, given: Sequence[Given]) -> None:
        self._answers.give(self._record.reference, given)
        self._sync([one.row for one in given])

    def _sync(self, rows: Sequence[int]) -> None:
        """Decide about these rows as the answers about them have it."""
        self._read_anew()
        made = decisions(self._record.folder)
        wanted = self._wanted(rows)
        changed = {row: one for row, one in wanted.items() if made.get(row, _NONE) != one}
        if changed:
            decide_all(self.version, changed, new=True, queued=True)

    def _read_anew(self) -> None:
        for name in ("answers", "standing"):
            self.__dict__.pop(name, None)

    def _wanted(self, rows: Iterable[int]) -> dict[int, Decision]:
        """What is to be decided about these rows: what the answers about a row come to, or what
        somebody decided about it after the last of them, by whatever way.
        """
        own, labels = spoken(self._record.folder), self.standing.labels
        newest = {one.row: one.at for one in self.answers}
        return {
            row: (
                own[row].decision
                if row in own and own[row].at >= newest.get(row, -math.inf)
                else self._decision(row, labels.get(row))
            )
            for row in rows
        }

    def _decision(self, row: int, label: str | None) -> Decision:
        if label is None:
            return _NONE
        number = self.version.labels[row]
        if number >= 0 and self.version.sets.cells[number] == label:
            return Decision("keep")
        return Decision("relabel", label)
