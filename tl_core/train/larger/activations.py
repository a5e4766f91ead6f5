"""What the backward pass needs of the forward pass: kept, recomputed (Chen et al., 2016), or
recomputed from inputs of blocks that wait in the machine's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import cast

import torch
from torch import nn
from torch.autograd.graph import save_on_cpu
from torch.utils.checkpoint import checkpoint

Forward = Callable[..., object]


class _Recomputed:
    """The forward pass of a block, of which only its inputs are kept."""

    def __init__(self, forward: Forward, *, offload: bool) -> None:
        self._forward, self._offload = forward, offload

    def __call__(self, *inputs: object, **named: object) -> object:
        if not torch.is_grad_enabled():
            return self._forward(*inputs, **named)
        elsewhere = save_on_cpu(pin_memory=torch.cuda.is_available()) if self._offload else None
        with elsewhere or nullcontext():
            once_more = partial(self._forward, **named)
            return cast(object, checkpoint(once_more, *inputs, use_reentrant=False))


@contextmanager
def recomputing(blocks: Sequence[nn.Module], *, offload: bool) -> Iterator[None]:
    """Inside, blocks keep nothing but their inputs for the backward pass and compute the rest
    again, with the same chance; gradients are the same.

    Args:
        blocks: one after another.
        offload: whether the inputs wait in the machine's memory instead of the GPU's.
    """
    for block in blocks:
        block.forward = _Recomputed(block.forward, offload=offload)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


@contextmanager
def keeping(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Inside, blocks keep everything, whatever was said of them before."""
    said = [block.__dict__.pop("forward", None) for block in blocks]
    try:
        yield
    finally:
        for block, forward in zip(blocks, said, strict=True):
            if forward is not None:
                block.forward = forward
