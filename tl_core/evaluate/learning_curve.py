"""Would more labels help? Scores over growing training sets, and where their trend leads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import ClassGain, ClassWish, CurvePoint, Forecast
from tl_core.evaluate.scores.metrics import Floats

_DRAWS = 300
_AHEAD = (2, 4)  # times as many labels that the trend is followed to
_STEEPEST = 1.5
_GAIN = 0.05  # of a class's recall that new labels are to bring
_MOST = 3  # times its labels that a class may be followed to


def power_law(sizes: Floats, errors: Floats) -> tuple[float, float, float]:
    """a, b, c of error = a + b n^-c with a, b >= 0 and 0 < c <= 1.5, by least squares.

    The law and its use for small pilot sets: Figueroa et al., BMC Medical Informatics and Decision
    Making 2012.
    """
    a, b, c = _laws(sizes, errors[None])
    return float(a[0]), float(b[0]), float(c[0])


def _laws(sizes: Floats, errors: Floats) -> tuple[Floats, Floats, Floats]:
    """The same for several curves (curves, points) at once.

    For each c on a fine grid the best a and b are a linear problem; the grid is walked instead of
    trusting a start.
    """
    grid = np.linspace(0.05, _STEEPEST, 60)
    shapes = sizes ** -grid[:, None]
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    means = errors.mean(axis=1, keepdims=True)
    b = (errors - means) @ centred.T / np.maximum((centred**2).sum(axis=1), 1e-18)
    a = means - b * shapes.mean(axis=1)
    b = np.where(a < 0, errors @ shapes.T / (shapes**2).sum(axis=1), b)
    a = np.maximum(a, 0.0)
    a, b = np.where(b < 0, means, a), np.maximum(b, 0.0)
    off = ((a[..., None] + b[..., None] * shapes - errors[:, None, :]) ** 2).sum(axis=2)
    rows, best = np.arange(len(errors)), off.argmin(axis=1)
    return a[rows, best], b[rows, best], grid[best]


def follow(sizes: Floats, scores: NDArray[np.float64], seed: int = 0) -> list[Forecast]:
    """Expected accuracy with two and four times the most labels measured, with its uncertainty.

    Args:
        sizes: training rows (points,), growing.
        scores: accuracy of each repetition (repetitions, points).
        seed: of the bootstrap over repetitions that gives the 95 % range.
    """
    random = np.random.default_rng(seed)
    targets = np.array([times * sizes[-1] for times in _AHEAD])

    def lead(means: Floats) -> Floats:
        a, b, c = _laws(sizes, 1 - means)
        accuracy: Floats = np.minimum(1 - (a[:, None] + b[:, None] * targets ** -c[:, None]), 1.0)
        return accuracy

    drawn = lead(
        np.array(
            [
                scores[random.integers(0, len(scores), len(scores))].mean(axis=0)
                for _ in range(_DRAWS)
            ]
        )
    )
    middle = lead(scores.mean(axis=0)[None])[0]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return [
        {
            "times": times,
            "rows": float(target),
            "value": float(value),
            "low": float(min(bottom, value)),
            "high": float(max(top, value)),
        }
        for times, target, value, bottom, top in zip(
            _AHEAD, targets, middle, low, high, strict=True
        )
    ]


def nested(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """An order in which every beginning holds the classes in their proportions, each at least once
    at the start.
    """
    random = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        place[own] = (np.arange(len(own)) + random.random() * 0.5) / len(own)
        place[own[0]] = -random.random()
    return np.argsort(place, kind="stable")


def helps_most(
    sizes: Floats, recalls: NDArray[np.float64], shares: Floats, names: list[str]
) -> ClassWish | None:
    """The class for which new labels bring most, and how many it takes to find 5 more in 100 of it.

    Each class's recall over its own labels follows a power law; what counts is the gain of the
    whole score for each new label. A class whose last doubling brought less than its standard
    error, or whose law needs more than three times its labels, is no answer. The law was measured
    while all classes grew, so the others are taken to grow alike.

    Args:
        sizes: training rows (points,), growing.
        recalls: of each repetition (repetitions, points, classes).
        shares: of the classes among the rows (classes,).
        names: of the classes.

    Returns:
        `label`, `more` (labels, two digits) and `gain` of its recall; None without such a class.
    """
    best: tuple[float, ClassWish] | None = None
    for number, name in enumerate(names):
        own, recall = sizes * shares[number], recalls[:, :, number]
        step = recall[:, -1] - recall[:, -2]
        if len(step) < 2 or step.mean() <= step.std(ddof=1) / np.sqrt(len(step)):
            continue
        a, b, c = power_law(own, 1 - recall.mean(axis=0))
        left = b * own[-1] ** -c - _GAIN  # what may remain above the floor
        more = (b / left) ** (1 / c) - own[-1] if left > 0 and b > 0 else np.inf
        if more <= _MOST * own[-1] and (best is None or shares[number] * _GAIN / more > best[0]):
            digits = 1 - int(np.floor(np.log10(max(more, 1.0))))
            best = (
                shares[number] * _GAIN / more,
                {"label": name, "more": max(1, int(round(float(more), digits))), "gain": _GAIN},
            )
    return best[1] if best else None


def advice(
    points: list[CurvePoint],
    ahead: list[Forecast],
    classes: list[ClassGain],
    noun: str,
    most: ClassWish | None,
) -> str:
    """What more labels would bring, in words, and where they would help most."""
    now, twice = points[-1]["value"], ahead[0]
    gain = 100 * (twice["value"] - now)
    if gain < 1 or twice["low"] <= now:
        return (
            f"More labels of the same kind would bring little: about {100 * twice['value']:.0f}"
            f" right in 100 with twice as many, {100 * now:.0f} now. Another backbone, tuning or"
            " cleaner labels may bring more."
        )
    where = ", ".join([part["label"] for part in classes if part["gain"] > 0][:2])
    where = f" They would help most in {where}." if where else ""
    if most:
        where = (
            f" About {most['more']:,} more of {most['label']} would help most:"
            f" {100 * most['gain']:.0f} more in 100 of them would be found."
        )
    return (
        f"With twice as many {noun} about {100 * twice['value']:.0f} right in 100 can be expected,"
        f" {100 * twice['low']:.0f} to {100 * twice['high']:.0f} being plausible; it is"
        f" {100 * now:.0f} now.{where}"
    )
