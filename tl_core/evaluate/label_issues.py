"""Rows whose class is probably wrong, from probabilities of models that had not seen them.

Confident learning with pruning by class (Northcutt, Jiang and Chuang, "Confident Learning:
Estimating Uncertainty in Dataset Labels", JAIR 2021), written from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.evaluate.scores.metrics import Floats, Ints


@dataclass(frozen=True)
class Suspects:
    """Rows that are probably mislabelled, the most suspect first.

    Attributes:
        rows: positions in what was given.
        suggested: the class that each probably has.
        margin: probability of the suggested class minus that of the given one, -1 to 1.
        joint: estimated number of rows by given and true class (classes, classes), summing to the
        rows.
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
    """Rows that probably belong to another class than the one given.

    A row counts as confidently of class j when its probability of j reaches the mean probability of
    j over the rows labelled j; among several such classes the most probable one is taken. These
    counts, scaled to all rows, estimate how many rows of each given class are wrong; that many are
    suspected. The paper prunes those with the lowest probability of their own class; here it is the
    margin of the best other class over it, in which a row that nothing fits is not suspected.

    Args:
        labels: class numbers (rows,), none of them -1.
        probabilities: out-of-fold probabilities (rows, classes): from models that had not seen the
        row.
    """
    joint = estimate_joint(labels, probabilities)
    everyone = np.arange(len(labels))
    others = probabilities.copy()
    others[everyone, labels] = -1.0
    suggested = others.argmax(axis=1)
    margin = others[everyone, suggested] - probabilities[everyone, labels]
    wrong = joint.sum(axis=1) - np.diagonal(joint)
    suspects = np.concatenate(
        [
            _first(np.flatnonzero(labels == given), margin, round(float(count)))
            for given, count in enumerate(wrong)
        ]
    )
    suspects = suspects[np.argsort(-margin[suspects], kind="stable")]
    return Suspects(suspects, suggested[suspects], margin[suspects], joint)


def _first(rows: Ints, margin: Floats, count: int) -> Ints:
    """The `count` rows with the largest margins above 0."""
    best = rows[np.argsort(-margin[rows], kind="stable")[:count]]
    return best[margin[best] > 0]


def estimate_joint(labels: Ints, probabilities: Floats) -> Floats:
    """Estimated number of rows by given and true class (classes, classes); each row sums to that
    class's rows.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    means = np.bincount(
        labels, weights=probabilities[np.arange(len(labels)), labels], minlength=classes
    )
    thresholds = np.where(counts > 0, means / np.maximum(counts, 1), np.inf)
    confident = probabilities >= thresholds
    sure = confident.any(axis=1)
    taken = np.where(confident, probabilities, -1.0).argmax(axis=1)
    pairs = labels[sure] * classes + taken[sure]
    counted = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    empty = counted.sum(axis=1) == 0
    counted[empty] = np.eye(classes, dtype=counted.dtype)[empty]
    scaled: Floats = counted / counted.sum(axis=1, keepdims=True) * counts[:, None]
    return scaled
