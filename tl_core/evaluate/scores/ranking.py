"""How well the probabilities rank: ROC and precision-recall curves of each class, and how near the
top the truth is.

Checked in the tests against scikit-learn and, for the interval, against the plain double loop of
DeLong's method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import ClassRanking, Score, TopK
from tl_core.evaluate.scores.intervals import Z, proportion, score
from tl_core.evaluate.scores.metrics import Floats, Ints

POINTS = 64  # of a curve that is kept; more cannot be seen
Bools = NDArray[np.bool_]


def top_k(truth: Ints, probabilities: Floats, ks: tuple[int, ...] = (1, 2, 3, 5)) -> list[TopK]:
    """Share of rows whose class is among the k most likely, for each k below the number of
    classes.
    """
    rows = np.arange(len(truth))
    own = probabilities[rows, truth][:, None]
    columns = np.arange(probabilities.shape[1])
    before = (probabilities > own) | ((probabilities == own) & (columns < truth[:, None]))
    rank = before.sum(axis=1)
    return [
        {"k": k, "accuracy": proportion(int((rank < k).sum()), len(truth))}
        for k in ks
        if k < probabilities.shape[1]
    ]


def rank_classes(truth: Ints, probabilities: Floats, labels: list[str]) -> list[ClassRanking]:
    """For each class against the rest: area under the ROC curve, average precision, and both
    curves.

    Classes without a row, or with nothing else beside them, have no curve and are left out.
    """
    return rank_label_sets(truth[:, None] == np.arange(len(labels)), probabilities, labels)


def rank_label_sets(
    truth: Bools | Ints, probabilities: Floats, labels: list[str]
) -> list[ClassRanking]:
    """The same for rows that may have several classes, or none: (rows, classes)."""
    classes: list[ClassRanking] = []
    for number, label in enumerate(labels):
        positive = truth[:, number].astype(bool)
        if not positive.any() or positive.all():
            continue
        scores = probabilities[:, number]
        false_rate, true_rate, precision = _steps(positive, scores)
        classes.append(
            {
                "label": label,
                "positives": int(positive.sum()),
                "auc": auc(positive, scores),
                "average_precision": average_precision(positive, scores),
                "roc": _thin(np.r_[0.0, false_rate], np.r_[0.0, true_rate]),
                "pr": _thin(np.r_[0.0, true_rate], np.r_[precision[0], precision]),
            }
        )
    return classes


def _steps(positive: Bools, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """False and true positive rate and precision when the threshold falls to each value that
    occurs.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.r_[
        np.flatnonzero(np.diff(scores[order])), len(scores) - 1
    ]  # equal values enter together
    hits = np.cumsum(positive[order])[last].astype(np.float64)
    misses = last + 1 - hits
    return misses / (~positive).sum(), hits / positive.sum(), hits / (last + 1)


def _thin(x: Floats, y: Floats) -> list[list[float]]:
    """Pairs of a curve, at most `POINTS`, spread evenly along its length."""
    if len(x) > POINTS:
        way = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
        places = np.unique(
            np.searchsorted(way, np.linspace(0, way[-1], POINTS)).clip(max=len(x) - 1)
        )
        x, y = x[places], y[places]
    return [[round(float(a), 4), round(float(b), 4)] for a, b in zip(x, y, strict=True)]


def auc(positive: Bools, scores: Floats) -> Score:
    """Area under the ROC curve with DeLong's interval on the logit scale.

    The variance is that of DeLong et al. (1988), from mid-ranks as in Sun and Xu (2014); the logit
    keeps the interval within 0 and 1. A perfect or constant score has no variance; its interval is
    Wilson's for the smaller class.
    """
    from scipy.stats import rankdata

    first, second = scores[positive], scores[~positive]
    m, n = len(first), len(second)
    everything = rankdata(np.concatenate([first, second]))  # equal values share the mean rank
    own, other = rankdata(first), rankdata(second)
    area = float((everything[:m].sum() - m * (m + 1) / 2) / (m * n))
    wins, losses = (everything[:m] - own) / n, 1 - (everything[m:] - other) / m
    variance = (wins.var(ddof=1) / m if m > 1 else 0.0) + (losses.var(ddof=1) / n if n > 1 else 0.0)
    if variance <= 0 or not 0 < area < 1:
        smaller = min(m, n)
        part = proportion(area * smaller, smaller)
        return score(area, part["low"], part["high"], "Wilson, smaller class")
    return _on_logit(area, float(np.sqrt(variance)) / (area * (1 - area)), "DeLong, logit")


def average_precision(positive: Bools, scores: Floats) -> Score:
    """Area under the precision-recall curve by steps, with the logit interval of Boyd, Eng and Page
    (2013).
    """
    _, true_rate, precision = _steps(positive, scores)
    area = float((np.diff(np.r_[0.0, true_rate]) * precision).sum())
    edge = 0.5 / float(positive.sum())  # nearer to 0 or 1 than half an item the logit says nothing
    if not edge < area < 1 - edge:
        part = proportion(area * positive.sum(), int(positive.sum()))
        return score(area, part["low"], part["high"], "Wilson")
    return _on_logit(
        area, 1 / float(np.sqrt(positive.sum() * area * (1 - area))), "logit (Boyd 2013)"
    )


def _on_logit(value: float, spread: float, method: str) -> Score:
    from scipy.special import expit, logit

    low, high = expit(logit(value) + np.array([-Z, Z]) * spread)
    return score(value, float(low), float(high), method)
