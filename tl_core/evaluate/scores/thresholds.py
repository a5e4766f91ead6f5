"""How sure a model must be to answer, when mistakes and a person's look have prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.evaluate.scores.metrics import Floats


@dataclass(frozen=True)
class Cheapest:
    """A threshold, the mean cost of an item with it, and the mean cost when the model always
    answers.
    """

    threshold: float
    cost: float
    always: float


def cheapest_threshold(cost: Floats, confidence: Floats, person: float) -> Cheapest:
    """The least confidence to answer with that costs least on these rows (Chow, IEEE Trans. Inf.
    Theory 1970).

    Args:
        cost: of each row's answer (rows,), 0 where it is right.
        confidence: of each answer (rows,).
        person: cost of leaving a row to a person.

    Among equally cheap thresholds the lowest is taken. Leaving every row to a person is not
    offered: then no model is needed.
    """
    order = np.argsort(-confidence, kind="stable")
    last = np.r_[
        np.flatnonzero(np.diff(confidence[order])), len(order) - 1
    ]  # rows of equal confidence go together
    answered = last + 1
    means = (np.cumsum(cost[order])[last] + person * (len(order) - answered)) / len(order)
    best = len(means) - 1 - int(np.argmin(means[::-1]))
    lowest = best == len(means) - 1
    return Cheapest(
        0.0 if lowest else float(confidence[order][last[best]]),
        float(means[best]),
        float(cost.mean()),
    )
