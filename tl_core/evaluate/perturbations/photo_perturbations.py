"""Photos made worse, after the kinds of Hendrycks and Dietterich (ICLR 2019)."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from tl_core.evaluate.perturbations.item_perturbations import Perturbations, Random

_SIDE = 224  # pixels that blur is scaled to, whatever the picture's size


def _noise(picture: Image.Image, level: int, random: Random) -> Image.Image:
    values = np.asarray(picture, dtype=np.float64)
    values = values + random.normal(scale=(10, 25, 50)[level], size=values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _blur(picture: Image.Image, level: int, _random: Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur((1, 2, 4)[level] * min(picture.size) / _SIDE))


def _darker(picture: Image.Image, level: int, _random: Random) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance((0.7, 0.5, 0.3)[level])


def _brighter(picture: Image.Image, level: int, _random: Random) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance((1.3, 1.7, 2.2)[level])


def _flat(picture: Image.Image, level: int, _random: Random) -> Image.Image:
    return ImageEnhance.Contrast(picture).enhance((0.7, 0.45, 0.25)[level])


def _jpeg(picture: Image.Image, level: int, _random: Random) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=(40, 20, 8)[level])
    return Image.open(buffer).convert("RGB")


def _rotated(picture: Image.Image, level: int, random: Random) -> Image.Image:
    angle = (5, 15, 30)[level] * (1 if random.random() < 0.5 else -1)
    return picture.rotate(angle, Image.Resampling.BILINEAR)


def _cropped(picture: Image.Image, level: int, random: Random) -> Image.Image:
    share = (0.9, 0.75, 0.6)[level]
    width, height = (max(1, round(share * side)) for side in picture.size)
    left, top = (
        int(random.integers(0, full - part + 1))
        for full, part in zip(picture.size, (width, height), strict=True)
    )
    return picture.crop((left, top, left + width, top + height))


PHOTO_PERTURBATIONS: Perturbations[Image.Image] = Perturbations(
    {
        "noise": _noise,
        "blur": _blur,
        "darker": _darker,
        "brighter": _brighter,
        "less contrast": _flat,
        "JPEG artefacts": _jpeg,
        "rotated": _rotated,
        "cropped": _cropped,
    }
)
