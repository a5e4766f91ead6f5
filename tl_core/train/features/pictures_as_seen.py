"""The user's own pictures as the model will see them, before any training."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from tl_core.backbones.encoding import encode_images
from tl_core.backbones.open import load_processor
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.settings import Settings
from tl_core.train.features.augment import RECIPES, vary_colour, vary_shape
from tl_core.train.features.pixels import View, measure_view, shrunk
from tl_core.train.probe.probing import spread

_PICTURES, _DRAWS = 4, 4


def preview(
    reference: str, settings: Settings, folder: Path, augment: str, seed: int = 0
) -> list[list[bytes]]:
    """For each of a few training pictures: PNGs of what judges, and of some variations that
    training draws.
    """
    processor = load_processor(resolve_folder(parse_reference(reference), settings), "image")
    version, view = DatasetVersion(folder), measure_view(processor)
    rows = version.rows_of("train")
    places = spread(len(rows), _PICTURES)
    out = []
    for place, row in zip(places, rows[places], strict=True):
        picture = open_image(version.image_bytes(int(row)))
        plain = view.to_bytes(encode_images(processor, [picture])["pixel_values"])[0]
        out.append(
            [
                _png(plain),
                *(
                    _png(_varied(picture, augment, view, [seed, epoch, int(place)]))
                    for epoch in range(_DRAWS)
                    if RECIPES[augment].crop
                ),
            ]
        )
    return out


def _varied(picture: Image.Image, augment: str, view: View, draw: list[int]) -> Tensor:
    """Exactly what an epoch of training would make of it."""
    random, recipe = np.random.default_rng(draw), RECIPES[augment]
    return vary_colour(
        vary_shape(shrunk(picture, view), recipe, view, random).unsqueeze(0), recipe, [random]
    )[0]


def _png(pixels: Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.round().byte().permute(1, 2, 0).numpy()).save(buffer, "PNG")
    return buffer.getvalue()
