"""Population stability index: how far the shares of groups have moved, and how far chance moves
them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HALF = 0.5  # added to every group: an empty one would make the index infinite
_DRAWS = 10_000
_CELLS = 4_000_000  # numbers held at once while drawing


def stability_index(expected: Ints, seen: Ints) -> float:
    """The population stability index of two counts of the same groups, each (groups,).

    It is the sum over groups of (q - p) ln(q / p) for shares p and q, the symmetric form of
    Kullback and Leibler's divergence (Siddiqi, Credit Risk Scorecards, 2006), with half an item
    more in every group.
    """
    return float(_indices(expected[None], seen[None])[0])


def by_chance(expected: Ints, items: int, level: float, seed: int = 0) -> float:
    """The index that `items` of the same population exceed with probability `level`.

    Both counts are drawn anew from the expected shares: the index is about
    (1/items + 1/expected.sum()) times chi-squared with one degree less than groups (Yurdakul and
    Naranjo, Statistical properties of the population stability index, 2020), but not where groups
    are rare.

    Args:
        expected: counts (groups,).
        items: how many were seen.
        level: the false-alarm rate.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    shares = (expected + _HALF) / (expected + _HALF).sum()
    each = max(1, _CELLS // len(expected))
    found = []
    for start in range(0, _DRAWS, each):
        count = min(each, _DRAWS - start)
        found.append(
            _indices(
                random.multinomial(int(expected.sum()), shares, count),
                random.multinomial(items, shares, count),
            )
        )
    return float(np.quantile(np.concatenate(found), 1 - level))


def _indices(expected: Ints, seen: Ints) -> Floats:
    """The index of each pair of counts (pairs, groups)."""
    p = (expected + _HALF) / (expected + _HALF).sum(axis=1, keepdims=True)
    q = (seen + _HALF) / (seen + _HALF).sum(axis=1, keepdims=True)
    found: Floats = ((q - p) * np.log(q / p)).sum(axis=1)
    return found
