"""Weights between states of a training: WiSE-FT (Wortsman et al., 2022), SWAD (Cha et al.,
2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.errors import TrainingError
from tl_core.train.arrays import Floats
from tl_core.train.loop.best_state import Scores
from tl_core.train.loop.checkpoints import load_moving, placed


class Mixture(TypedDict, total=False):
    """The share of the fine-tuned state, and the scores of all shares; empty without a mixture."""

    share: float
    tried: list[dict[str, float]]


def mix(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) of `start` plus `share` of `end`; counters are those of the end.

    Raises:
        TrainingError: when the two states have not the same parts.
    """
    if start.keys() != end.keys():
        raise TrainingError("The two states have different parts.", "They cannot be mixed.", "")
    return {
        name: start[name].lerp(end[name], share) if end[name].is_floating_point() else end[name]
        for name in end
    }


def choose_mix(
    model: nn.Module,
    start: dict[str, Tensor],
    end: dict[str, Tensor],
    judge: Callable[[], tuple[Scores, Floats]],
) -> tuple[float, list[dict[str, float]]]:
    """Try shares 0, 0.1 ... 1 on the validation rows, leave the best one in `model`, and give it
    with all scores.

    Args:
        model: whose weights are mixed.
        start: the state before.
        end: the state after.
        judge: gives scores of the model as it is, and the loss of each item by which states are
            chosen; of equal ones the lower log loss is better.
    """
    tried, ranks = list[dict[str, float]](), list[tuple[float, float]]()
    for share in np.linspace(0, 1, 11).round(1).tolist():
        load_moving(model, mix(start, end, share))
        scores, losses = judge()
        tried.append({"share": share, **scores})
        ranks.append((float(losses.mean()), scores["log_loss"]))
    best = tried[ranks.index(min(ranks))]["share"]
    load_moving(model, mix(start, end, best))
    return best, tried


@dataclass
class _Segment:
    """The average of the weights after some steps in a row, and the loss at the end of them."""

    state: dict[str, Tensor]
    steps: int
    loss: float = float("nan")

    def take_in(self, other: dict[str, Tensor], steps: int) -> None:
        """Make it the average over the steps of both; counters are those of the other."""
        share = steps / (self.steps + steps)
        for name, value in other.items():
            if value.is_floating_point():
                self.state[name].lerp_(value, share)
            else:
                self.state[name].copy_(value)
        self.steps += steps


class DenseAverage:
    """SWAD (Cha et al., NeurIPS 2021): the average of the weights after every step between the
    judgement from which on the validation loss has fallen no further, and the one from which on it
    stays clearly above that.

    It begins at the first judgement whose loss is the lowest of the next three, and ends before the
    first six whose losses all lie above 1.3 times the mean of those three (the paper's numbers). A
    training that never comes so far gives the average since its last but one judgement.
    """

    _BEGIN, _END, _TOLERANCE = 3, 6, 1.3

    def __init__(self) -> None:
        self._open: _Segment | None = None  # steps since the last judgement
        self._waiting: list[_Segment] = []  # judged, and not yet decided about
        self._taken: _Segment | None = None
        self._limit: float | None = None
        self._over = False

    def follow(self, current: dict[str, Tensor], step: int) -> None:
        """Take the weights after a step in."""
        del step
        if self._open is None:
            self._open = _copied(current)
        else:
            self._open.take_in(current, 1)

    def heard(self, loss: float) -> None:
        """The validation loss of the weights after the last step."""
        if self._open is None or self._over:
            self._open = None
            return
        self._open.loss = loss
        self._waiting.append(self._open)
        self._open = None
        if self._limit is None and len(self._waiting) >= self._BEGIN:
            losses = [one.loss for one in self._waiting]
            if losses[0] <= min(losses):
                self._limit = self._TOLERANCE * sum(losses) / len(losses)
            else:
                self._waiting.pop(0)
        if self._limit is not None and len(self._waiting) >= self._END:
            self._decide()

    def _decide(self) -> None:
        """About the oldest that waits: its loss, or a later one, is low enough; or all is over."""
        if self._limit is not None and min(one.loss for one in self._waiting) > self._limit:
            self._waiting, self._over = [], True
        else:
            self._take(self._waiting.pop(0))

    def _take(self, one: _Segment) -> None:
        if self._taken is None:
            self._taken = one
        else:
            self._taken.take_in(one.state, one.steps)

    def result(self) -> dict[str, Tensor]:
        """The average; call it once, at the end."""
        if self._limit is None:
            last = self._waiting[-1] if self._waiting else self._open
            return last.state if last else {}
        while self._waiting:
            self._decide()
        return self._taken.state if self._taken else {}

    def as_state(self) -> dict[str, Tensor]:
        """All that it remembers, for a checkpoint."""
        parts = {"open": self._open, "taken": self._taken}
        parts |= {f"waiting{place}": one for place, one in enumerate(self._waiting)}
        state = {
            "limit": torch.tensor(math.nan if self._limit is None else self._limit).double(),
            "over": torch.tensor(self._over),
        }
        for name, one in parts.items():
            if one is not None:
                told = torch.tensor([one.steps, one.loss], dtype=torch.float64)
                state |= {f"{name}/told": told}
                state |= {f"{name}/of/{key}": value for key, value in one.state.items()}
        return state

    def restore(self, state: dict[str, Tensor], current: dict[str, Tensor]) -> None:
        """Put back what `as_state` gave, where the `current` weights are."""
        limit = float(state["limit"])
        self._limit, self._over = None if math.isnan(limit) else limit, bool(state["over"])
        found: dict[str, _Segment] = {}
        for name in [key.removesuffix("/told") for key in state if key.endswith("/told")]:
            steps, loss = state[f"{name}/told"].tolist()
            start = f"{name}/of/"
            weights = {
                key.removeprefix(start): state[key] for key in state if key.startswith(start)
            }
            found[name] = _Segment(placed(weights, current), int(steps), loss)
        self._open, self._taken = found.get("open"), found.get("taken")
        count = sum(name.startswith("waiting") for name in found)
        self._waiting = [found[f"waiting{place}"] for place in range(count)]


def _copied(current: dict[str, Tensor]) -> _Segment:
    return _Segment({name: value.clone() for name, value in current.items()}, 1)
