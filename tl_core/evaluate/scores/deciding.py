"""From which probability on each of several labels is named, chosen on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.evaluate.scores.metrics import Floats, Ints
from tl_core.tasks.multi_label import EVEN

WISHES = ("f1", "precision", "recall", "half")
_FEWEST = 5  # rows of a class below which it has the threshold of all classes together
_FOLDS = 5


@dataclass(frozen=True)
class Wish:
    """What thresholds are to bring: the best F1, or at least a `goal` of precision or recall; or
    they stay at one half.
    """

    what: str = "f1"
    goal: float = 0.8


BEST_F1 = Wish()


def choose_thresholds(truth: Ints, probabilities: Floats, wish: Wish) -> Floats:
    """A threshold for each class (classes,).

    The F1 of a class is largest at one of its own probabilities (Lipton et al., 2014); between two
    of them the middle is taken. Classes with few rows would take what chance offers, and get the
    threshold that serves all classes together.

    Args:
        truth: 0 and 1 (rows, classes), of rows that the model has not learnt from.
        probabilities: (rows, classes).
        wish: what they are to bring.
    """
    classes, asked = truth.shape[1], ~np.isnan(probabilities).any(axis=1)
    truth, probabilities = truth[asked], probabilities[asked]
    if wish.what == "half" or not len(truth):
        return np.full(classes, EVEN)
    shared = shared_threshold(truth, probabilities, wish)
    return np.array(
        [
            _threshold(truth[:, number], probabilities[:, number], wish)
            if truth[:, number].sum() >= _FEWEST
            else shared
            for number in range(classes)
        ]
    )


def shared_threshold(truth: Ints, probabilities: Floats, wish: Wish) -> float:
    """One threshold for all classes, as if their answers were those of one. Arguments as those of
    `choose_thresholds`; no probability may be NaN.
    """
    return _threshold(truth.ravel(), probabilities.ravel(), wish)


def thresholds_of_others(truth: Ints, probabilities: Floats, wish: Wish, seed: int = 0) -> Floats:
    """For each row the thresholds that the other rows would have chosen (rows, classes), so that
    rows can judge what was chosen on them.
    """
    out = np.full(truth.shape, EVEN)
    order = np.random.default_rng(seed).permutation(len(truth))
    for part in np.array_split(order, min(_FOLDS, max(len(order), 1))):
        rest = np.setdiff1d(order, part)
        if len(part) and len(rest):
            out[part] = choose_thresholds(truth[rest], probabilities[rest], wish)
    return out


def _threshold(truth: Ints, said: Floats, wish: Wish) -> float:
    """For one class (rows,)."""
    order = np.argsort(-said, kind="stable")
    ranked, wanted = said[order], truth[order]
    last = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]  # equal ones enter together
    hits, named, total = np.cumsum(wanted)[last], last + 1, int(wanted.sum())
    if not total:
        return EVEN
    precision, recall = hits / named, hits / total
    if wish.what == "precision":
        good = np.flatnonzero(precision >= wish.goal)
        best = int(good[np.argmax(recall[good])]) if len(good) else int(np.argmax(precision))
    elif wish.what == "recall":
        best = int(np.flatnonzero(recall >= min(wish.goal, recall[-1]))[0])
    else:
        best = int(np.argmax(2 * hits / (named + total)))
    here = float(ranked[last[best]])
    below = float(ranked[last[best] + 1]) if last[best] + 1 < len(ranked) else 0.0
    return (here + below) / 2
