"""Knowledge distillation (Hinton et al., 2015): a student learns the probabilities of a teacher,
softened by a temperature, beside the labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tl_core.train.arrays import Floats, Ints
from tl_core.train.features.examples import TEACHER, Batch, Examples, Key
from tl_core.train.objectives.objective import Step

_LEAST = 1e-9  # of a probability, so that its logarithm is a number


@dataclass(frozen=True)
class Teaching:
    """The temperature, and the share of the teacher in the loss; the rest is that of the labels."""

    temperature: float
    share: float


def taught_losses(hard: Tensor, logits: Tensor, teacher: Tensor, teaching: Teaching) -> Tensor:
    """Loss of each example (batch,): share * T^2 * KL(teacher, student) + (1 - share) * `hard`.

    T^2 keeps the gradient of the soft part as large whatever the temperature is (Hinton et al.,
    2015, section 2).

    Args:
        hard: loss of the labels (batch,).
        logits: of the student (batch, classes).
        teacher: its probabilities at temperature 1 (batch, classes); a softmax of their logarithms
            over T is that of its logits over T.
        teaching: temperature and share.
    """
    heat = teaching.temperature
    aim = functional.log_softmax(teacher.float().clamp(min=_LEAST).log() / heat, dim=-1)
    said = functional.log_softmax(logits.float() / heat, dim=-1)
    soft = functional.kl_div(said, aim, reduction="none", log_target=True).sum(dim=-1)
    return teaching.share * heat**2 * soft + (1 - teaching.share) * hard


class FromTeacher:
    """Adds to the loss of a training what turns its labels' loss into the mixture of labels and
    teacher, for examples that bring the teacher's answers along.
    """

    by_example = True

    def __init__(self, teaching: Teaching) -> None:
        self._teaching = teaching

    def __call__(self, step: Step) -> Tensor:
        """The mean of what is added."""
        taught = taught_losses(step.losses, step.logits, step.extras[TEACHER], self._teaching)
        return (taught - step.losses).mean()


class TaughtExamples(Examples):
    """Examples that bring along what the teacher says of them.

    Args:
        own: the examples.
        probabilities: of the teacher (examples, classes).
    """

    def __init__(self, own: Examples, probabilities: Floats) -> None:
        self._own, self.labels = own, own.labels
        self._said = torch.from_numpy(np.asarray(probabilities, np.float32))

    @property
    def lengths(self) -> Ints | None:
        """What each takes in a batch."""
        return self._own.lengths

    def __getitems__(self, keys: list[Key]) -> Batch:
        batch = self._own.__getitems__(keys)
        return {**batch, TEACHER: self._said[[place for _, place in keys]]}
