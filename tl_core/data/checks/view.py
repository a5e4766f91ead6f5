"""The rows of a version as the checks see them, and findings that name rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.class_names import alike_key
from tl_core.data.dataset_version import Action, Finding, FindingFacts
from tl_core.data.versions.draft import Draft
from tl_core.data.versions.items import open_items
from tl_core.data.versions.rows import RowFacts
from tl_core.modalities import items_of

NAMED = 50  # items that a finding names in version.json; its rows all stand in findings.parquet
_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class RowFinding(Finding):
    """A finding with the rows it is about, those that belong together one after the other."""

    rows: NDArray[np.int64] = field(default_factory=lambda: _NONE)

    def as_dict(self) -> FindingFacts:
        plain = {spec.name: getattr(self, spec.name) for spec in fields(Finding)}
        return cast(FindingFacts, plain)


@dataclass(frozen=True)
class View:
    """The rows as the checks see them; `alive` marks those that are part of the version and have a
    class.
    """

    rows: RowFacts
    splits: NDArray[np.str_]
    groups: NDArray[np.int64]
    alive: NDArray[np.bool_]
    keys: NDArray[np.uint64]
    draft: Draft

    @classmethod
    def of(
        cls, rows: RowFacts, splits: NDArray[np.str_], groups: NDArray[np.int64], draft: Draft
    ) -> View:
        return cls(
            rows,
            splits,
            groups,
            (splits != "removed") & (rows.labels >= 0),
            rows.facts["key"],
            draft,
        )

    @property
    def noun(self) -> str:
        return items_of(self.rows.modality)

    @cached_property
    def looked(self) -> NDArray[np.bool_]:
        """Rows that checks of single items look at: `alive` ones, and where people give the classes
        here, also those that wait for one.
        """
        if not self.draft.options.label_here:
            return self.alive
        looked: NDArray[np.bool_] = self.splits != "removed"
        return looked

    def held(self) -> NDArray[np.bool_]:
        """Rows that judge: validation and test."""
        return self.alive & np.isin(self.splits, ("validation", "test"))

    def leaking(self) -> NDArray[np.int64]:
        """Training rows whose exact input also stands among the rows that judge."""
        held = np.unique(self.keys[self.held()])
        return np.flatnonzero(self.alive & (self.splits == "train") & np.isin(self.keys, held))

    def near_leaking(self) -> NDArray[np.int64]:
        """Training rows that hardly differ from a row that judges."""
        pairs, train, held = self.rows.pairs, self.alive & (self.splits == "train"), self.held()
        leaking = np.concatenate(
            [
                pairs[train[pairs[:, 0]] & held[pairs[:, 1]], 0],
                pairs[train[pairs[:, 1]] & held[pairs[:, 0]], 1],
            ]
        )
        return np.setdiff1d(np.unique(leaking), self.leaking())

    def copies(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows looked at that have an exact copy, copies one after the other, and for each the
        number of its set.
        """
        rows = np.flatnonzero(self.looked)
        _, back, counts = np.unique(self.keys[rows], return_inverse=True, return_counts=True)
        many = counts[back] > 1
        rows, sets = rows[many], back[many]
        order = np.lexsort((rows, sets))
        return rows[order], sets[order]

    def conflicting(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Those of `copies` whose set has more than one label."""
        rows, sets = self.copies()
        known = self.alive[rows]
        rows, sets = rows[known], sets[known]
        if not len(rows):
            return rows, sets
        labels = self.rows.labels[rows]
        lowest, highest = (
            np.full(int(sets.max()) + 1, value) for value in (len(self.rows.sets.members), -1)
        )
        np.minimum.at(lowest, sets, labels)
        np.maximum.at(highest, sets, labels)
        torn = (lowest != highest)[sets]
        return rows[torn], sets[torn]

    def spare_copies(self) -> NDArray[np.int64]:
        """All but the first of each set of exact copies with one class and in one split."""
        rows, sets = self.copies()
        torn = np.isin(rows, self.conflicting()[0])
        rows, sets = rows[~torn], sets[~torn]
        splits = np.unique(self.splits[rows], return_inverse=True)[1] if len(rows) else sets
        _, first = np.unique(sets * 16 + splits, return_index=True)
        return np.sort(np.delete(rows, first))

    def near_sets(self) -> dict[int, list[int]]:
        """For each row to keep, the later rows on its side that hardly differ from it, none of them
        twice.

        A chain of small changes is no set: only what is close to the kept row itself belongs to it.
        """
        pairs = self.rows.pairs
        pairs = pairs[self.looked[pairs[:, 0]] & self.looked[pairs[:, 1]]]
        pairs = pairs[self.splits[pairs[:, 0]] == self.splits[pairs[:, 1]]]
        near: dict[int, list[int]] = {}
        spare: set[int] = set()
        for a, b in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
            if a not in spare and b not in spare:
                near.setdefault(a, []).append(b)
                spare.add(b)
        return near

    def alike_names(self) -> list[list[str]]:
        """Classes whose names differ only in capitals, blanks, the signs between words or how a
        number is written.
        """
        alike: dict[str, list[str]] = {}
        counts = self.counts()
        for name in self.rows.classes:
            if counts[name]:
                alike.setdefault(alike_key(name), []).append(name)
        return [
            sorted(same, key=lambda name: (-counts[name], name))
            for same in alike.values()
            if len(same) > 1
        ]

    def counts(self) -> dict[str, int]:
        """Living rows of each class."""
        counts = self.rows.sets.counts(self.rows.labels[self.alive])
        return dict(zip(self.rows.classes, counts.tolist(), strict=True))

    def named(self, findings: Iterable[Finding], folder: Path) -> list[Finding]:
        """The findings with the names of their first rows."""
        names = open_items(folder).column("name")
        return [
            (
                replace(f, items=names.take(f.rows[:NAMED]).to_pylist())
                if isinstance(f, RowFinding) and len(f.rows) and not f.items
                else f
            )
            for f in findings
        ]


def action(name: str, label: str) -> Action:
    """A fix by one click: what the program calls it, and what its button says."""
    return {"id": name, "label": label}
