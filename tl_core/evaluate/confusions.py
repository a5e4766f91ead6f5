"""Confusion matrices that people can read: classes that are mixed up stand together, and the worst
pairs come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Counts = Sequence[Sequence[int]]
Numbers = NDArray[np.float64]


class ConfusedPair(TypedDict):
    """Two classes by their places, and how often one is predicted as the other."""

    one: int
    other: int
    confused: int
    one_as_other: int
    other_as_one: int


def confused_pairs(counts: Counts, most: int) -> list[ConfusedPair]:
    """The pairs that are mixed up most often, both ways together, the worst first."""
    matrix = np.asarray(counts, dtype=np.int64).reshape(len(counts), -1)
    both = np.tril(matrix + matrix.T, -1)
    ones, others = np.nonzero(both)
    order = np.argsort(-both[ones, others], kind="stable")[:most]
    return [
        {
            "one": int(one),
            "other": int(other),
            "confused": int(both[one, other]),
            "one_as_other": int(matrix[one, other]),
            "other_as_one": int(matrix[other, one]),
        }
        for one, other in zip(ones[order], others[order], strict=True)
    ]


def most_confused(counts: Counts, most: int) -> list[int]:
    """At most so many classes: those of the worst pairs, in the order of the classes."""
    chosen: list[int] = []
    for pair in confused_pairs(counts, most * most):
        new = [place for place in (pair["one"], pair["other"]) if place not in chosen]
        if len(chosen) + len(new) > most:
            break
        chosen += new
    return sorted(chosen)


def clustered(counts: Counts) -> list[int]:
    """The classes in an order in which those that are mixed up stand together.

    The two groups that are mixed up most, by the mean over their pairs (average linkage), are put
    side by side until one group is left; each is turned so that the classes that are alike most
    meet. Groups without a confusion between them keep the order of the classes.
    """
    alike = _alike(counts)
    between = alike.copy()  # of the groups that are left; a group stands at the place of its first
    np.fill_diagonal(between, -1.0)
    groups: dict[int, list[int]] = {place: [place] for place in range(len(alike))}
    while len(groups) > 1:
        first, second = map(int, np.unravel_index(int(between.argmax()), between.shape))
        if between[first, second] <= 0:
            break  # nothing is mixed up any more
        first, second = sorted((first, second))
        sizes = len(groups[first]), len(groups[second])
        joined = (sizes[0] * between[first] + sizes[1] * between[second]) / sum(sizes)
        joined[between[first] < 0] = -1.0  # groups that are gone, and itself
        joined[second] = -1.0
        groups[first] = _joined(groups[first], groups.pop(second), alike)
        between[first], between[:, first] = joined, joined
        between[second], between[:, second] = -1.0, -1.0
    return [
        place
        for first in sorted(groups, key=lambda one: min(groups[one]))
        for place in groups[first]
    ]


def _alike(counts: Counts) -> Numbers:
    """How often each two classes are mixed up, as the mean of their shares of the rows."""
    matrix = np.asarray(counts, dtype=np.float64).reshape(len(counts), -1)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return np.asarray((shares + shares.T) / 2)


def _joined(first: list[int], second: list[int], alike: Numbers) -> list[int]:
    """Both lists one after the other, each turned so that the ends that meet are most alike."""
    ways = [(one, other) for one in (first, first[::-1]) for other in (second, second[::-1])]
    one, other = max(ways, key=lambda way: alike[way[0][-1], way[1][0]])
    return one + other
