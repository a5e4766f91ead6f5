"""Scores by slice: is some kind of item answered worse than the rest, beyond chance?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import Slice, SliceValue
from tl_core.evaluate.scores.intervals import proportion

SIGNIFICANT = 0.05
_SMALLEST = 10  # rows below which a slice says nothing
_PARTS = 4
_MOST = 12  # values of a column of words that become slices, the commonest first
Bools = NDArray[np.bool_]
Fact = NDArray[np.float64] | NDArray[np.str_]  # of each row: numbers or words


def slices(correct: Bools, facts: dict[str, Fact]) -> list[Slice]:
    """Accuracy of each slice, against all rows outside it.

    Args:
        correct: whether each row is right (rows,).
        facts: by name, a number or a word for each row; numbers are cut at their quartiles, missing
            ones (NaN or an empty word) belong to no slice.

    Returns:
        One entry for each slice of at least ten rows: `by`, `value` (a word, or `low` and `high` of
        its numbers), `n`, `accuracy` with Wilson's interval, `rest`, the two-sided p-value of
        Fisher's exact test adjusted by Holm's method (1979) over all slices, and `worse`:
        significantly below the rest.
    """
    parts = []
    for name, values in facts.items():
        for about, members in _cut(values):
            if _SMALLEST <= members.sum() <= len(correct) - _SMALLEST:
                parts.append((name, about, members))
    p_values = holm([_fisher(correct, members) for _, _, members in parts])
    rows: list[Slice] = []
    for (name, about, members), p_value in zip(parts, p_values, strict=True):
        inside, rest = correct[members], correct[~members]
        rows.append(
            {
                "by": name,
                **about,
                "n": len(inside),
                "accuracy": proportion(int(inside.sum()), len(inside)),
                "rest": float(rest.mean()),
                "p_value": p_value,
                "worse": bool(p_value < SIGNIFICANT and inside.mean() < rest.mean()),
            }
        )
    return sorted(rows, key=lambda part: (not part["worse"], part["by"]))


def value_of(part: SliceValue) -> str:
    """What a slice holds, in words: its word, or the range of its numbers."""
    if "value" in part:
        return str(part["value"])
    low, high = (
        f"{end:,.0f}" if abs(end) >= 1000 else f"{end:.3g}" for end in (part["low"], part["high"])
    )
    return low if low == high else f"{low} to {high}"


def _cut(values: Fact) -> list[tuple[SliceValue, Bools]]:
    """Members of each slice of one fact."""
    if values.dtype.kind in "OUS":
        words, counts = np.unique(values.astype(str), return_counts=True)
        common = [str(word) for word in words[np.argsort(-counts, kind="stable")] if word][:_MOST]
        return (
            [({"value": word}, values.astype(str) == word) for word in common]
            if len(words) > 1
            else []
        )
    numbers = values.astype(np.float64)
    known = np.isfinite(numbers)
    if not known.any():
        return []
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, _PARTS + 1)))
    if len(edges) < 3:
        return []
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    parts = [known & (place == number) for number in range(len(edges) - 1)]
    return [
        ({"low": float(numbers[part].min()), "high": float(numbers[part].max())}, part)
        for part in parts
        if part.any()
    ]


def _fisher(correct: Bools, members: Bools) -> float:
    from scipy.stats import fisher_exact

    right, inside = int((correct & members).sum()), int(members.sum())
    others = int((correct & ~members).sum())
    table = [[right, inside - right], [others, len(correct) - inside - others]]
    return float(fisher_exact(table)[1])


def holm(p_values: list[float]) -> list[float]:
    """Adjusted p-values that keep the chance of one false alarm among all of them (Holm, 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = highest
    return adjusted
