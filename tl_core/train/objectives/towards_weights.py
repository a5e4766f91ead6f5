"""Pulls of the weights towards zero, or towards the pretrained ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tl_core.train.objectives.objective import Step


class WeightPull:
    """Half the squared distance of weights to where they should stay, times `strength`.

    `l2` pulls all moving weights to zero; `l2-sp` (Li et al., 2018) pulls the pretrained ones to
    their start and leaves new ones, which have none, to weight decay.

    Args:
        model: whose present weights are the start.
        names: of the weights that move.
        new: names of those among them that no pretraining has seen.
        kind: l2 or l2-sp.
        strength: alpha of the paper.
    """

    by_example = True

    def __init__(
        self, model: nn.Module, names: set[str], new: set[str], kind: str, strength: float
    ) -> None:
        pulled = names if kind == "l2" else names - new
        self._pairs = [
            (parameter, None if kind == "l2" else parameter.detach().clone())
            for name, parameter in model.named_parameters()
            if name in pulled
        ]
        self._strength = strength

    def __call__(self, step: Step) -> Tensor:
        """The pull now, a scalar; parts that do not move yet are left out."""
        parts = [
            (parameter if start is None else parameter - start).pow(2).sum()
            for parameter, start in self._pairs
            if parameter.requires_grad
        ]
        zero = torch.zeros((), device=step.logits.device)
        return 0.5 * self._strength * torch.stack(parts).sum() if parts else zero
