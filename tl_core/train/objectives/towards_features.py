"""DELTA: feature maps stay near those of the pretrained network."""

from __future__ import annotations

import torch
from torch import Tensor

from tl_core.train.objectives.objective import Step
from tl_core.train.objectives.source_network import Maps, SourceNetwork

_SMALLEST = 1e-12  # of a map that is all zero


class FeaturePull:
    """Half the squared distance between feature maps of the network and of the pretrained one on
    the same inputs (Li et al., ICLR 2019), relative to the squared size of the pretrained one's:
    the mean over positions and the sum over channels of both, summed over the depths that are read,
    times `strength`. Maps that changed by as much as they are large cost half of it at each depth.

    Every channel counts alike; the paper also weighs channels by how much the loss rises without
    them, which takes a pass over the data for each channel. It does not divide by the size, so that
    its strength of 0.01 fits the maps of its ResNet alone: those of an EfficientNet's blocks are so
    much larger that it holds the network still.

    Args:
        maps: of the network that is trained.
        source: the pretrained one, read at the same blocks.
        strength: of the pull.
    """

    by_example = True

    def __init__(self, maps: Maps, source: SourceNetwork, strength: float) -> None:
        self._maps, self._source, self._strength = maps, source, strength

    def __call__(self, step: Step) -> Tensor:
        pairs = zip(self._maps.now(), self._source.maps(step), strict=True)
        apart = [
            _size(now.float() - then.float(), step) / _size(then.float(), step).clamp_min(_SMALLEST)
            for now, then in pairs
        ]
        return 0.5 * self._strength * torch.stack(apart).sum(dim=0).mean()


def _size(maps: Tensor, step: Step) -> Tensor:
    """Squared size of maps for each example (batch,): the mean over positions, the sum over
    channels; positions that only fill a text up do not count.
    """
    squares = maps.pow(2)
    mask = step.inputs.get("attention_mask")
    if squares.ndim == 3 and mask is not None and mask.shape == squares.shape[:2]:
        weights = mask.float()
        return (squares.sum(dim=2) * weights).sum(dim=1) / weights.sum(dim=1)
    positions = squares[0].numel() / _channels(squares)
    return squares.flatten(1).sum(dim=1) / positions


def _channels(maps: Tensor) -> int:
    """Channels of maps (batch, channels, height, width), of those with the channels last, or of
    positions (batch, positions, channels).
    """
    last = maps.ndim != 4 or (maps.shape[1] == maps.shape[2] and maps.shape[2] != maps.shape[3])
    return int(maps.shape[-1] if last else maps.shape[1])
