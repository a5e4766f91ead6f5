"""Parts of a dataset that have each label in the same share, where items have several labels.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label
Data", ECML PKDD 2011, algorithm 1): the rarest label is dealt out first, each time to the part that
misses most of it. Units are whole groups of rows, which are never torn apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tl_core.data.label_sets import Ints

_CLOSE = 1e-9  # of two wishes that are alike


def iterative(amounts: Ints, sizes: Ints, shares: Sequence[float], seed: int) -> Ints:
    """The part of each unit (units,).

    Args:
        amounts: rows of each label in each unit (units, labels).
        sizes: rows of each unit (units,).
        shares: of the parts, which sum to 1; the first part wins where nothing else decides.
        seed: of the order in which units of a label are dealt out.
    """
    parts = np.full(len(sizes), -1, dtype=np.int64)
    if not len(sizes):
        return parts
    wanted = np.outer(shares, amounts.sum(axis=0)).astype(np.float64)  # of each label, by part
    room = np.asarray(shares, dtype=np.float64) * sizes.sum()
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]  # large units while there is room
    left = amounts.sum(axis=0)

    def deal(unit: int, wishes: NDArray[np.float64]) -> None:
        best = np.flatnonzero(wishes >= wishes.max() - _CLOSE)
        part = best[np.argmax(room[best])]
        parts[unit] = part
        wanted[part] -= amounts[unit]
        room[part] -= sizes[unit]

    while (left > 0).any():
        label = int(np.argmin(np.where(left > 0, left, np.iinfo(np.int64).max)))
        for unit in order[(parts[order] < 0) & (amounts[order, label] > 0)]:
            deal(unit, wanted[:, label])
            left = left - amounts[unit]
    for unit in order[parts[order] < 0]:  # without any label
        deal(unit, room)
    return parts


def units_of(groups: Ints) -> tuple[Ints, Ints]:
    """The unit of each row, numbered by their first rows, and the rows of each unit."""
    _, first, unit_of = np.unique(groups, return_index=True, return_inverse=True)
    numbers = np.argsort(np.argsort(first))[unit_of].astype(np.int64)
    return numbers, np.bincount(numbers).astype(np.int64)


def amounts_of(units: Ints, targets: Ints) -> Ints:
    """Rows of each label in each unit (units, labels), from the labels of rows (rows, labels)."""
    amounts = np.zeros((int(units.max(initial=-1)) + 1, targets.shape[1]), dtype=np.int64)
    np.add.at(amounts, units, targets)
    return amounts
