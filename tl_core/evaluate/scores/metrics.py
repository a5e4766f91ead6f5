"""Scores as small NumPy functions, checked in the tests against scikit-learn.

Labels are class numbers 0..C-1, probabilities have shape (rows, C), confusion matrices (C true, C
predicted).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CLIP = 1e-7
BINS = 15


def confusion_matrix(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts with true classes in rows and predicted classes in columns."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(
        classes, classes
    )


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, and 0 where there is nothing to divide by (scikit-learn's zero_division=0)."""
    return np.divide(top, bottom, out=np.zeros_like(top, dtype=np.float64), where=bottom > 0)


def precision(matrix: NDArray[np.generic]) -> Floats:
    """Share of each class's predictions that are right; works on (..., C, C) and gives (..., C)."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    return _ratio(hits, matrix.sum(axis=-2).astype(np.float64))


def recall(matrix: NDArray[np.generic]) -> Floats:
    """Share of each class's rows that are found."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    return _ratio(hits, matrix.sum(axis=-1).astype(np.float64))


def f1(matrix: NDArray[np.generic]) -> Floats:
    """Harmonic mean of precision and recall of each class."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    both = (matrix.sum(axis=-2) + matrix.sum(axis=-1)).astype(np.float64)
    return _ratio(2 * hits, both)


def accuracy(matrix: NDArray[np.generic]) -> Floats:
    """Share of rows that are right."""
    hits = np.trace(matrix, axis1=-2, axis2=-1).astype(np.float64)
    return _ratio(hits, np.asarray(matrix.sum(axis=(-2, -1)), dtype=np.float64))


def macro_f1(matrix: NDArray[np.generic]) -> Floats:
    """Mean F1 over the classes that occur as truth or prediction (scikit-learn's default
    labels).
    """
    seen = (matrix.sum(axis=-2) + matrix.sum(axis=-1)) > 0
    return _ratio((f1(matrix) * seen).sum(axis=-1), seen.sum(axis=-1).astype(np.float64))


def balanced_accuracy(matrix: NDArray[np.generic]) -> Floats:
    """Mean recall over the classes that have rows."""
    seen = matrix.sum(axis=-1) > 0
    return _ratio((recall(matrix) * seen).sum(axis=-1), seen.sum(axis=-1).astype(np.float64))


def mcc(matrix: NDArray[np.generic]) -> Floats:
    """Matthews correlation for any number of classes (Gorodkin 2004), 0 where it is undefined."""
    values = np.asarray(matrix, dtype=np.float64)
    total, true, predicted = values.sum(axis=(-2, -1)), values.sum(axis=-1), values.sum(axis=-2)
    hits = np.trace(values, axis1=-2, axis2=-1)
    top = hits * total - (true * predicted).sum(axis=-1)
    spread = (total**2 - (predicted**2).sum(axis=-1)) * (total**2 - (true**2).sum(axis=-1))
    return _ratio(np.asarray(top), np.asarray(np.sqrt(np.maximum(spread, 0.0))))


def item_log_loss(truth: Ints, probabilities: Floats) -> Floats:
    """Natural log loss of each row, probabilities clipped at 1e-7."""
    return -np.log(np.clip(probabilities[np.arange(len(truth)), truth], CLIP, 1.0))


def ece(confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error with equal-width bins (Naeini et al. 2015; 15 bins as in Guo et
    al. 2017).
    """
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / max(len(confidence), 1))
