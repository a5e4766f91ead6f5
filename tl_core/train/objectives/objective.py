"""What an addition to the loss is given of a step, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from tl_core.train.features.examples import Batch
from tl_core.train.objectives.head_input import HeadInput


@dataclass(frozen=True)
class Moment:
    """Where a training stands: passes that were made before this one, whether this one begins a
    step, and the share of all steps that are done.
    """

    passes: int
    begins: bool
    share: float


@dataclass(frozen=True)
class Pass:
    """One forward pass of a training, over a batch or a part of one.

    Args:
        inputs: of the network, (batch, ...) each.
        labels: of the examples (batch, ...).
        logits: (batch, classes).
        losses: of the examples (batch,), by their labels.
        bf16: whether it was made in bf16.
        extras: what a batch brings beside inputs and labels (`examples.EXTRAS`).
        moment: when in the training; None while only time and memory are measured.
    """

    inputs: Batch
    labels: Tensor
    logits: Tensor
    losses: Tensor
    bf16: bool = False
    extras: Batch = field(default_factory=dict)
    moment: Moment | None = None


@dataclass(frozen=True, eq=False)
class Step(Pass):
    """A pass with what the classifier read in it, float32 (batch, width); empty unless asked
    for.
    """

    features: Tensor = field(default_factory=lambda: torch.zeros(0))


class Objective(Protocol):
    """Adds to the loss of a fine-tuning.

    `by_example` says that it is a mean over examples (or of no example at all), so that the parts
    of a batch add up to exactly the gradient of the whole; otherwise it is about a batch as a set,
    and each part is taken for itself.
    """

    by_example: bool

    def __call__(self, step: Step) -> Tensor:
        """What is added, a scalar: a mean over the examples of the pass."""
        ...


@runtime_checkable
class Learner(Protocol):
    """An objective that changes on the way, which a checkpoint must hold."""

    def stepped(self) -> None:
        """Called after each step of the network's own weights."""
        ...

    def state(self) -> dict[str, Tensor]:
        """All that changes."""
        ...

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        ...


@dataclass(frozen=True)
class Objectives:
    """All that a training adds to its loss; false where that is nothing, which then costs nothing.

    `head_input` is there when an objective reads the features.
    """

    parts: list[Objective] = field(default_factory=list)
    head_input: HeadInput | None = None

    def __bool__(self) -> bool:
        return bool(self.parts)

    def added(self, made: Pass) -> Tensor:
        """The sum of all parts for the pass that has just been made, a scalar."""
        step = Step(**vars(made))
        if self.head_input is not None:
            step = replace(step, features=self.head_input.features(made.inputs))
        return torch.stack([part(step) for part in self.parts]).sum()

    def stepped(self) -> None:
        """Called after each step of the network's own weights."""
        for learner in self._learners().values():
            learner.stepped()

    def state(self) -> dict[str, Tensor]:
        """All that changes beside the network."""
        return {
            f"{place}.{name}": value
            for place, learner in self._learners().items()
            for name, value in learner.state().items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        for place, learner in self._learners().items():
            start = f"{place}."
            learner.restore(
                {
                    name.removeprefix(start): value
                    for name, value in state.items()
                    if name.startswith(start)
                }
            )

    def _learners(self) -> dict[int, Learner]:
        return {place: part for place, part in enumerate(self.parts) if isinstance(part, Learner)}


NOTHING = Objectives()
