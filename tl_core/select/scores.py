"""Transferability scores: LogME, H-score and nearest neighbours of frozen features, LEEP and NCE of
a source head.

Features are float64 inside; labels may be any integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_STEPS = 100
_CLOSE = 1e-6
_TINY = 1e-12


def logme(features: ArrayLike, labels: Ints) -> float:
    """Mean log evidence of a Bayesian linear model for each class against the rest; higher suits
    better.

    LogME (You et al., ICML 2021) with the fixed point of its authors' later version (JMLR 2022),
    which converges: with F = U S V', z = U'y and t = alpha / beta

        gamma = sum s^2 / (s^2 + t),  |m|^2 = sum s^2 z^2 / (s^2 + t)^2
        |Fm - y|^2 = sum z^2 / (1 + s^2/t)^2 + |y|^2 - |z|^2
        alpha = gamma / |m|^2,  beta = (n - gamma) / |Fm - y|^2

    Args:
        features: (rows, width).
        labels: class of each row (rows,), two classes or more; or 0 and 1 (rows, classes).
    """
    x = np.asarray(features, dtype=np.float64)
    rows, width = x.shape
    left, singular, _ = np.linalg.svd(x, full_matrices=False)
    power = singular**2
    evidences = []
    sides = labels if labels.ndim == 2 else labels[:, None] == np.unique(labels)
    for y in sides.T.astype(np.float64):
        z = (left.T @ y) ** 2
        outside = max(float(y @ y - z.sum()), 0.0)
        alpha, beta = 1.0, 1.0
        for _ in range(_STEPS):
            t = alpha / beta
            gamma = float((power / (power + t)).sum())
            length = float((power * z / (power + t) ** 2).sum())
            off = float((z / (1 + power / t) ** 2).sum()) + outside
            before, alpha, beta = t, gamma / (length + _TINY), (rows - gamma) / (off + _TINY)
            if abs(alpha / beta - before) <= _CLOSE * before:
                break
        t = alpha / beta
        length = float((power * z / (power + t) ** 2).sum())
        off = float((z / (1 + power / t) ** 2).sum()) + outside
        evidence = (
            width * np.log(alpha)
            + rows * np.log(beta)
            - np.log(alpha + beta * power).sum()
            - (width - len(power)) * np.log(alpha)
            - beta * off
            - alpha * length
            - rows * np.log(2 * np.pi)
        ) / 2
        evidences.append(evidence / rows)
    return float(np.mean(evidences))


def h_score(features: ArrayLike, labels: Ints) -> float:
    """tr(cov(f)^-1 cov(E[f|y])) with the covariance shrunk by Ledoit and Wolf; higher suits better.

    H-score: Bao et al., ICIP 2019; the shrunk form, which small sets need: Ibrahim et al., 2021,
    where the covariance of the class means is scaled by what the shrinkage leaves.

    Args:
        features: (rows, width).
        labels: class of each row (rows,).
    """
    from sklearn.covariance import ledoit_wolf

    x = np.asarray(features, dtype=np.float64)
    x = x - x.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(x, assume_centered=True)
    _, place = np.unique(labels, return_inverse=True)
    counts = np.bincount(place)
    means = np.stack([x[place == number].mean(axis=0) for number in range(len(counts))])
    between = (means * (counts / len(x))[:, None]).T @ means
    return float((1 - shrinkage) * np.trace(np.linalg.solve(covariance, between)))


def nearest_answers(
    features: ArrayLike,
    labels: Ints,
    folds: list[tuple[Ints, Ints]],
    count: int = 5,
) -> Ints:
    """The class of most of the nearest `count` rows of the other folds (rows,), by cosine; ties go
    to the nearer.

    Args:
        features: (rows, width).
        labels: class of each row (rows,).
        folds: pairs of the rows that answer and the rows that ask; each row asks once.
        count: neighbours.
    """
    unit = np.asarray(features, dtype=np.float64)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), _TINY)
    classes, place = np.unique(labels, return_inverse=True)
    said = np.zeros(len(labels), dtype=np.int64)
    for known, held in folds:
        near = np.argsort(-(unit[held] @ unit[known].T), axis=1, kind="stable")[:, :count]
        votes = np.zeros((len(held), len(classes)))
        for rank in range(near.shape[1]):
            votes[np.arange(len(held)), place[known[near[:, rank]]]] += 1 + 1e-6 * (count - rank)
        said[held] = classes[votes.argmax(axis=1)]
    return said


def leep(source: ArrayLike, labels: Ints) -> float:
    """Mean log likelihood of the labels by way of a network's own source classes; 0 is perfect,
    lower is worse.

    LEEP (Nguyen et al., ICML 2020): mean log sum_z P(y|z) p(z|x), with P(y|z) from the same rows.

    Args:
        source: probabilities of the source classes (rows, source classes).
        labels: class of each row (rows,).
    """
    p = np.asarray(source, dtype=np.float64)
    _, place = np.unique(labels, return_inverse=True)
    joint = np.stack([p[place == number].sum(axis=0) for number in range(place.max() + 1)]) / len(p)
    given = joint / np.maximum(joint.sum(axis=0), _TINY)
    return float(np.log(np.maximum((p @ given.T)[np.arange(len(p)), place], _TINY)).mean())


def nce(source: ArrayLike, labels: Ints) -> float:
    """Negative conditional entropy of the labels given the likeliest source class (Tran et al.,
    ICCV 2019), in nats.

    Args:
        source: probabilities of the source classes (rows, source classes).
        labels: class of each row (rows,).
    """
    _, place = np.unique(labels, return_inverse=True)
    p = np.asarray(source, dtype=np.float64)
    hard = np.zeros_like(p)
    hard[np.arange(len(hard)), p.argmax(axis=1)] = 1.0
    joint = np.stack(
        [hard[place == number].sum(axis=0) for number in range(place.max() + 1)]
    ) / len(hard)
    given = joint / np.maximum(joint.sum(axis=0), _TINY)
    return float((joint * np.log(np.maximum(given, _TINY))).sum())
