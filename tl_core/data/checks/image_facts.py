"""Facts about each picture from one cheap decoding: size, light, sharpness, and a fingerprint that
survives resaving.

The fingerprint is the perceptual hash of Zauner (2010, "Implementation and benchmarking of
perceptual image hash functions"): the signs of the 64 lowest frequencies of a 32 x 32 grey copy,
against their median.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tl_core.data.pictures.images import open_small

_SIDE, _LOW = 32, 8
_GRID = 4
_WORKING_SIDE = 128
_COSINES = np.cos(np.pi / _SIDE * (np.arange(_SIDE) + 0.5) * np.arange(_LOW)[:, None])
_BITS = np.uint64(1) << np.arange(_LOW * _LOW, dtype=np.uint64)


@dataclass(frozen=True)
class PictureFacts:
    """`light` and `contrast` are mean and standard deviation of grey (0 to 255); `sharpness` is the
    variance of the Laplacian at 128 pixels (Pech-Pacheco 2000) as a share of the variance of grey,
    so that dark pictures are not taken for blurred ones; `look` is a perceptual hash; `colours` a 4
    x 4 copy in RGB.
    """

    width: int
    height: int
    light: float
    contrast: float
    sharpness: float
    look: int
    colours: bytes


def picture_facts(data: bytes) -> PictureFacts:
    """Decode all of `data`, JPEG at a fraction of its size, and measure it.

    Raises:
        DataError: for anything that is not a whole picture of a supported format and sane size.
    """
    image, (width, height) = open_small(data, _WORKING_SIDE)
    scale = _WORKING_SIDE / min(image.size)
    if scale < 1:
        image = image.resize(
            (
                max(_WORKING_SIDE, round(image.width * scale)),
                max(_WORKING_SIDE, round(image.height * scale)),
            ),
            resample=2,
            reducing_gap=1.5,
        )
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    return PictureFacts(
        width,
        height,
        float(grey.mean()),
        float(grey.std()),
        _sharpness(grey),
        _perceptual(image),
        image.resize((_GRID, _GRID), resample=4).tobytes(),
    )


def _sharpness(grey: NDArray[np.float32]) -> float:
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float(laplacian.var() / max(float(grey.var()), 1e-6))


def _perceptual(image: Image.Image) -> int:
    """The 64 bits of the hash; bit 0 is the mean and says nothing, so it is left 0."""
    small = np.asarray(image.convert("L").resize((_SIDE, _SIDE), resample=4), dtype=np.float64)
    frequencies = (_COSINES @ small @ _COSINES.T).ravel()
    bits = frequencies > np.median(frequencies[1:])
    bits[0] = False
    return int((_BITS * bits).sum(dtype=np.uint64))
