"""Stochastic normalisation (Kou et al., NeurIPS 2020): in each step some channels of batch
normalisation are scaled by the running statistics, the others by those of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tl_core.surgery.modes import norms_of


@contextmanager
def stochastic_norms(model: nn.Module, share: float) -> Iterator[None]:
    """Inside, batch normalisation of `model` chooses anew in each pass of a training; afterwards,
    and in eval mode, it is what it always was.

    Args:
        model: that is trained as a whole; layers alone that are in training mode, as while
            statistics are computed anew, choose nothing.
        share: of the channels that the running statistics scale.
    """
    norms = norms_of(model)
    for norm in norms:
        norm.forward = _choosing(model, norm, norm.forward, share)
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _choosing(
    model: nn.Module, norm: nn.Module, plain: Callable[[Tensor], Tensor], share: float
) -> Callable[[Tensor], Tensor]:
    """The forward pass of one layer; what follows inside it works channel by channel, so that
    choosing behind it is choosing before it.
    """

    def forward(maps: Tensor) -> Tensor:
        if not (model.training and norm.training):
            return plain(maps)
        by_running = _by_running(norm, plain, maps)
        by_batch = plain(maps)
        shape = (1, maps.shape[1], *(1,) * (maps.ndim - 2))
        chosen = torch.rand(shape, device=maps.device) < share
        return torch.where(chosen, by_running, by_batch)

    return forward


def _by_running(norm: nn.Module, plain: Callable[[Tensor], Tensor], maps: Tensor) -> Tensor:
    """The layer in eval mode, on copies of statistics that the batch is about to move."""
    own = {name: norm._buffers[name] for name in ("running_mean", "running_var")}
    norm._buffers.update({name: value.clone() for name, value in own.items() if value is not None})
    norm.training = False
    try:
        return plain(maps)
    finally:
        norm.training = True
        norm._buffers.update(own)
