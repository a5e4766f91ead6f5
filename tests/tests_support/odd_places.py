"""Pictures of shapes from several places, each with a light, a contrast and a tint of its own."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests_support.datasets import build

SHAPES = ("disc", "ring", "cross")


@dataclass(frozen=True)
class Place:
    """How pictures of a place look: times `contrast`, plus `light`, and `tint` by channel; `rows`
    of each class in each split.
    """

    contrast: float = 1.0
    light: float = 0.0
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rows: tuple[int, int, int] = (16, 6, 10)


def picture(shape, place, random):
    """A shape on noise, as its place shows it: uint8 (32, 32, 3)."""
    across, down = np.meshgrid(np.arange(32), np.arange(32))
    x, y = across - random.uniform(13, 19), down - random.uniform(13, 19)
    far = np.hypot(x, y)
    inside = {
        "disc": far < 8,
        "ring": (far < 11) & (far > 7),
        "cross": (abs(x) < 2.5) & (abs(y) < 10) | (abs(y) < 2.5) & (abs(x) < 10),
    }[shape]
    values = random.uniform(60, 110, (32, 32, 3))
    values[inside] += 110
    values = values * place.contrast + place.light + np.array(place.tint)
    return np.clip(values, 0, 255).astype(np.uint8)


def write(root, places, lies=()):
    """Pictures in a folder with a table of class, split and place; training items of the places in
    `lies` are given wrong classes.
    """
    root.mkdir(parents=True)
    random, lines = np.random.default_rng(0), []
    for name, place in places.items():
        for shape, other in zip(SHAPES, SHAPES[1:] + SHAPES[:1], strict=True):
            for split, count in zip(("train", "validation", "test"), place.rows, strict=True):
                for number in range(count):
                    file = f"{name}-{shape}-{split}-{number}.png"
                    Image.fromarray(picture(shape, place, random)).save(root / file)
                    wrong = name in lies and split == "train"
                    lines.append((file, other if wrong else shape, split, name))
    with (root / "metadata.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([("file_name", "label", "split", "place"), *lines])
    return root


def built(folder, places, **more):
    """The same as a version."""
    return build(write(folder / "pictures", places, **more), folder / "version")
