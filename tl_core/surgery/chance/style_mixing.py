"""MixStyle (Zhou et al., ICLR 2021): the style of a picture, mean and spread of each channel of its
early feature maps, is mixed with that of another picture of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_ALPHA = 0.1  # of the Beta distribution, as in the paper: mostly one style or the other
_SMALL = 1e-6


@contextmanager
def mixed_styles(model: nn.Module, blocks: list[nn.Module], share: float) -> Iterator[None]:
    """Inside, what `blocks` give is mixed while `model` is trained; in eval mode and afterwards the
    network is what it always was.

    Args:
        model: that is trained as a whole.
        blocks: early ones, which give maps (batch, channels, height, width).
        share: of the passes in which a block mixes.
    """

    def mix(_block: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        if not model.training or float(torch.rand(())) >= share:
            return output
        return mix_styles(output)

    handles = [block.register_forward_hook(mix) for block in blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def mix_styles(maps: Tensor) -> Tensor:
    """Maps (batch, channels, height, width) of which each takes on a mixture of its own style and
    of that of another one, drawn at random.
    """
    styles = maps.detach().float()
    mean = styles.mean(dim=(2, 3), keepdim=True)
    spread = (styles.var(dim=(2, 3), keepdim=True) + _SMALL).sqrt()
    own = torch.distributions.Beta(_ALPHA, _ALPHA).sample((len(maps), 1, 1, 1)).to(maps.device)
    other = torch.randperm(len(maps), device=maps.device)
    bare = (maps - mean) / spread
    mixed: Tensor = bare * spread.lerp(spread[other], 1 - own) + mean.lerp(mean[other], 1 - own)
    return mixed.to(maps.dtype)
