"""Rows whose class is probably wrong, from probabilities of models that had not seen them.

Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR
2021), written from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.metrics import Floats, Ints


@dataclass(frozen=True)
class Suspects:
    """Rows that are probably mislabelled, the most suspect first.

    Attributes:
        rows: positions in what was given.
        suggested: the class that each probably has.
        margin: probability of the suggested class minus that of the given one, -1 to 1.
        joint: estimated number of rows by given and true class (classes, classes), summing to the rows.
    """

    rows: Ints
    suggested: Ints
    margin: Floats
    joint: Floats

    @property
    def share(self) -> float:
        """Estimated share of rows whose class is wrong."""
        total = self.joint.sum()
        return float(1 - np.trace(self.joint) / total) if total else 0.0


def find_suspects(labels: Ints, probabilities: Floats) -> Suspects:
    """Rows that models are confident to belong to another class than the one given.

    A row counts as confidently of class j when its probability of j reaches the mean probability of j over the rows
    labelled j; among several such classes the most probable one is taken.

    Args:
        labels: class numbers (rows,), none of them -1.
        probabilities: out-of-fold probabilities (rows, classes): from models that had not seen the row.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    means = np.bincount(labels, weights=probabilities[np.arange(len(labels)), labels], minlength=classes)
    thresholds = np.where(counts > 0, means / np.maximum(counts, 1), np.inf)
    confident = probabilities >= thresholds
    sure = confident.any(axis=1)
    taken = np.where(confident, probabilities, -1.0).argmax(axis=1)
    rows = np.flatnonzero(sure & (taken != labels))
    margin = probabilities[rows, taken[rows]] - probabilities[rows, labels[rows]]
    rows, margin = rows[margin > 0], margin[margin > 0]
    order = np.argsort(-margin, kind="stable")
    return Suspects(rows[order], taken[rows][order], margin[order], _joint(labels[sure], taken[sure], counts))


def _joint(labels: Ints, taken: Ints, counts: NDArray[np.int64]) -> Floats:
    """The confident counts, each given class scaled to all of its rows."""
    classes = len(counts)
    found = np.bincount(labels * classes + taken, minlength=classes * classes).reshape(classes, classes).astype(float)
    empty = found.sum(axis=1) == 0
    found[empty] = np.eye(classes)[empty]
    scaled: Floats = found / found.sum(axis=1, keepdims=True) * counts[:, None]
    return scaled
