"""Worse versions of items, as they may come in use: three severities each, the same every time.

Pictures follow the kinds of Hendrycks and Dietterich (ICLR 2019), texts those of CheckList (Ribeiro
et al., ACL 2020).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

SEVERITIES = (1, 2, 3)
_SIDE = 224  # pixels that blur is scaled to, whatever the picture's size
Random = np.random.Generator
Item = TypeVar("Item", Image.Image, str)


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


def _typos(text: str, level: int, random: Random) -> str:
    """Neighbouring letters change places in some words."""
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and random.random() < (0.1, 0.25, 0.5)[level]:
            at = int(random.integers(1, len(word) - 2))
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _case(text: str, level: int, _random: Random) -> str:
    return (text.lower, text.title, text.upper)[level]()


def _punctuation(text: str, level: int, random: Random) -> str:
    """None at the end, none at all, or too much of it."""
    if level == 0:
        return text.rstrip(" .,!?;:") or text
    if level == 1:
        return "".join(sign for sign in text if sign.isalnum() or sign.isspace()).strip() or text
    return "".join(
        word + (str(random.choice(list("!?.,"))) * 2 if random.random() < 0.4 else "") + " "
        for word in text.split()
    ).strip()


def _truncated(text: str, level: int, _random: Random) -> str:
    words = text.split()
    return " ".join(words[: max(1, round((0.75, 0.5, 0.25)[level] * len(words)))])


def _dropped(text: str, level: int, random: Random) -> str:
    words = text.split()
    kept = [word for word in words if random.random() >= (0.1, 0.25, 0.5)[level]]
    return " ".join(kept or words[:1])


PICTURES: dict[str, Callable[[Image.Image, int, Random], Image.Image]] = {
    "noise": _noise,
    "blur": _blur,
    "darker": _darker,
    "brighter": _brighter,
    "less contrast": _flat,
    "JPEG artefacts": _jpeg,
    "rotated": _rotated,
    "cropped": _cropped,
}
TEXTS: dict[str, Callable[[str, int, Random], str]] = {
    "typos": _typos,
    "letter case": _case,
    "punctuation": _punctuation,
    "cut short": _truncated,
    "words missing": _dropped,
}


def worsen(item: Item, kind: str, severity: int, number: int) -> Item:
    """One item made worse.

    Args:
        item: an RGB picture or a text.
        kind: a name of `PICTURES` or `TEXTS`.
        severity: 1 to 3.
        number: of the item; with kind and severity it fixes every draw.
    """
    kinds = list(TEXTS if isinstance(item, str) else PICTURES)
    random = np.random.default_rng([kinds.index(kind), severity, number])
    if isinstance(item, str):
        return TEXTS[kind](item, severity - 1, random)
    return PICTURES[kind](item, severity - 1, random)
