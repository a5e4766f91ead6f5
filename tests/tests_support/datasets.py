"""Small datasets made on the spot."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion

LIMITS = Limits(1 << 30, 100_000)
_GOOD = ["the film is good", "good order, my money is back", "a good film"]
_BAD = ["the order is late", "bad film, bad money", "my order is bad"]


def write_texts(path: Path, rows: int = 40) -> Path:
    """A CSV of two classes that even a random network can tell apart."""
    lines = ["text,label"]
    for number in range(rows):
        words, label = (_GOOD, "good") if number % 2 else (_BAD, "bad")
        lines.append(f'"{words[number % 3]} {number}",{label}')
    path.write_text("\n".join(lines) + "\n")
    return path


def first_rows(source: Path, target: Path, rows: int) -> Path:
    """The head of a CSV and its first `rows` lines; none of them may hold a line break."""
    with source.open(encoding="utf-8") as lines:
        target.write_text("".join(islice(lines, rows + 1)), encoding="utf-8")
    return target


def write_pictures(
    root: Path, each: int = 12, classes: tuple[str, ...] = ("red", "green", "blue")
) -> Path:
    """Class folders of coloured discs on noise."""
    random = np.random.default_rng(0)
    for label in classes:
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            noise = random.integers(0, 90, (40, 48, 3), dtype=np.uint8)
            picture = Image.fromarray(noise)
            ImageDraw.Draw(picture).ellipse((10, 8, 34, 32), fill=label)
            picture.save(root / label / f"{number}.png")
    return root


def build(source: Path, folder: Path, **options: object) -> DatasetVersion:
    """A dataset version of `source` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = ImportOptions(**options)
    build_version(
        {"": open_source(source, folder / "staging", LIMITS, chosen)},
        chosen,
        folder,
        source.name,
    )
    return DatasetVersion(folder)


class Poisoned(DatasetVersion):
    """A version whose test labels are all wrong or lost: work that must not read them cannot
    tell.
    """

    @property
    def labels(self):
        known = np.array(super().labels)
        known[self.rows_of("test")] = 0
        return known
