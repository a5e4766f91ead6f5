"""A picture dataset with a known number of faults of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

LEAKS, CONFLICTS, NEAR, CORRUPT = 20, 15, 10, 5


def plant_pictures(root: Path) -> None:
    """Folders train and test of the classes Spots, spots and stripes: 20 pictures of train also in
    test, 15 pictures under both classes, 10 pictures saved again as small JPEG, 5 broken files, and
    one class spelt in two ways.
    """
    random = np.random.default_rng(7)

    def place(split: str, label: str) -> Path:
        folder = root / split / label
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{len(list(folder.iterdir())):03}.png"

    def drawn(label: str) -> Image.Image:
        """A picture unlike any other: coarse noise, with dots or lines."""
        small = random.integers(20, 236, (9, 9, 3), dtype=np.uint8)
        values = np.asarray(
            Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC)
        ).copy()
        values[::12, :: 12 if label == "Spots" else 1] = 255
        return Image.fromarray(values)

    kept: dict[str, list[Path]] = {"Spots": [], "stripes": []}
    for label, paths in kept.items():
        for _ in range(60):
            paths.append(place("train", label))
            drawn(label).save(paths[-1])
        for _ in range(20):
            drawn(label).save(place("test", label))
    for _ in range(6):
        drawn("Spots").save(place("train", "spots"))
    for number in range(LEAKS):
        label = ("Spots", "stripes")[number % 2]
        place("test", label).write_bytes(kept[label][number].read_bytes())
    for number in range(30, 30 + CONFLICTS):
        place("train", "stripes").write_bytes(kept["Spots"][number].read_bytes())
    for number in range(50, 50 + NEAR):
        with Image.open(kept["stripes"][number]) as picture:
            picture.resize((80, 80)).save(place("train", "stripes").with_suffix(".jpg"), quality=85)
    for number in range(CORRUPT):
        place("train", "Spots").write_bytes(kept["Spots"][number].read_bytes()[:150])
