"""Which places of a picture speak for an answer: Grad-CAM, and occlusion (Zeiler and Fergus, ECCV
2014), which needs nothing but answers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tl_core.backbones.classifier import Classifier
from tl_core.predict.explanations.grad_cam import GRID, grad_cam
from tl_core.predict.explanations.relevance import Floats, Maps, log_odds, randomised

_WINDOW = 2  # cells that are covered at once


def picture_maps(classifier: Classifier, picture: Image.Image, place: int) -> Maps:
    """Maps (GRID, GRID) of a picture for class number `place`."""
    noise = grad_cam(randomised(classifier.model), classifier, picture, place)
    cam = grad_cam(classifier.model, classifier, picture, place)
    return [
        ("occlusion", occlusion(classifier, picture, place), None),
        ("Grad-CAM", cam, None),
    ], noise


def occlusion(classifier: Classifier, picture: Image.Image, place: int) -> Floats:
    """How much the log odds fall when each part of the picture is covered with its mean colour."""
    values = np.asarray(picture)
    mean, edges = values.mean(axis=(0, 1)).astype(np.uint8), _edges(values.shape)
    corners = [(i, j) for i in range(GRID - _WINDOW + 1) for j in range(GRID - _WINDOW + 1)]
    covered = []
    for i, j in corners:
        changed = values.copy()
        changed[edges[0][i] : edges[0][i + _WINDOW], edges[1][j] : edges[1][j + _WINDOW]] = mean
        covered.append(Image.fromarray(changed))
    drops = log_odds(classifier, [picture], place) - log_odds(classifier, covered, place)
    total, count = np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
    for (i, j), drop in zip(corners, drops, strict=True):
        total[i : i + _WINDOW, j : j + _WINDOW] += drop
        count[i : i + _WINDOW, j : j + _WINDOW] += 1
    mean_drop: Floats = total / count
    return mean_drop


def blurred(picture: Image.Image, parts: NDArray[np.int64]) -> Image.Image:
    """A picture with some cells blurred beyond recognition."""
    blur = np.asarray(picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 8)))
    values, edges = np.array(picture), _edges(np.asarray(picture).shape)
    for part in parts:
        i, j = divmod(int(part), GRID)
        spot = (slice(edges[0][i], edges[0][i + 1]), slice(edges[1][j], edges[1][j + 1]))
        values[spot] = blur[spot]
    return Image.fromarray(values)


def _edges(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Borders of the cells in pixels, down and across."""
    down, across = (np.linspace(0, side, GRID + 1).round().astype(np.int64) for side in shape[:2])
    return down, across
