"""Ways to learn a task from a few labels, each with something that earlier tasks have taught it.

All of them work on features of a frozen backbone, brought to a common scale (`Reading`), and offer
`logits(support, labels, query, ways)`. Prototypes and ANIL are linear in the features, so what they
make of a task is a linear classifier; MAML's small network is not.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.train.arrays import Features, Floats
from tl_core.train.episodes.inner_loop import Weights, adapt
from tl_core.train.episodes.sampling import ClassSet

_WIDEST = 256  # directions that are kept of the features; more than a few hundred rows can fill
_SHARPNESS = 8.0  # of prototypes before any learning, over the mean squared length
_STEP = 4.0  # first rate of the inner loops, which is learnt as well


@dataclass(frozen=True)
class EpisodeReading:
    """How features become what the learners read: centred, turned to the directions in which the
    source rows spread most, and scaled so that a mean row has length one.

    Args:
        mean: of the features (width,).
        turn: (kept, width), with the scale in it.
    """

    mean: Floats
    turn: Floats

    @classmethod
    def of(cls, sets: Sequence[ClassSet]) -> EpisodeReading:
        """By the rows of the classes to learn from."""
        rows = np.concatenate(
            [
                np.asarray(one.features[np.isin(one.labels, one.classes)], dtype=np.float64)
                for one in sets
            ]
        )
        mean = rows.mean(axis=0)
        centred = rows - mean
        spread, directions = np.linalg.eigh(centred.T @ centred)
        spread, directions = spread[::-1], directions.T[::-1]
        kept = int(min(_WIDEST, (spread > 1e-9 * max(spread[0], 1e-12)).sum() or 1))
        scale = math.sqrt(max(float(np.square(centred).sum(axis=1).mean()), 1e-12))
        return cls(mean, directions[:kept] / scale)

    @property
    def width(self) -> int:
        """Numbers of a row that is read."""
        return len(self.turn)

    def read(self, features: Features) -> Tensor:
        """Rows (rows, width of the backbone) as the learners read them (rows, kept)."""
        rows = (np.asarray(features, dtype=np.float64) - self.mean) @ self.turn.T
        return torch.from_numpy(rows.astype(np.float32))

    def fold(self, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """A linear classifier on what is read, as one on the features themselves: (classes, width
        of the backbone) and (classes,).
        """
        raw = weight @ self.turn
        return raw, bias - raw @ self.mean


class TaskLearner(nn.Module, ABC):
    """Learns a task from its labels; its own weights are what earlier tasks have taught it."""

    @abstractmethod
    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        """Logits (rows, ways) of `query` after learning `support` with its `labels`."""


class LinearLearner(TaskLearner):
    """A linear map that is learnt over tasks, and a linear classifier behind it, made for each.

    The map begins as the identity, so before any learning over tasks this is the plain method.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.eye(width))

    @abstractmethod
    def solve(self, mapped: Tensor, labels: Tensor, ways: int) -> tuple[Tensor, Tensor]:
        """Weights (ways, width) and bias (ways,) for mapped rows (rows, width)."""

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        """See `TaskLearner`."""
        weight, bias = self.solve(support @ self.map.T, labels, ways)
        return (query @ self.map.T) @ weight.T + bias

    def head(self, support: Tensor, labels: Tensor, ways: int) -> tuple[Floats, Floats]:
        """The classifier of a task with the map in it: weights (ways, width) and bias (ways,)."""
        with torch.no_grad():
            weight, bias = self.solve(support @ self.map.T, labels, ways)
            whole = weight @ self.map
        return whole.double().numpy(), bias.double().numpy()


def _members(labels: Tensor, ways: int) -> Tensor:
    """Which class each row is of (rows, ways); unlike `one_hot` it can be mapped over episodes."""
    return labels[:, None] == torch.arange(ways)


class Prototypes(LinearLearner):
    """The nearest class mean (Snell et al., 2017).

    Logits are minus the squared distance times a learnt sharpness. The square of the row itself is
    the same for all classes, so they are linear in it: 2 c x - c c.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.sharpness = nn.Parameter(torch.tensor(math.log(_SHARPNESS)))

    def solve(self, mapped: Tensor, labels: Tensor, ways: int) -> tuple[Tensor, Tensor]:
        """Class means as weights."""
        member = _members(labels, ways).to(mapped.dtype)
        means = (member.T @ mapped) / member.sum(dim=0)[:, None]
        sharp = self.sharpness.exp()
        return 2 * sharp * means, -sharp * means.square().sum(dim=1)


class Anil(LinearLearner):
    """MAML whose inner loop moves the classifier alone (Raghu et al., 2020).

    The classifier begins at zero: any start that is the same for all classes gives the same
    softmax at every step, and another one would tie a class to its number. Its gradient is written
    out, so the outer loop differentiates through plain products.
    """

    def __init__(self, width: int, steps: int) -> None:
        super().__init__(width)
        self.steps = steps
        self.rate = nn.Parameter(torch.tensor(math.log(_STEP)))

    def solve(self, mapped: Tensor, labels: Tensor, ways: int) -> tuple[Tensor, Tensor]:
        """Some steps of gradient descent on the cross-entropy, from zero."""
        truth = _members(labels, ways).to(mapped.dtype)
        share = 1 / truth.sum(dim=0)[labels] / ways  # each class counts the same
        weight = mapped.new_zeros(ways, mapped.shape[1])
        bias = mapped.new_zeros(ways)
        rate = self.rate.exp()
        for _ in range(self.steps):
            gap = (functional.softmax(mapped @ weight.T + bias, dim=1) - truth) * share[:, None]
            weight = weight - rate * gap.T @ mapped
            bias = bias - rate * gap.sum(dim=0)
        return weight, bias


class Maml(TaskLearner):
    """A small network over the features, all of which the inner loop moves (Finn et al., 2017).

    Its hidden units begin as turned features, which lose nothing where there are as many of them;
    a few random units with a slow first rate lost ten points before anything was learnt. The
    classifier's rows begin alike, so that a task may have any number of classes.
    """

    def __init__(self, width: int, hidden: int, steps: int, *, first_order: bool) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        nn.init.orthogonal_(self.hidden.weight, math.sqrt(2))
        nn.init.zeros_(self.hidden.bias)
        self.row = nn.Parameter(torch.zeros(hidden))
        self.rate = nn.Parameter(torch.tensor(math.log(_STEP)))
        self.steps, self.first_order = steps, first_order

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        """See `TaskLearner`."""
        weights = {
            "hidden": self.hidden.weight,
            "hidden_bias": self.hidden.bias,
            "rows": self.row.expand(ways, -1),
            "bias": self.row.new_zeros(ways),
        }

        def loss(some: Weights) -> Tensor:
            return functional.cross_entropy(_network(some, support), labels)

        adapted = adapt(loss, weights, self.rate.exp(), self.steps, first_order=self.first_order)
        return _network(adapted, query)


def _network(weights: Weights, rows: Tensor) -> Tensor:
    inside = functional.relu(functional.linear(rows, weights["hidden"], weights["hidden_bias"]))
    return functional.linear(inside, weights["rows"], weights["bias"])
