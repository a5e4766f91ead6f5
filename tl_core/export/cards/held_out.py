"""What a bundle says of the dataset behind it: how its model answers rows that it has not learnt
from, in sums.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.export.exported_items import exported_items_of
from tl_core.progress import Progress
from tl_core.watch.training_sums import LEAST, MOST, Reference

_TOGETHER = 64  # rows that are in memory at a time


def note_held_out(
    folder: Path,
    classifier: Classifier,
    version: DatasetVersion,
    preparation: Preparation,
    progress: Progress,
    *,
    sealed: bool,
) -> None:
    """Write into the bundle in `folder` how its model answers validation and test rows; their
    labels are not read. Of a closed test score the test rows stay out. Without a word where there
    are too few of them.
    """
    splits = ("validation",) if sealed else ("validation", "test")
    rows = np.concatenate([version.rows_of(name) for name in splits])
    if len(rows) < LEAST:
        return
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:MOST])
    kind = exported_items_of(classifier.modality)
    scores: list[NDArray[np.float64]] = []
    features: list[NDArray[np.float64]] = []
    for start in range(0, len(rows), _TOGETHER):
        items = kind.of_rows(version, rows[start : start + _TOGETHER], preparation)
        found, read = classifier.read(items)
        scores.append(found)
        features.append(read)
        progress.batch(min(start + _TOGETHER, len(rows)), len(rows))
    said = np.concatenate(scores)
    Reference.made(
        classifier.labels,
        " and ".join(splits),
        said.argmax(axis=1),
        classifier.decision.confidence(said),
        np.concatenate(features),
    ).write(folder)
