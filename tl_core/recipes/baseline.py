"""Recipe `baseline`: the same data without any pretrained network, so that transfer has something
to beat.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tl_core.config import BaselineSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.common import Trained
from tl_core.train.no_transfer import fit_baseline


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Fit the no-transfer baseline. Test labels are never read."""
    del folder, cache
    settings: BaselineSettings = config.settings
    space, clock = common.label_space(version), common.Clock()
    rows = {split: version.rows_of(split) for split in ("train", "validation", "test")}
    progress.stage("Training without transfer", len(rows["train"]), share=0.9)
    fitted = fit_baseline(
        version,
        version.targets,
        rows,
        classes=len(space.names),
        c=settings.c,
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
        progress=progress,
    )
    clock.mark("fit")
    empty = np.zeros((0, len(space.names)))
    return Trained(
        fitted.probabilities["test"],
        rows["validation"],
        fitted.probabilities.get("validation", empty),
        "split",
        settings=settings.as_dict(),
        timing={**clock.seconds, "baseline": clock.seconds["fit"]},
        facts={
            "model": {
                "trainable_parameters": fitted.parameters,
                "total_parameters": fitted.parameters,
            }
        },
        baselines={fitted.name: fitted.probabilities["test"]},
        seed=settings.seed,
    )
