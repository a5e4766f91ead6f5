"""Choosing among trainings on the validation items: who leads, and how many fit into the
time.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import BoardRow, Score
from tl_core.evaluate.scores import intervals
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QUICK, HALF = 0.25, 0.5  # shares of a whole training in the first and the second round
_THIRD = 3  # of the first round's candidates one in three goes on to the second


class Standing(TypedDict):
    """Where a training stands on the validation items; `losses` (items,) are of each of them."""

    accuracy: Score
    losses: Floats
    log_loss: float


def standing(task: str, labels: Ints, probabilities: Floats) -> Standing:
    """Accuracy with its interval and log loss of one training on these items.

    Args:
        task: how answers are judged.
        labels: of the items (items, ...).
        probabilities: (items, classes); NaN where nothing was said, which counts as wrong.
    """
    filled = np.where(np.isnan(probabilities), 1 / probabilities.shape[1], probabilities)
    evaluation = task_evaluation_of(task)
    decision = evaluation.decide_apart(labels, probabilities)
    right, losses = (
        evaluation.correct(labels, probabilities, decision),
        evaluation.row_losses(labels, filled),
    )
    return {
        "accuracy": intervals.proportion(int(right.sum()), len(labels)),
        "losses": losses,
        "log_loss": float(losses.mean()) if len(labels) else 0.0,
    }


def leads(one: Standing, best: Standing, probe: Standing) -> bool:
    """Whether `one` is to be kept instead of `best`: a lower log loss, right at least as often as
    the probe, and, to take the probe's place, clearly better: on few items the surer one would win
    by chance (the rule of one standard error, Breiman et al., 1984).
    """
    return bool(
        one["log_loss"] < best["log_loss"]
        and (best is not probe or clearly_better(one, probe))
        and one["accuracy"]["value"] >= min(probe["accuracy"]["value"], best["accuracy"]["value"])
    )


def clearly_better(one: Standing, other: Standing) -> bool:
    """Whether the mean of the paired differences of the losses is below zero by more than its
    standard error.
    """
    gaps = one["losses"] - other["losses"]
    return len(gaps) > 1 and bool(gaps.mean() < -gaps.std(ddof=1) / np.sqrt(len(gaps)))


def first_round(ratio: float, candidates: int, at_once: int = 1) -> int:
    """How many candidates may be tried in short before one is trained whole.

    Successive halving in three rounds: all for a quarter, a third of them for half, one whole
    (after Jamieson and Talwalkar, 2016, arXiv 1502.07943).

    Args:
        ratio: time left over that of one whole training.
        candidates: that there are.
        at_once: how many of them train at the same time.

    Returns:
        the number; 1 where there is time for one whole training alone.
    """
    fitting = [
        count
        for count in range(2, candidates + 1)
        if 1 + _turns(count, at_once) * QUICK + _turns(second_round(count), at_once) * HALF <= ratio
    ]
    return max(fitting, default=1)


def _turns(count: int, at_once: int) -> int:
    """How many trainings follow each other."""
    return -(-count // at_once)


def second_round(count: int) -> int:
    """How many of them go on to the second round; none where there were so few that the first has
    decided.
    """
    return -(-count // _THIRD) if count > _THIRD else 0


def sentence(board: list[BoardRow], minutes: float, noun: str) -> str:
    """What the search found, in a sentence for people."""
    best = next(row for row in board if row["state"] == "winner")
    tried = sum(row["part"] > 0 for row in board)
    probe = next((row for row in board if row["probe"]), best)
    gain = 100 * (best["accuracy"]["value"] - probe["accuracy"]["value"])
    against = (
        ""
        if best is probe or best["probe"]
        else f", {gain:+.1f} in 100 against the first probe on validation {noun}"
    )
    length = f"{60 * minutes:.0f} seconds" if minutes < 1.5 else f"{minutes:.0f} minutes"
    return (
        f"The best of {tried} trainings in {length}: {best['title']} on"
        f" {best['backbone']}{against}."
    )
