"""Batch spectral shrinkage (BSS): the smallest singular values of a batch's features, pushed
down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tl_core.train.objectives.objective import Step


class SpectralShrinkage:
    """`strength` times the sum of the `values` smallest squared singular values of the features
    (Chen et al., NeurIPS 2019).

    About a batch as a set: parts of a batch have singular values of their own.
    """

    by_example = False

    def __init__(self, strength: float, values: int = 1) -> None:
        self._strength, self._values = strength, values

    def __call__(self, step: Step) -> Tensor:
        singular: Tensor = torch.linalg.svdvals(step.features)  # the largest first
        return self._strength * singular[-self._values :].pow(2).sum()
