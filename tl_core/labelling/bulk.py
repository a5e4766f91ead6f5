"""Rows that are alike, to be labelled together: clusters, what the model says of most of them, and
how many of them it says it of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.labelling.choosing import ONE, Features, Floats, Ints, clusters, unit
from tl_core.tasks import Decision

SHOWN = 60  # rows of a cluster that are listed
_MOST = 30  # clusters


@dataclass(frozen=True)
class Alike:
    """A cluster: places of its rows, those nearest to its centre first, and what a probe says of
    most of them, a share `agreement`, as a decision gives it for one row; None and 0 where there is
    no probe.
    """

    places: Ints
    said: NDArray[np.intp] | None
    agreement: float


def alike(
    features: Features, probabilities: Floats | None, seed: int, decision: Decision = ONE
) -> tuple[Ints, list[Alike]]:
    """The number of each row's cluster (rows,), and the clusters by number, the largest first."""
    amount = int(min(_MOST, max(1, np.sqrt(len(features) / 2))))
    if not len(features):
        return np.zeros(0, dtype=np.int64), []
    found, far = clusters(unit(features), amount, seed)
    order = np.argsort(-np.bincount(found, minlength=amount), kind="stable")
    numbers = np.argsort(order)[found].astype(np.int64)
    groups: list[Alike] = []
    for number in range(int(numbers.max()) + 1):
        members = np.flatnonzero(numbers == number)
        members = members[np.argsort(far[members], kind="stable")]
        if probabilities is None:
            groups.append(Alike(members, None, 0.0))
            continue
        said = decision.labels(probabilities[members])
        answers, counts = np.unique(said, axis=0, return_counts=True)
        share = float(counts.max() / len(said))
        groups.append(Alike(members, answers[int(counts.argmax())], share))
    return numbers, groups
