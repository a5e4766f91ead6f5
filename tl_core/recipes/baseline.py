"""Recipe `baseline`: the same data without any pretrained network, so that transfer has something to beat."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tl_core.config import BaselineSettings, RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.evaluate.report import baseline_score, evaluate_rows
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.train.yardstick import fit_yardstick


def run(config: RunConfig, version: DatasetVersion, folder: Path, _cache: Path, progress: Progress) -> dict[str, Any]:
    """Fit the yardstick, judge it on the untouched test rows and return the report."""
    settings: BaselineSettings = config.settings
    space, labels = common.label_space(version), version.labels
    rows = {split: version.rows_of(split) for split in ("train", "validation", "test")}

    progress.stage("Training without transfer", len(rows["train"]), share=0.9)
    started = time.perf_counter()
    fitted = fit_yardstick(version, labels, rows, classes=len(space.names), c=settings.c,
                           balanced=settings.class_weights == "balanced", seed=settings.seed, progress=progress)
    fit_seconds = time.perf_counter() - started

    progress.stage("Judging on unseen rows", share=0.1)
    started = time.perf_counter()
    sections = {split: evaluate_rows(labels[rows[split]], fitted.probabilities[split], space.names, "split",
                                     settings.seed)
                for split in ("validation", "test") if len(rows[split])}
    common.write_predictions(folder / "predictions.csv", version, rows["test"], fitted.probabilities["test"],
                             space.names)
    found = baseline_score(labels[rows["test"]], fitted.probabilities["test"].argmax(axis=1))
    return common.build_report(
        config, version, space, sections, {**common.majority_baseline(version), fitted.name: found},
        settings=settings.as_dict(),
        timing={"load": 0.0, "features": 0.0, "fit": fit_seconds, "baseline": fit_seconds,
                "evaluate": time.perf_counter() - started},
        model={"trainable_parameters": fitted.parameters, "total_parameters": fitted.parameters})
