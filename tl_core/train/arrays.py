"""Names for the arrays that go around here, and what is asked of labels of any task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Features = NDArray[np.float32]  # (rows, width)
Bools = NDArray[np.bool_]


def known(labels: Ints) -> Bools:
    """Which rows have a label (rows,); of labels (rows,) or (rows, classes), -1 for none."""
    there: Bools = (labels if labels.ndim == 1 else labels.min(axis=1, initial=1)) >= 0
    return there


def same(said: NDArray[np.integer], labels: Ints) -> Bools:
    """Which rows have exactly these labels (rows,)."""
    equal = said == labels
    agree: Bools = equal if labels.ndim == 1 else equal.all(axis=1)
    return agree


def tells_apart(labels: Ints) -> bool:
    """Whether rows with these labels differ in any class, so that something can be learnt."""
    return bool((labels != labels[:1]).any())
