"""Variations of training pictures: a crop and turns for each picture, colours for a whole batch at
once.

Every draw comes from seed, epoch and position, never from a generator's state, so that a resumed
run sees the same pictures. Pictures that judge are never varied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Batch, Examples, Key
from tl_core.train.features.pixels import View

_MIXUP_ALPHA, _CUTMIX_ALPHA = 0.2, 1.0  # Zhang et al. 2018; Yun et al. 2019
_ERASED = 0.25


@dataclass(frozen=True)
class Recipe:
    """How far pictures vary: smallest share of the area that a crop keeps (0: no crop at all),
    chance of mirroring, largest turn in degrees, largest change of brightness, contrast and
    saturation, chance of an erased rectangle.
    """

    crop: float
    flip: float
    turn: float
    colour: float
    erase: float


RECIPES: dict[str, Recipe] = {
    "none": Recipe(0.0, 0.0, 0.0, 0.0, 0.0),
    "light": Recipe(0.7, 0.5, 0.0, 0.1, 0.0),
    "standard": Recipe(0.4, 0.5, 0.0, 0.2, 0.0),
    "strong": Recipe(0.2, 0.5, 15.0, 0.4, 0.25),
    "orientation matters": Recipe(0.5, 0.0, 0.0, 0.2, 0.0),
    "colour matters": Recipe(0.4, 0.5, 10.0, 0.0, 0.0),
}


class ImageExamples(Examples):
    """Batches of picture tensors.

    Args:
        read: position to whole picture (3, h, w) when `kind` varies pictures, else positions to
            what the processor makes of them (batch, 3, height, width); both bytes.
        labels: class numbers (examples,).
        view: the model's input.
        kind: a name of `RECIPES`.
        mix: none, mixup or cutmix; batches then also hold `mixed_labels` and `kept`, the share of
        the first label.
        seed: decides all draws, with epoch and position.
    """

    def __init__(
        self,
        read: Callable[[Any], Tensor],
        labels: Ints,
        view: View,
        kind: str = "none",
        mix: str = "none",
        seed: int = 0,
    ) -> None:
        self.read, self.labels, self.view = read, labels, view
        self.recipe, self.mix, self.seed = RECIPES[kind], mix, seed

    def __getitems__(self, keys: list[Key]) -> Batch:
        places = np.array([place for _, place in keys])
        draws = [np.random.default_rng([self.seed, epoch, place]) for epoch, place in keys]
        if self.recipe.crop:
            pixels = torch.stack(
                [
                    vary_shape(self.read(int(place)), self.recipe, self.view, draw)
                    for place, draw in zip(places, draws, strict=True)
                ]
            )
            inputs = self.view.normalise(vary_colour(pixels, self.recipe, draws))
        else:
            inputs = self.view.normalise(self.read(places))
        batch = {"pixel_values": inputs, "labels": torch.from_numpy(self.labels[places])}
        if self.mix != "none" and len(keys) > 1:
            _blend(batch, self.mix, np.random.default_rng([self.seed, *keys[0], len(keys)]))
        batch["pixel_values"] = batch["pixel_values"].contiguous(memory_format=torch.channels_last)
        return batch


def vary_shape(picture: Tensor, recipe: Recipe, view: View, draw: np.random.Generator) -> Tensor:
    """A random part of a picture (3, h, w) of bytes, turned and mirrored, at the model's size."""
    from torchvision.transforms.v2 import functional as F

    angle = draw.uniform(-recipe.turn, recipe.turn)
    if recipe.turn:
        picture = F.rotate(picture, angle, interpolation=F.InterpolationMode.BILINEAR)
    top, left, height, width = _part(picture.shape[1], picture.shape[2], recipe.crop, draw)
    out: Tensor = F.resized_crop(
        picture, top, left, height, width, [view.height, view.width], antialias=True
    )
    if draw.random() < recipe.flip:
        out = out.flip(-1)
    if draw.random() < recipe.erase:
        top, left, height, width = _part(view.height, view.width, 0.02, draw, most=_ERASED)
        out[:, top : top + height, left : left + width] = 127
    return out


def _part(
    height: int, width: int, least: float, draw: np.random.Generator, most: float = 1.0
) -> tuple[int, int, int, int]:
    """A random rectangle: top, left, height, width; its sides differ by at most 4 : 3 where it
    fits.
    """
    area, ratio = (
        draw.uniform(least, most) * height * width,
        np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3))),
    )
    tall = min(max(round(float(np.sqrt(area / ratio))), 1), height)
    wide = min(max(round(float(np.sqrt(area * ratio))), 1), width)
    return (
        int(draw.integers(0, height - tall + 1)),
        int(draw.integers(0, width - wide + 1)),
        tall,
        wide,
    )


def vary_colour(pixels: Tensor, recipe: Recipe, draws: list[np.random.Generator]) -> Tensor:
    """Brightness, contrast and saturation of a batch of bytes, as floats 0-255, one factor each for
    each picture.
    """
    values = pixels.float()
    if not recipe.colour:
        return values
    factors = (
        torch.tensor(
            np.array([draw.uniform(1 - recipe.colour, 1 + recipe.colour, 3) for draw in draws]),
            dtype=torch.float32,
        )
        .view(-1, 3, 1, 1, 1)
        .unbind(1)
    )
    values = values * factors[0]
    values = torch.lerp(values.mean(dim=(1, 2, 3), keepdim=True), values, factors[1])
    grey = (values * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return torch.lerp(grey, values, factors[2]).clamp_(0, 255)


def _blend(batch: Batch, mix: str, draw: np.random.Generator) -> None:
    """Mix a batch with a shuffled copy of itself, in place."""
    order = torch.from_numpy(draw.permutation(len(batch["labels"])))
    pixels = batch["pixel_values"]
    if mix == "mixup":
        kept = float(draw.beta(_MIXUP_ALPHA, _MIXUP_ALPHA))
        batch["pixel_values"] = kept * pixels + (1 - kept) * pixels[order]
    else:
        height, width = pixels.shape[2:]
        side = np.sqrt(1 - draw.beta(_CUTMIX_ALPHA, _CUTMIX_ALPHA))
        tall, wide = int(height * side), int(width * side)
        top, left = (
            int(draw.integers(0, height - tall + 1)),
            int(draw.integers(0, width - wide + 1)),
        )
        pixels[:, :, top : top + tall, left : left + wide] = pixels[order][
            :, :, top : top + tall, left : left + wide
        ]
        kept = 1 - tall * wide / (height * width)
    batch["mixed_labels"] = batch["labels"][order]
    batch["kept"] = torch.tensor(kept)
