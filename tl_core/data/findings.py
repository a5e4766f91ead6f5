"""What is wrong or worth knowing about the rows of a version, each with its rows and its fixes by
one click.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.class_names import alike_key, means_nothing
from tl_core.data.rows import RowFacts
from tl_core.data.schema import Finding
from tl_core.data.small import small_findings

if TYPE_CHECKING:
    from tl_core.data.seal import Draft

NAMED = 50  # items that a finding names in version.json; its rows all stand in findings.parquet
_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class RowFinding(Finding):
    """A finding with the rows it is about, those that belong together one after the other."""

    rows: NDArray[np.int64] = field(default_factory=lambda: _NONE)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Finding.__dataclass_fields__}


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
        return "pictures" if self.rows.modality == "image" else "texts"

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
        found = np.concatenate(
            [
                pairs[train[pairs[:, 0]] & held[pairs[:, 1]], 0],
                pairs[train[pairs[:, 1]] & held[pairs[:, 0]], 1],
            ]
        )
        return np.setdiff1d(np.unique(found), self.leaking())

    def copies(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Living rows that have an exact copy, copies one after the other, and for each the number
        of its set.
        """
        rows = np.flatnonzero(self.alive)
        _, back, counts = np.unique(self.keys[rows], return_inverse=True, return_counts=True)
        many = counts[back] > 1
        rows, sets = rows[many], back[many]
        order = np.lexsort((rows, sets))
        return rows[order], sets[order]

    def conflicting(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Those of `copies` whose set has more than one class."""
        rows, sets = self.copies()
        if not len(rows):
            return rows, sets
        labels = self.rows.labels[rows]
        lowest, highest = (
            np.full(int(sets.max()) + 1, value) for value in (len(self.rows.classes), -1)
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
        pairs = pairs[self.alive[pairs[:, 0]] & self.alive[pairs[:, 1]]]
        pairs = pairs[self.splits[pairs[:, 0]] == self.splits[pairs[:, 1]]]
        found: dict[int, list[int]] = {}
        spare: set[int] = set()
        for a, b in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
            if a not in spare and b not in spare:
                found.setdefault(a, []).append(b)
                spare.add(b)
        return found

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
        found = np.bincount(self.rows.labels[self.alive], minlength=len(self.rows.classes))
        return dict(zip(self.rows.classes, found.tolist(), strict=True))

    def named(self, findings: Iterable[Finding], folder: Path) -> list[Finding]:
        """The findings with the names of their first rows."""
        from tl_core.data.store import open_items

        names = open_items(folder).column("name")
        return [
            (
                replace(f, items=names.take(f.rows[:NAMED]).to_pylist())
                if isinstance(f, RowFinding) and len(f.rows) and not f.items
                else f
            )
            for f in findings
        ]


def all_findings(view: View) -> list[Finding]:
    """Every check, the serious ones first."""
    from tl_core.data.quality import quality_findings

    found = [
        *small_findings(view),
        *_leaks(view),
        *_labels(view),
        *_copies(view),
        *_classes(view),
        *_placeholders(view),
        *quality_findings(view),
        *_left_out(view),
    ]
    order = ("problem", "warning", "info")
    return sorted(found, key=lambda finding: order.index(finding.severity))


def action(name: str, label: str) -> dict[str, str]:
    return {"id": name, "label": label}


def _leaks(view: View) -> list[Finding]:
    found: list[Finding] = []
    if len(rows := view.leaking()):
        found.append(
            RowFinding(
                "leak",
                "problem",
                f"{len(rows):,} training {view.noun} also stand in the validation "
                "or test rows, so the score would flatter the model.",
                len(rows),
                "The copies that judge stay; the ones in train go.",
                actions=[action("remove", "Remove them from train")],
                rows=rows,
            )
        )
    if len(rows := view.near_leaking()):
        found.append(
            RowFinding(
                "near_leak",
                "warning",
                f"{len(rows):,} training {view.noun} hardly differ from one "
                "in the validation or test rows.",
                len(rows),
                "A copy that was saved again, scaled or slightly reworded counts as seen.",
                actions=[action("remove", "Remove them from train")],
                rows=rows,
            )
        )
    return found


def _labels(view: View) -> list[Finding]:
    found: list[Finding] = []
    rows, sets = view.conflicting()
    if len(rows):
        found.append(
            RowFinding(
                "conflicting_labels",
                "warning",
                f"{len(np.unique(sets)):,} {view.noun} stand there more than once with different"
                f" classes ({len(rows):,} rows), as they do when several people disagree about"
                " them.",
                len(rows),
                "Nobody can learn both. The class that most "
                "of the copies have wins, and where none is commoner, all go.",
                actions=[
                    action("remove", "Leave them all out"),
                    action("majority", "Keep the commoner class"),
                ],
                rows=rows,
            )
        )
    if twins := view.alike_names():
        shown = "; ".join(" / ".join(same) for same in twins[:5])
        found.append(
            Finding(
                "similar_names",
                "warning",
                "Some classes differ only in capitals, blanks, signs or the "
                f"way a number is written: {shown}.",
                len(twins),
                "They get the name that most rows have.",
                [name for same in twins for name in same],
                [action("merge", "Give them one name")],
            )
        )
    return found


def _copies(view: View) -> list[Finding]:
    found: list[Finding] = []
    if len(spare := view.spare_copies()):
        rows, _ = view.copies()
        found.append(
            RowFinding(
                "duplicates",
                "info",
                f"{len(spare):,} {view.noun} repeat another one exactly. In "
                "splits made here copies stay on one side.",
                len(spare),
                "They count double without teaching anything new.",
                actions=[action("keep_one", "Keep one of each")],
                rows=rows[~np.isin(rows, view.conflicting()[0])],
            )
        )
    sets = view.near_sets()
    if sets:
        spare_count = sum(map(len, sets.values()))
        how = "saved again or scaled" if view.rows.modality == "image" else "a word changed"
        found.append(
            RowFinding(
                "near_duplicates",
                "info",
                f"{spare_count:,} {view.noun} hardly differ from another one ({how}).",
                spare_count,
                "Small sets of them stay on one side of splits made here.",
                actions=[action("keep_one", "Keep one of each")],
                rows=np.array(
                    [row for kept, others in sets.items() for row in (kept, *others)],
                    dtype=np.int64,
                ),
            )
        )
    return found


def _classes(view: View) -> list[Finding]:
    counts = {name: count for name, count in view.counts().items() if count}
    found: list[Finding] = []
    if all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", name) for name in counts):
        found.append(
            Finding(
                "numeric_labels",
                "info",
                "The classes are numbers. Each different number is treated "
                "as a class of its own; their order and size mean nothing.",
                len(counts),
            )
        )
    small = sorted(name for name, count in counts.items() if count < 5)
    if small:
        removable = (
            [action("remove_classes", "Leave these classes out")]
            if len(counts) - len(small) >= 2
            else []
        )
        found.append(
            Finding(
                "small_classes",
                "warning",
                f"{len(small)} class(es) have fewer than 5 examples: {', '.join(small[:6])}. Their"
                " scores will be guesses; a class with one example stays in train and is never"
                " tested.",
                len(small),
                "Add examples (50 or more for each class is a good aim).",
                small,
                removable,
            )
        )
    rare, common = (
        min(counts, key=lambda name: counts[name]),
        max(counts, key=lambda name: counts[name]),
    )
    if counts[common] > 2 * counts[rare]:
        ratio = counts[common] / counts[rare]
        found.append(
            Finding(
                "imbalance",
                "info" if ratio <= 10 else "warning",
                f"{common!r} has {ratio:.0f} times the "
                f"examples of {rare!r}; up to 2 times is harmless.",
                counts[common],
                "Add examples of the rare classes, or train with balanced class weights.",
            )
        )
    trained = set(np.unique(view.rows.labels[view.alive & (view.splits == "train")]).tolist())
    unseen = [
        name
        for place, name in enumerate(view.rows.classes)
        if counts.get(name) and place not in trained
    ]
    if unseen:
        found.append(
            Finding(
                "unseen_classes",
                "problem",
                f"{len(unseen)} class(es) have no training example: {', '.join(unseen[:6])}. The"
                " model can never say them, so their test rows count as wrong.",
                len(unseen),
                "Add training examples, or leave the classes out.",
                unseen,
                [action("remove_classes", "Leave these classes out")],
            )
        )
    return found


def _placeholders(view: View) -> list[Finding]:
    """Classes whose names are what tools and people write where there is no class."""
    counts = {name: count for name, count in view.counts().items() if count}
    names = sorted(name for name in counts if means_nothing(name))
    if not names or len(names) == len(counts):
        return []
    shown = ", ".join(map(repr, names[:6]))
    return [
        Finding(
            "placeholder_classes",
            "info",
            f"{shown} may stand for rows without a class ({sum(counts[name] for name in names):,}"
            " rows). It is treated as a class like any other.",
            len(names),
            "Keep it if it means something; else leave it out.",
            names,
            (
                [action("remove_classes", "Leave these rows out")]
                if len(counts) - len(names) >= 2
                else []
            ),
        )
    ]


def _left_out(view: View) -> list[Finding]:
    draft, found = view.draft, list[Finding]()
    if draft.damaged:
        found.append(
            Finding(
                "damaged",
                "warning",
                f"{len(draft.damaged):,} file(s) could not be opened. They are not in the dataset.",
                len(draft.damaged),
                "Mend them and add them again, or go on without.",
                draft.damaged[:NAMED],
                [action("accept", "Go on without them")],
            )
        )
    if draft.empty:
        found.append(
            Finding(
                "empty_texts",
                "info",
                f"{draft.empty:,} row(s) have no text. They are not in the dataset.",
                draft.empty,
            )
        )
    if draft.skipped:
        found.append(
            Finding(
                "skipped",
                "info",
                f"{len(draft.skipped):,} item(s) of the source were left out, each "
                "with its reason.",
                len(draft.skipped),
                "Look at the list; mend and bring again what you need.",
            )
        )
    unlabelled = np.flatnonzero(view.splits == "unlabelled")
    if len(unlabelled):
        found.append(
            RowFinding(
                "unlabelled",
                "info",
                f"{len(unlabelled):,} row(s) have no class. They are set aside; "
                "predict them once a model is trained.",
                len(unlabelled),
                rows=unlabelled,
            )
        )
    return found


def write_finding_rows(folder: Path, findings: Iterable[Finding]) -> None:
    """`findings.parquet`: one line for each row of each finding."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    own = [finding for finding in findings if isinstance(finding, RowFinding)]
    names = [finding.id for finding in own for _ in range(len(finding.rows))]
    rows = np.concatenate([finding.rows for finding in own]) if own else _NONE
    pq.write_table(
        pa.table({"finding": pa.array(names, pa.string()), "row": pa.array(rows, pa.int64())}),
        folder / "findings.parquet",
    )
