"""Two classifiers on the same test items: paired, because most items are easy or hard for both."""

from __future__ import annotations

from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import PairedMeans, PairedTest
from tl_core.evaluate.scores import intervals
from tl_core.evaluate.scores.intervals import LEVEL

_DRAWS = 2000
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def exact_mcnemar(first: Bools, second: Bools) -> tuple[int, int, float]:
    """Items that only the first or only the second has right, and the two-sided exact p-value.

    McNemar (1947) with the binomial distribution instead of chi-square, right for any number of
    items. Twice the lower tail at one half, summed in logarithms; importing SciPy for it would hold
    a page up for a second.
    """
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    total, fewer = only_first + only_second, min(only_first, only_second)
    logs = [
        lgamma(total + 1) - lgamma(k + 1) - lgamma(total - k + 1) - total * log(2)
        for k in range(fewer + 1)
    ]
    return only_first, only_second, min(1.0, 2 * float(np.exp(logs).sum()))


def compare(first: Bools, second: Bools, noun: str, names: tuple[str, str]) -> PairedTest:
    """The comparison object of the contract, without the run ids.

    Args:
        first: whether each item is right, in the same order as in `second`.
        second: the other one.
        noun: what the items are called, in the plural.
        names: what the two are called in the sentence.
    """
    only_first, only_second, p_value = exact_mcnemar(first, second)
    return {
        "n": len(first),
        "difference": intervals.paired(first, second),
        "only_first_right": only_first,
        "only_second_right": only_second,
        "p_value": p_value,
        "test": "exact McNemar",
        "sentence": _sentence(only_first, only_second, len(first), p_value, noun, names),
    }


def compare_means(first: Floats, second: Floats, seed: int = 0) -> PairedMeans:
    """The gap between two means over the same items, with a paired bootstrap and a test that swaps
    the two at random, item by item (Fisher's randomisation test).

    Args:
        first: a score of each item (items,).
        second: the other one's.
        seed: of the draws.
    """
    gaps = first - second
    random = np.random.default_rng(seed)
    means = [gaps[random.integers(0, len(gaps), len(gaps))].mean() for _ in range(_DRAWS)]
    swapped = [abs((gaps * random.choice((-1.0, 1.0), len(gaps))).mean()) for _ in range(_DRAWS)]
    beyond = int((np.array(swapped) >= abs(gaps.mean()) - 1e-12).sum())
    low, high = np.percentile(means, [2.5, 97.5])
    return {
        "difference": {
            "value": float(gaps.mean()),
            "low": float(low),
            "high": float(high),
            "level": LEVEL,
            "method": "paired bootstrap",
        },
        "p_value": (beyond + 1) / (_DRAWS + 1),
        "test": "paired randomisation",
    }


def verdict(p_value: float) -> str:
    """What a p-value says in words; up to .15 the interval may still lie beside zero."""
    if p_value < 0.05:
        return "that is hardly chance"
    return "that may be chance" if p_value < 0.15 else "that can easily be chance"


def agreement(answers: list[NDArray[np.generic]]) -> NDArray[np.float64]:
    """Share of items that each two classifiers answer alike, right or wrong (classifiers,
    classifiers).
    """
    return np.array([[float((first == second).mean()) for second in answers] for first in answers])


def _sentence(
    only_first: int, only_second: int, total: int, p_value: float, noun: str, names: tuple[str, str]
) -> str:
    gap = only_first - only_second
    if not gap:
        return f"{names[0]} and {names[1]} are right on equally many of {total:,} {noun}."
    better, worse = names if gap > 0 else names[::-1]
    better, worse = better[:1].upper() + better[1:], worse[:1].lower() + worse[1:]
    shown = (
        "p < 0.001"
        if p_value < 0.001
        else f"p = {p_value:.3f}"
        if p_value < 0.1
        else f"p = {p_value:.2f}"
    )
    return (
        f"{better} is right on {abs(gap):,} more of {total:,} {noun} than {worse};"
        f" {verdict(p_value)} ({shown})."
    )
