"""Would more labels help? Scores over growing training sets, and where their trend leads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.metrics import Floats

_DRAWS = 300
_AHEAD = (2, 4)  # times as many labels that the trend is followed to
_STEEPEST = 1.5


def power_law(sizes: Floats, errors: Floats) -> tuple[float, float, float]:
    """a, b, c of error = a + b n^-c with a, b >= 0 and 0 < c <= 1.5, by least squares.

    The law and its use for small pilot sets: Figueroa et al., BMC Medical Informatics and Decision Making 2012.
    For each c on a fine grid the best a and b are a linear problem; the grid is walked instead of trusting a start.
    """
    best = (np.inf, 0.0, 0.0, 1.0)
    for c in np.linspace(0.05, _STEEPEST, 60):
        shape = sizes ** -c
        b = float(np.cov(shape, errors, bias=True)[0, 1] / max(float(shape.var()), 1e-18))
        a = float(errors.mean() - b * shape.mean())
        if a < 0:
            a, b = 0.0, float((shape * errors).sum() / (shape * shape).sum())
        if b < 0:
            a, b = float(errors.mean()), 0.0
        off = float(((a + b * shape - errors) ** 2).sum())
        if off < best[0] - 1e-15:
            best = (off, a, b, float(c))
    return best[1:]


def follow(sizes: Floats, scores: NDArray[np.float64], seed: int = 0) -> list[dict[str, Any]]:
    """Expected accuracy with two and four times the most labels measured, with its uncertainty.

    Args:
        sizes: training rows (points,), growing.
        scores: accuracy of each repetition (repetitions, points).
        seed: of the bootstrap over repetitions that gives the 95 % range.
    """
    random = np.random.default_rng(seed)
    targets = np.array([times * sizes[-1] for times in _AHEAD])

    def lead(mean: Floats) -> Floats:
        a, b, c = power_law(sizes, 1 - mean)
        return np.minimum(1 - (a + b * targets ** -c), 1.0)

    drawn = np.array([lead(scores[random.integers(0, len(scores), len(scores))].mean(axis=0)) for _ in range(_DRAWS)])
    middle = lead(scores.mean(axis=0))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return [{"times": times, "rows": float(target), "value": float(value), "low": float(min(bottom, value)),
             "high": float(max(top, value))} for times, target, value, bottom, top in
            zip(_AHEAD, targets, middle, low, high, strict=True)]


def advice(points: list[dict[str, Any]], ahead: list[dict[str, Any]], classes: list[dict[str, Any]], noun: str) -> str:
    """What more labels would bring, in words, and where they would help most."""
    now, twice = points[-1]["value"], ahead[0]
    gain = 100 * (twice["value"] - now)
    if gain < 1 or twice["low"] <= now:
        return (f"More labels of the same kind would bring little: about {100 * twice['value']:.0f} right in 100 with "
                f"twice as many, {100 * now:.0f} now. Another backbone, tuning or cleaner labels may bring more.")
    most = [part["label"] for part in classes if part["gain"] > 0][:2]
    where = f" They would help most in {' and '.join(most)}." if most else ""
    return (f"With twice as many {noun} about {100 * twice['value']:.0f} right in 100 can be expected, "
            f"{100 * twice['low']:.0f} to {100 * twice['high']:.0f} being plausible; it is {100 * now:.0f} now.{where}")
