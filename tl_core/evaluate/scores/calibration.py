"""Whether "90 % sure" is right 9 times in 10, one number that mends it, and when to leave the
answer to a person.
"""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.measures import (
    ConformalSets,
    CoveragePoint,
    ReliabilityBin,
    Score,
    Temperature,
)
from tl_core.evaluate.scores import metrics
from tl_core.evaluate.scores.intervals import item_draws, proportion, score
from tl_core.evaluate.scores.metrics import BINS, Floats, Ints

_LOW, _HIGH = 0.05, 20.0  # of a temperature; beyond, something else is wrong
_CLOSE = 1e-9  # of the logarithm of a temperature, where the search ends
_TINY = 1e-30  # of a probability, for its logarithm
SMALLEST = 20  # rows below which no temperature is fitted
_SHARES = (0.9, 0.95)  # promised coverages of sets of classes


def reliability(truth: Ints, probabilities: Floats, bins: int = BINS) -> list[ReliabilityBin]:
    """Stated confidence against how often it is right, in equal-width bins; empty ones are left
    out.

    The bins are those of `metrics.ece`: (0, 1/15], (1/15, 2/15] and so on.
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return [
        {
            "low": number / bins,
            "high": (number + 1) / bins,
            "n": int((place == number).sum()),
            "confidence": float(confidence[place == number].mean()),
            "accuracy": proportion(
                int(correct[place == number].sum()), int((place == number).sum())
            ),
        }
        for number in range(bins)
        if (place == number).any()
    ]


def brier_score(truth: Ints, probabilities: Floats, seed: int = 0) -> Score:
    """Mean squared distance to the truth, summed over classes (Brier 1950): 0 is perfect, 2 the
    worst.
    """
    wanted = np.zeros_like(probabilities)
    wanted[np.arange(len(truth)), truth] = 1.0
    each = ((probabilities - wanted) ** 2).sum(axis=1)
    means = np.concatenate([each[rows].mean(axis=1) for rows in item_draws(truth, seed)])
    low, high = np.percentile(means, [2.5, 97.5])
    return score(float(each.mean()), float(low), float(high), "stratified bootstrap")


def sharpen(probabilities: Floats, temperature: float) -> Floats:
    """softmax(logits / T) from probabilities: the logits are their logarithms, up to a constant of
    each row.
    """
    from scipy.special import softmax

    with np.errstate(divide="ignore"):
        logits = np.log(probabilities) / temperature  # a class with probability 0 keeps it
    sharpened: Floats = softmax(logits, axis=1)
    return sharpened


def softened_loss(truth: Ints, probabilities: Floats, temperature: float, rows: int) -> Floats:
    """Log loss of each row at a temperature, against labels that are believed (n + 1) times in n +
    2, as Platt (1999) softens his; the rest falls on the model's other classes alike.

    Of n rows that are all right this still says that one more may be wrong: without it the surest
    model would be the best one, and rows that it has learnt by heart would make it boundlessly
    sure.

    Args:
        truth: class numbers (items,).
        probabilities: (items, classes); a column of zeros is no class of the model.
        temperature: that the logits are divided by.
        rows: n, how many rows the temperature is fitted on.
    """
    from scipy.special import log_softmax

    doubt, known = 1 / (rows + 2), probabilities.max(axis=0) > 0
    said = log_softmax(np.log(np.clip(probabilities, _TINY, None)) / temperature, axis=1)
    right = said[np.arange(len(truth)), truth]
    others = (said[:, known].sum(axis=1) - right) / max(int(known.sum()) - 1, 1)
    loss: Floats = -((1 - doubt) * right + doubt * others)
    return loss


def fit_temperature(truth: Ints, probabilities: Floats) -> float:
    """The temperature (Guo et al., ICML 2017) with the least `softened_loss`, by Brent's method in
    its logarithm.

    The loss has one valley in 1/T, so the search cannot end in a wrong one.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        return float(softened_loss(truth, probabilities, temperature, len(truth)).mean())

    bounds = (np.log(_LOW), np.log(_HIGH))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": _CLOSE})
    return float(np.exp(best.x))


def choose_temperature(
    truth: Ints, probabilities: Floats, seed: int = 0, folds: int = 5
) -> Temperature:
    """A temperature for these validation rows, kept only if it helps rows that it was not fitted
    on.

    Returns:
        `temperature` (1.0 when it is not kept), `fitted`, and `log_loss_before` and
        `log_loss_after`, both by cross-validation on the rows given. It is kept when the mean gain
        of a row in `softened_loss` is more than its standard error and the search did not end at
        its border. Fewer than `SMALLEST` rows are not asked.
    """
    if len(truth) < SMALLEST:
        return {"temperature": 1.0, "fitted": None, "log_loss_before": None, "log_loss_after": None}
    fitted = fit_temperature(truth, probabilities)
    before = metrics.item_log_loss(truth, probabilities)
    after, gain = np.empty(len(truth)), np.empty(len(truth))
    order = np.random.default_rng(seed).permutation(len(truth))
    for part in np.array_split(order, folds):
        rest = np.setdiff1d(order, part)
        temperature = fit_temperature(truth[rest], probabilities[rest])
        after[part] = metrics.item_log_loss(truth[part], sharpen(probabilities[part], temperature))
        gain[part] = softened_loss(
            truth[part], probabilities[part], 1.0, len(rest)
        ) - softened_loss(truth[part], probabilities[part], temperature, len(rest))
    helps = (
        gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)) and _LOW * 1.1 < fitted < _HIGH / 1.1
    )
    return {
        "temperature": fitted if helps else 1.0,
        "fitted": fitted,
        "log_loss_before": float(before.mean()),
        "log_loss_after": float(after.mean()),
    }


def coverage_curve(truth: Ints, probabilities: Floats) -> list[CoveragePoint]:
    """Answering only the surest items: threshold, share answered, share of those that are right;
    200 points at most.
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    order = np.argsort(-confidence, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(confidence[order])), len(order) - 1]
    if len(last) > 200:
        last = np.unique(last[np.linspace(0, len(last) - 1, 200).astype(np.int64)])
    hits = np.cumsum(correct[order])[last]
    return [
        {
            "threshold": float(confidence[order][place]),
            "coverage": float((place + 1) / len(order)),
            "accuracy": float(hit / (place + 1)),
            "answered": int(place + 1),
            "right": int(hit),
        }
        for place, hit in zip(last, hits, strict=True)
    ]


def conformal_level(truth: Ints, probabilities: Floats, share: float) -> float:
    """The threshold on 1 - p for sets that hold the truth in `share` of cases (split conformal,
    Vovk et al. 2005).

    The ceil((n + 1) share)-th smallest score of rows that the model was not fitted on; 1 when there
    are too few.
    """
    scores = np.sort(1 - probabilities[np.arange(len(truth)), truth])
    place = int(np.ceil((len(scores) + 1) * share - 1e-9))
    return float(scores[place - 1]) if place <= len(scores) else 1.0


def conformal_sets(held_out: tuple[Ints, Floats], test: tuple[Ints, Floats]) -> list[ConformalSets]:
    """For each promised share: the threshold from the held-out rows, and what it gives on the test
    rows.
    """
    sets: list[ConformalSets] = []
    for share in _SHARES:
        level = conformal_level(*held_out, share)
        truth, probabilities = test
        members = 1 - probabilities <= level
        inside = members[np.arange(len(truth)), truth]
        sizes = members.sum(axis=1)
        sets.append(
            {
                "promised": share,
                "threshold": level,
                "covered": proportion(int(inside.sum()), len(truth)),
                "mean_size": float(sizes.mean()),
                "single": float((sizes == 1).mean()),
                "empty": float((sizes == 0).mean()),
            }
        )
    return sets
