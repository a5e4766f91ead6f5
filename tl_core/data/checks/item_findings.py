"""Findings about single items that are all alike: how many there are, and which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.view import RowFinding, View, action
from tl_core.data.dataset_version import Finding

MOST = 0.5
"""A fact that holds for more than this share of all items describes the data, it is no fault."""
_SINGULAR = (
    ("pictures are", "picture is"),
    ("pictures look", "picture looks"),
    ("recordings are", "recording is"),
    ("recordings have", "recording has"),
    ("texts are", "text is"),
    ("texts have", "text has"),
    ("texts were", "text was"),
    ("texts hold", "text holds"),
    (": they show", ": it shows"),
    ("they are", "it is"),
)


def some(view: View, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of `mask` that are looked at, none when they are half of all."""
    rows = np.flatnonzero(mask & view.looked)
    return rows if len(rows) <= MOST * view.looked.sum() else rows[:0]


def finding(
    name: str,
    severity: str,
    rows: NDArray[np.int64],
    text: str,
    fix: str,
    label: str = "",
    does: str = "remove",
) -> list[Finding]:
    """The finding that some rows are so, in the singular for one; nothing without any.

    Args:
        name: its id.
        severity: info, warning or problem.
        rows: those it is about.
        text: what they are, behind their number.
        fix: what to do about it.
        label: of the button that mends it, if there is one.
        does: the action of that button.
    """
    if not len(rows):
        return []
    if len(rows) == 1:
        for many, one in _SINGULAR:
            text = text.replace(many, one)
    return [
        RowFinding(
            name,
            severity,
            f"{len(rows):,} {text}",
            len(rows),
            fix,
            actions=[action(does, label)] if label else [],
            rows=rows,
        )
    ]
