"""Do the intervals hold what they promise, and how often does the paired test cry wolf?

`python benchmarks/interval_coverage.py`. Wilson's coverage is computed exactly from the binomial
distribution for shares from .5 to .99; the bootstrap's by simulating test sets of a known
classifier with four unequal classes; Newcombe's on pairs of classifiers that differ; the paired
test on pairs that are equally good.
"""

from __future__ import annotations

import sys

import numpy as np
from common import machine, write_result
from numpy.typing import NDArray
from scipy.stats import binom

from tl_core.evaluate.compare import exact_mcnemar
from tl_core.evaluate.scores import intervals, metrics

SIZES, SIMULATED, ROUNDS, DRAWS = (40, 150, 1000), (150, 1000), 1000, 400
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def wilson(total: int) -> dict[str, float]:
    """Exact coverage over a grid of true shares: its mean, and the worst with its share."""
    ends = np.array([intervals.wilson(hits, total) for hits in range(total + 1)])
    grid = np.arange(0.5, 0.9901, 0.005)
    covered = [
        float(binom.pmf(np.flatnonzero((ends[:, 0] <= p) & (p <= ends[:, 1])), total, p).sum())
        for p in grid
    ]
    worst = int(np.argmin(covered))
    return {
        "mean": round(float(np.mean(covered)), 4),
        "worst": round(covered[worst], 4),
        "worst_at": round(float(grid[worst]), 3),
    }


def draw(
    random: np.random.Generator, rows: int, exact: bool = False
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Classes and probabilities (rows, 4) of a classifier that is right about 8 times in 10; with
    `exact`, class counts are fixed, as in a stratified test set.
    """
    truth = (
        np.repeat(np.arange(4), (SHARES * rows).astype(int))
        if exact
        else random.choice(4, rows, p=SHARES)
    )
    logits = random.normal(size=(len(truth), 4)) + 1.9 * np.eye(4)[truth]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return truth, powers / powers.sum(axis=1, keepdims=True)


def bootstrap(rows: int) -> dict[str, float]:
    """Share of simulated test sets whose interval holds the value of an endless one."""
    truth, probabilities = draw(np.random.default_rng(10**6), 2_000_000, exact=True)
    endless = metrics.confusion_matrix(truth, probabilities.argmax(axis=1), 4)
    functions = {
        "macro_f1": metrics.macro_f1,
        "balanced_accuracy": metrics.balanced_accuracy,
        "mcc": metrics.mcc,
    }
    target = {name: float(function(endless)) for name, function in functions.items()}
    target["log_loss"] = float(metrics.item_log_loss(truth, probabilities).mean())
    target["ece"] = metrics.ece(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)
    held = dict.fromkeys(target, 0)
    for seed in range(ROUNDS):
        truth, probabilities = draw(np.random.default_rng(seed), rows, exact=True)
        matrix = metrics.confusion_matrix(truth, probabilities.argmax(axis=1), 4)
        drawn = intervals.resampled_matrices(matrix, seed, DRAWS)
        scores = {
            name: intervals.matrix_score(matrix, drawn, function)
            for name, function in functions.items()
        }
        scores["log_loss"] = intervals.log_loss_score(truth, probabilities, seed)
        if seed < ROUNDS // 5:
            scores["ece"] = intervals.ece_score(truth, probabilities, seed)
        for name, part in scores.items():
            held[name] += part["low"] <= target[name] <= part["high"]
    held["ece"] *= 5
    return {name: round(count / ROUNDS, 3) for name, count in held.items()}


def false_alarms(rows: int) -> float:
    """Share of pairs of equally good classifiers that the exact McNemar test calls different."""
    random, alarms = np.random.default_rng(0), 0
    for _ in range(4000):
        hard = random.random(rows)  # most items are easy or hard for both
        first, second = (random.random(rows) < 0.5 + 0.5 * hard for _ in range(2))
        alarms += exact_mcnemar(first, second)[2] < 0.05
    return round(alarms / 4000, 4)


def paired(rows: int) -> dict[str, float]:
    """Share of pairs of classifiers whose interval holds the true gap: where they differ on 5 in
    100 items, on which one alone is right, and where on 25, of which that one has 20.
    """
    kinds = {"few_differ": (0.95, 0.05, 0.0, 0.0), "many_differ": (0.6, 0.2, 0.05, 0.15)}
    random = np.random.default_rng(0)
    held: dict[str, float] = {}
    for name, chances in kinds.items():
        count = 0
        for _ in range(ROUNDS):
            drawn = random.multinomial(rows, chances)
            first = np.repeat([True, True, False, False], drawn)
            gap = intervals.paired(first, np.repeat([True, False, True, False], drawn))
            count += gap["low"] <= chances[1] - chances[2] <= gap["high"]
        held[name] = round(count / ROUNDS, 3)
    return held


if __name__ == "__main__":
    write_result(
        "interval_coverage",
        {
            "machine": machine(),
            "wilson": {str(n): wilson(n) for n in SIZES},
            "bootstrap": {str(n): bootstrap(n) for n in SIMULATED},
            "paired": {str(n): paired(n) for n in (20, *SIZES)},
            "mcnemar_false_alarms": {str(n): false_alarms(n) for n in SIZES},
            "rounds": ROUNDS,
        },
    )
    sys.stdout.write("written\n")
