"""Photos without a pretrained network: colours, edges and a coarse picture."""

from __future__ import annotations

import numpy as np

from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints

_SIDE = 32
_CELLS, _ORIENTATIONS = 4, 8


def photo_matrix(version: DatasetVersion, rows: Ints, progress: Progress) -> Floats:
    """`picture_features` of each row (rows, 408)."""
    features = []
    for number, row in enumerate(rows, 1):
        features.append(picture_features(version.image_bytes(int(row))))
        if number % 64 == 0:
            progress.batch(number, len(rows))
    return np.array(features) if features else np.zeros((0, 1))


def picture_features(data: bytes) -> Floats:
    """Colour histogram (3 x 8), gradient orientations (4 x 4 x 8) and a 16 x 16 grey picture: 408
    numbers.
    """
    picture = np.asarray(open_image(data).resize((_SIDE, _SIDE)), dtype=np.float64) / 255
    colours = [
        np.histogram(picture[..., channel], bins=8, range=(0, 1))[0] / _SIDE**2
        for channel in range(3)
    ]
    grey = picture.mean(axis=2)
    down, across = np.gradient(grey)
    strength, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    bins = np.minimum((angle / np.pi * _ORIENTATIONS).astype(int), _ORIENTATIONS - 1)
    cell = np.arange(_SIDE) * _CELLS // _SIDE
    place = (cell[:, None] * _CELLS + cell[None, :]) * _ORIENTATIONS + bins
    counts = np.bincount(
        place.ravel(), weights=strength.ravel(), minlength=_CELLS**2 * _ORIENTATIONS
    )
    gradients = counts / (np.sqrt((counts**2).sum()) + 1e-6)
    coarse = grey.reshape(16, 2, 16, 2).mean(axis=(1, 3)).ravel()
    return np.concatenate([*colours, gradients, coarse])
