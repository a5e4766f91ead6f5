"""95 % intervals: Wilson for proportions, Newcombe for gaps of paired ones, a seeded stratified
bootstrap for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import CalibrationScore, Score
from tl_core.evaluate.scores import metrics
from tl_core.evaluate.scores.metrics import Floats, Ints

LEVEL = 0.95
Z = 1.959963984540054  # 97.5 % point of the normal distribution
_DRAWS = 1000
_CELLS = 20_000_000  # numbers held at once while drawing


def wilson(hits: float, total: int) -> tuple[float, float]:
    """Wilson's score interval for a proportion (1927); (0, 1) without any rows."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    spread = Z * np.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    middle, bottom = share + Z**2 / (2 * total), 1 + Z**2 / total
    return float(max(0.0, (middle - spread) / bottom)), float(min(1.0, (middle + spread) / bottom))


def score(value: float, low: float, high: float, method: str) -> Score:
    """A score object of the report; the interval is stretched to hold the value itself."""
    return {
        "value": float(value),
        "low": float(min(low, value)),
        "high": float(max(high, value)),
        "level": LEVEL,
        "method": method,
    }


def proportion(hits: float, total: int) -> Score:
    """A proportion with Wilson's interval."""
    low, high = wilson(hits, total)
    return score(hits / total if total else 0.0, low, high, "Wilson")


def mean_of(proportions: Sequence[Score]) -> Score:
    """The plain mean of proportions of independent rows, with an interval of theirs (MOVER: Zou and
    Donner, 2008): also where all rows are right, of which a bootstrap would say that no mistake is
    possible.

    Args:
        proportions: at least one.
    """
    value, low, high = (
        np.array([one[key] for one in proportions]) for key in ("value", "low", "high")
    )
    middle, parts = float(value.mean()), len(proportions)
    below, above = (float(np.linalg.norm(gap)) / parts for gap in (value - low, high - value))
    return score(middle, middle - below, middle + above, "MOVER of Wilson intervals")


def paired(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Score:
    """The gap of two proportions over the same rows with Newcombe's interval (Statistics in
    Medicine 17, 1998, method 10): Wilson's of both, put together by how far the two go along with
    each other. A bootstrap says of rows on which they never differ that they cannot.

    Args:
        first: which rows one has right (rows,).
        second: which the other has.
    """
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    hits, others, rows = int(first.sum()), int(second.sum()), len(first)
    share, other = (hits / rows, others / rows) if rows else (0.0, 0.0)
    (low, high), (other_low, other_high) = wilson(hits, rows), wilson(others, rows)
    along = float(both * neither - (hits - both) * (others - both))
    along = max(along - rows / 2, 0.0) if along > 0 else along  # for continuity
    margins = hits * (rows - hits) * others * (rows - others)
    phi = along / sqrt(margins) if margins else 0.0

    def reach(one: float, two: float) -> float:
        return sqrt(max(one**2 - 2 * phi * one * two + two**2, 0.0))

    gap = share - other
    below, above = reach(share - low, other_high - other), reach(high - share, other - other_low)
    return score(gap, gap - below, gap + above, "Newcombe, paired")


def resampled_matrices(matrix: Ints, seed: int, draws: int = _DRAWS) -> Ints:
    """Confusion matrices (draws, C, C) of a bootstrap stratified by the true class.

    Drawing the rows of one class anew with replacement is the same as one multinomial draw from its
    row of the matrix, so nothing but the matrix is needed. Where nothing at all is wrong such draws
    would all be perfect, as if no mistake were possible; each class is then drawn as if half a
    mistake more had been seen (Jeffreys' prior).
    """
    random = np.random.default_rng(seed)
    drawn_from = matrix.astype(np.float64)
    if len(matrix) > 1 and np.trace(matrix) == matrix.sum():
        drawn_from = drawn_from + 0.5 / (len(matrix) - 1) * (1 - np.eye(len(matrix)))
    rows = [
        (
            random.multinomial(int(row.sum()), from_row / from_row.sum(), size=draws)
            if row.sum()
            else np.zeros((draws, len(row)), dtype=np.int64)
        )
        for row, from_row in zip(matrix, drawn_from, strict=True)
    ]
    return np.stack(rows, axis=1).astype(np.int64)


def matrix_score(matrix: Ints, drawn: Ints, function: Callable[[Ints], Floats]) -> Score:
    """A score of the confusion matrix with its bootstrap percentile interval."""
    low, high = np.percentile(function(drawn), [2.5, 97.5])
    return score(float(function(matrix)), low, high, "stratified bootstrap")


def item_draws(truth: Ints, seed: int, draws: int = _DRAWS) -> list[NDArray[np.int64]]:
    """Row numbers (some draws, rows) of a bootstrap stratified by class, in pieces that fit into
    memory.
    """
    random = np.random.default_rng(seed)
    strata = [np.flatnonzero(truth == label) for label in np.unique(truth)]
    step = max(1, min(draws, _CELLS // max(len(truth), 1)))
    return [
        np.concatenate(
            [
                stratum[
                    random.integers(0, len(stratum), size=(min(step, draws - start), len(stratum)))
                ]
                for stratum in strata
            ],
            axis=1,
        )
        for start in range(0, draws, step)
    ]


def log_loss_score(truth: Ints, probabilities: Floats, seed: int) -> Score:
    """Mean log loss with its bootstrap interval."""
    losses = metrics.item_log_loss(truth, probabilities)
    means = np.concatenate([losses[rows].mean(axis=1) for rows in item_draws(truth, seed)])
    low, high = np.percentile(means, [2.5, 97.5])
    return score(losses.mean(), low, high, "stratified bootstrap")


def ece_score(truth: Ints, probabilities: Floats, seed: int) -> CalibrationScore:
    """Calibration error with an approximate interval and what a perfectly calibrated model would
    show.

    ECE is biased upwards in small samples, so `expected_if_calibrated` stands beside it: its mean
    when each row is right with exactly the stated confidence.
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    drawn = [
        metrics.ece(confidence[row], correct[row])
        for rows in item_draws(truth, seed, 300)
        for row in rows
    ]
    random = np.random.default_rng(seed)
    ideal = [metrics.ece(confidence, random.random(len(truth)) < confidence) for _ in range(200)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    value = metrics.ece(confidence, correct)
    return {
        **score(value, low, high, "stratified bootstrap (approximate)"),
        "expected_if_calibrated": float(np.mean(ideal)),
    }
