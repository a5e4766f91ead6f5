"""Minimum class confusion: answers about the target should not waver between two classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tl_core.train.objectives.objective import Step
from tl_core.train.objectives.target_reading import TargetReader

TEMPERATURE = 2.5  # of the paper


def class_confusion(logits: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """How often two classes are thought of at once (Jin et al., ECCV 2020), a scalar.

    Args:
        logits: (batch, classes) of items without labels.
        temperature: that they are divided by.
    """
    said = functional.softmax(logits / temperature, dim=1)
    unsure = -(said * said.clamp(min=1e-8).log()).sum(dim=1)
    weights = (1 + torch.exp(-unsure)).detach()
    weights = len(said) * weights / weights.sum()  # the surer ones count more
    together = (said * weights[:, None]).T @ said
    together = together / together.sum(dim=1, keepdim=True)
    return (together.sum() - together.trace()) / said.shape[1]


class ClassConfusion:
    """Class confusion on items of the target, times `strength`."""

    by_example = False

    def __init__(self, target: TargetReader, strength: float) -> None:
        self._target, self._strength = target, strength or 1.0

    def __call__(self, step: Step) -> Tensor:
        return self._strength * class_confusion(self._target(step)[1])
