"""What is worth knowing where items have several labels: labels that always come together, items
without any.
"""

from __future__ import annotations

import numpy as np

from tl_core.data.checks.view import RowFinding, View
from tl_core.data.dataset_version import Finding

_FEWEST = 10  # rows of a label, from which on its company is no chance
_SHOWN = 5


def label_findings(view: View) -> list[Finding]:
    """Nothing where items have one class each."""
    if not view.rows.sets.several:
        return []
    return [*_together(view), *_everywhere(view), *_without(view)]


def _together(view: View) -> list[Finding]:
    """Labels one of which never stands without the other: a model cannot learn what it adds."""
    sets = view.rows.sets
    rows = np.bincount(view.rows.labels[view.alive], minlength=len(sets.members))
    members = sets.members.astype(np.int64)
    both = members.T @ (members * rows[:, None])  # rows that have both labels
    counts = np.diagonal(both)
    names = sets.classes
    pairs = [
        f"{names[a]!r} never without {names[b]!r}"
        for a in range(len(names))
        for b in range(len(names))
        if a != b
        and counts[a] >= _FEWEST
        and both[a, b] == counts[a]
        and counts[b] < len(view.rows.labels[view.alive])
        and (counts[a] < counts[b] or a < b)
    ]
    if not pairs:
        return []
    shown = "; ".join(pairs[:_SHOWN]) + ("; …" if len(pairs) > _SHOWN else "")
    return [
        Finding(
            "labels_together",
            "info",
            f"Some labels always come with another one: {shown}.",
            len(pairs),
            "That is right for kinds of a kind (poodle, dog). Otherwise one of the two may be"
            " missing where only the other was ticked.",
        )
    ]


def _everywhere(view: View) -> list[Finding]:
    """Labels that every item has tell nothing apart."""
    alive = int(view.alive.sum())
    names = [name for name, count in view.counts().items() if count == alive]
    if not names:
        return []
    return [
        Finding(
            "label_everywhere",
            "warning",
            f"Every item has the label {' and '.join(map(repr, names[:_SHOWN]))}.",
            len(names),
            "There is no example without it, so nothing can be learnt about it.",
            names,
        )
    ]


def _without(view: View) -> list[Finding]:
    """Items that were labelled with none of the classes."""
    empty = ~view.rows.sets.members.any(axis=1)
    numbers = np.flatnonzero(empty)
    rows = np.flatnonzero(view.alive & np.isin(view.rows.labels, numbers))
    if not len(rows):
        return []
    return [
        RowFinding(
            "no_labels",
            "info",
            f"{len(rows):,} {view.noun} were labelled with none of the classes. They count: the"
            " model learns from them what each class is not.",
            len(rows),
            "If nobody has looked at them yet, leave their cell empty; they are then set aside to"
            " be predicted.",
            rows=rows,
        )
    ]
