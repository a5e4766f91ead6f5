"""How lengths and sizes are spread over the rows of a version, in all and class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.browse.row_columns import RowColumns
from tl_core.data.label_sets import LabelSets

_BINS = 24
_TAIL = 99.0  # per cent; what lies above goes into the last bin


@dataclass(frozen=True)
class Spread:
    """A histogram: the edges of its bins, rows in each, and those of each class.

    Args:
        measure: a name of `MEASURES`.
        edges: one more than bins; rows beyond the last edge are counted in the last bin.
        counts: rows in each bin.
        by_class: the same for each class.
        median: of all rows.
        open_end: whether rows lie beyond the last edge.
    """

    measure: str
    edges: list[float]
    counts: list[int]
    by_class: dict[str, list[int]]
    median: float
    open_end: bool


def spread_of(columns: RowColumns, measure: str, sets: LabelSets, classes: list[str]) -> Spread:
    """The spread of a measure over the rows that are part of the version.

    Args:
        columns: of the version.
        measure: one of `columns.measures`.
        sets: what the numbers of labels mean.
        classes: those that are counted one by one.
    """
    alive = columns.splits != "removed"
    values, labels = columns.measures[measure][alive], columns.labels[alive]
    edges = _edges(values)
    clipped = np.minimum(values, edges[-1])
    return Spread(
        measure,
        edges.tolist(),
        np.histogram(clipped, edges)[0].tolist(),
        {
            name: np.histogram(clipped[np.isin(labels, sets.having([name]))], edges)[0].tolist()
            for name in classes
        },
        float(np.median(values)) if len(values) else 0.0,
        bool((values > edges[-1]).any()),
    )


def _edges(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Whole numbers as edges, at most `_BINS` bins, the long tail beyond them."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = int(values.min()), max(int(np.percentile(values, _TAIL)), int(values.min()))
    width = max(1, -(-(high - low + 1) // _BINS))
    return np.arange(low, high + width + 1, width, dtype=np.float64)


def ends(counts: dict[str, int], most: int) -> tuple[list[str], list[str], int]:
    """The largest and the smallest classes where there are more than `most`, and how many lie
    between.
    """
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    if len(ranked) <= most:
        return ranked, [], 0
    half = most // 2
    return ranked[:half], ranked[-half:], len(ranked) - 2 * half
