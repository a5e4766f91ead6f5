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
        suggested: the class that each probably has (rows,), or the set (rows, classes).
        margin: probability of what is suggested minus that of what is given, -1 to 1.
        confidence: probability of what is suggested.
        share: estimated share of all rows whose label is wrong.
    """

    rows: Ints
    suggested: Ints
    margin: Floats
    confidence: Floats
    share: float


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
    total = joint.sum()
    return Suspects(
        suspects,
        suggested[suspects],
        margin[suspects],
        probabilities[suspects, suggested[suspects]],
        float(1 - np.trace(joint) / total) if total else 0.0,
    )


def find_suspect_sets(labels: Ints, probabilities: Floats) -> Suspects:
    """Rows of which a label is probably missing, or one too much, where they may have several.

    Each label is looked at by itself, as yes or no; a row is as suspect as its worst label, and all
    of its suspect labels change in what is suggested.

    Args:
        labels: 0 and 1 (rows, classes).
        probabilities: out-of-fold (rows, classes).
    """
    suggested, margin = labels.copy(), np.full(labels.shape, -1.0)
    for number in range(labels.shape[1]):
        said = probabilities[:, number]
        found = find_suspects(labels[:, number], np.stack([1 - said, said], axis=1))
        suggested[found.rows, number] = found.suggested
        margin[found.rows, number] = found.margin
    worst = margin.max(axis=1)
    rows = np.flatnonzero((suggested != labels).any(axis=1))
    rows = rows[np.argsort(-worst[rows], kind="stable")]
    likely = (1 + worst[rows]) / 2  # a margin is p of one answer minus p of the other
    return Suspects(rows, suggested[rows], worst[rows], likely, len(rows) / max(len(labels), 1))


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
