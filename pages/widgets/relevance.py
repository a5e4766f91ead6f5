"""How relevance is drawn: over a picture, or behind the words of a text."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages.shell.words import plain

_SIDE = 320
_FAINT = 0.2
_STRONG, _CLEAR = 0.6, 0.25  # of the most relevant word


def strength(relevance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How strongly each part is drawn, 0 to 1: what has less than a fifth of the most relevance is
    left grey, the share by which class activation maps are cut for finding objects (Zhou et al.,
    CVPR 2016).
    """
    positive = np.clip(relevance, 0, None)
    if positive.max() <= 0:
        return positive
    drawn: NDArray[np.float64] = np.clip(positive / positive.max() - _FAINT, 0, None)
    return drawn / (1 - _FAINT)


def overlay(picture: Image.Image, relevance: NDArray[np.float64]) -> bytes:
    """The picture, grey where nothing speaks for the label and in colour where most does, as
    PNG.
    """
    picture = picture.copy()
    picture.thumbnail((_SIDE, _SIDE))
    mask = Image.fromarray((255 * strength(relevance)).astype(np.uint8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    faded = Image.blend(
        picture.convert("L").convert("RGB"), Image.new("RGB", picture.size, "white"), 0.55
    )
    buffer = io.BytesIO()
    Image.composite(picture, faded, mask).save(buffer, "PNG")
    return buffer.getvalue()


def marked(words: list[str], relevance: list[float]) -> str:
    """The text in Markdown, words on a green ground where they speak for the label, on an orange
    one where against.
    """
    most = max(map(abs, relevance), default=0.0) or 1.0
    out = []
    for word, value in zip(words, relevance, strict=True):
        share, colour = abs(value) / most, "green" if value > 0 else "orange"
        text = plain(word)
        out.append(
            f":{colour}-background[**{text}**]"
            if share >= _STRONG
            else f":{colour}-background[{text}]"
            if share >= _CLEAR
            else text
        )
    return " ".join(out)
