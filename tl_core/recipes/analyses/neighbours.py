"""What did it learn this from? For each item the training items that look most alike to the trained
model itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tl_core.backbones.load import load_backbone
from tl_core.config import ProbeSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.results import NEIGHBOURS_FILE
from tl_core.settings import read_settings
from tl_core.train.arrays import Features, Ints
from tl_core.train.probe.probing import Reading, spread

NEIGHBOURS = 4
_MOST = 20_000  # training rows that are searched, evenly spread
_CHUNK = 1024


def trace(
    max_length: int,
    model: Path,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> int:
    """Write `folder/trace.npz` for the model in the folder `model`: `rows` (n,), `near` (n, 4),
    `alike` (n, 4).

    The features are what enters the last layer of that very model, so after a fine-tuning they are
    the fine-tuned ones; `alike` are cosines, the highest first, the row itself left out. Gives the
    number of rows.

    Raises:
        BackboneError: when that layer cannot be found, as in a head of several layers.
    """
    train = version.rows_of("train")
    train = train[spread(len(train), _MOST)]
    splits = {"train": train} | {
        split: version.rows_of(split)
        for split in ("validation", "test")
        if len(version.rows_of(split))
    }
    progress.stage("Opening the model", share=0.05)
    settings = ProbeSettings(max_length=max_length)
    names = common.label_space(version).model_names
    backbone = load_backbone(
        f"local:{model}",
        names,
        read_settings(),
        pooling="native",
        max_length=settings.max_length,
        seed=settings.seed,
    )
    features = Reading(settings, version, splits, backbone, cache).read_all(progress, share=0.85)
    progress.stage("Looking for what is alike", share=0.1)
    rows = np.concatenate(list(splits.values()))
    near, alike = nearest(features, len(train), np.arange(len(rows)))
    np.savez(folder / NEIGHBOURS_FILE, rows=rows, near=train[near], alike=alike)
    return len(rows)


def nearest(features: Features, count: int, places: Ints) -> tuple[Ints, Features]:
    """Positions and cosines (places, 4) of the nearest among the first `count` rows of `features`,
    never the row itself; fewer than 4 where there are not so many.
    """
    unit = np.asarray(features, dtype=np.float32)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    wanted = min(NEIGHBOURS, count - 1)
    near, alike = (
        np.zeros((len(places), wanted), np.int64),
        np.zeros((len(places), wanted), np.float32),
    )
    for start in range(0, len(places), _CHUNK):
        some = places[start : start + _CHUNK]
        likeness = unit[some] @ unit[:count].T
        inside = np.flatnonzero(some < count)
        likeness[inside, some[inside]] = -np.inf
        near[start : start + _CHUNK] = order = np.argsort(-likeness, axis=1, kind="stable")[
            :, :wanted
        ]
        alike[start : start + _CHUNK] = np.take_along_axis(likeness, order, axis=1)
    return near, alike
