"""DeepCORAL: the features of two domains are given the same correlations; and CORAL across all
domains that a training learns from.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from tl_core.train.objectives.objective import Step
from tl_core.train.objectives.target_reading import TargetReader


def correlation_distance(source: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance of the covariances of two batches (batch, width), over four times
    the squared width (Sun and Saenko, 2016).
    """
    width = source.shape[1]
    apart = torch.cov(source.T) - torch.cov(target.T)
    return apart.pow(2).sum() / (4 * width**2)


class DeepCoral:
    """The correlation distance of a batch and items of the target, times `strength`.

    Args:
        target: items of it.
        strength: of the whole; 0 takes the width of the features, since the paper weighs the
            distance until both losses are alike, and it shrinks with the width.
    """

    by_example = False

    def __init__(self, target: TargetReader, strength: float) -> None:
        self._target, self._strength = target, strength

    def __call__(self, step: Step) -> Tensor:
        strength = self._strength or step.features.shape[1]
        if len(step.features) < 2:  # a single item has no covariance
            return step.features.sum() * 0
        return strength * correlation_distance(step.features, self._target(step)[0])


class DomainsAlike:
    """CORAL across training domains, as DomainBed has it (Gulrajani and Lopez-Paz, ICLR 2021).

    Over all pairs of domains that a batch holds at least two items of: the mean square of the
    difference of means, plus that of the difference of covariances; on average, times `strength`.
    """

    by_example = False

    def __init__(self, strength: float) -> None:
        self._strength = strength

    def __call__(self, step: Step) -> Tensor:
        domains = step.extras["domains"]
        parts = [step.features[domains == one] for one in torch.unique(domains)]
        apart = [
            (one.mean(dim=0) - other.mean(dim=0)).pow(2).mean()
            + (torch.cov(one.T) - torch.cov(other.T)).pow(2).mean()
            for one, other in combinations([part for part in parts if len(part) > 1], 2)
        ]
        if not apart:
            return step.features.sum() * 0
        return self._strength * torch.stack(apart).mean()
