"""Labels that are probably wrong: a probe that never judges a row it has learnt from, and confident
learning on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.checks.small import check_trainable
from tl_core.data.label_sets import said_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.evaluate import label_issues
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.recipes.analyses.neighbours import nearest
from tl_core.recipes.shared import common
from tl_core.recipes.shared.opening import open_for
from tl_core.results import LABEL_ERRORS, LabelErrors
from tl_core.train.arrays import Features, Ints, known
from tl_core.train.probe.linear_probe import cross_validate
from tl_core.train.probe.probing import Reading
from tl_core.train.seeds import seed_everything

_MOST = 2000  # that are listed; a person looks at far fewer


@dataclass(frozen=True)
class Read:
    """Features (rows, width) of all training and validation rows whose class can be learnt, and
    what they are: for the model (rows, ...), and as one number each (`codes`, rows).
    """

    features: Features
    rows: Ints
    labels: Ints
    codes: Ints
    names: list[str]


def read_features(
    config: RunConfig, version: DatasetVersion, cache: Path, progress: Progress
) -> Read:
    """Open the backbone of `config` and read every training and validation row with it; both are
    kept.

    Raises:
        DataError: when there are too few rows to judge any by the others.
    """
    check_trainable(version, judged=False)
    settings: ProbeSettings = config.settings
    space = common.label_space(version)
    labels = space.to_model(version.targets)
    splits = {
        split: version.rows_of(split)
        for split in ("train", "validation")
        if len(version.rows_of(split))
    }
    rows = np.concatenate(list(splits.values()))
    judged = known(labels[rows])  # a class without training rows cannot be judged
    if judged.sum() < 2 * settings.folds or judged.sum() < 2 * len(space.kept):
        raise DataError(
            "There are too few rows to predict each from the others (cross-validation).",
            "",
            "Add more labelled items.",
        )
    seed_everything(settings.seed)
    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        pooling=settings.pooling,
        max_length=settings.max_length,
        seed=settings.seed,
    )
    features = Reading(settings, version, splits, backbone, cache).read_all(progress)[judged]
    rows = rows[judged]
    return Read(features, rows, labels[rows], version.labels[rows], space.model_names)


def look(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> LabelErrors:
    """Suspect rows of the training and validation items, written to `folder/suspects.json`.

    The probabilities come from cross-validation of a probe on all of these rows, so each row is
    judged by a model that has not seen it, nor any row of its group. Test rows are left alone: what
    they say about a run must not move.

    Returns:
        `count`, `share` (estimated share of wrong labels), `looked_at`, `sentence`, and `rows`: the
        most suspect first, each with `row`, `given` and `suggested` (a class, or where a row may
        have several a JSON list of them), `margin`, `confidence` (of what is suggested) and
        `neighbours`, the rows that look most alike.

    Raises:
        DataError: when there are too few rows to judge any by the others.
    """
    settings: ProbeSettings = config.settings
    read = read_features(config, version, cache, progress)
    features, rows, labels, names = read.features, read.rows, read.labels, read.names
    progress.stage("Predicting each row from the others", len(settings.c_values), share=0.2)
    groups, task = version.groups[rows], version.info.task
    fit = cross_validate(features, labels, groups, len(names), settings, progress, task=task)
    judged, given = rows[fit.held_out_rows], labels[fit.held_out_rows]
    single = given.ndim == 1
    find = label_issues.find_suspects if single else label_issues.find_suspect_sets
    suspects = find(given, fit.held_out)
    listed = suspects.rows[:_MOST]
    was, should = said_of(names, given[listed]), said_of(names, suspects.suggested[: len(listed)])
    near = nearest(features, len(features), fit.held_out_rows[listed])[0]
    out: LabelErrors = {
        "count": len(suspects.rows),
        "share": suspects.share,
        "looked_at": len(judged),
        "sentence": _sentence(len(suspects.rows), len(judged), items_of(version.info.modality)),
        "rows": [
            {
                "row": int(judged[place]),
                "given": before,
                "suggested": after,
                "margin": float(gap),
                "confidence": float(sure),
                "neighbours": [int(row) for row in rows[others]],
            }
            for place, before, after, gap, sure, others in zip(
                listed,
                was,
                should,
                suspects.margin,
                suspects.confidence,
                near,
                strict=False,
            )
        ],
    }
    LABEL_ERRORS.write(folder, out)
    return out


def _sentence(count: int, total: int, noun: str) -> str:
    if not count:
        return f"No label of {total:,} {noun} looks wrong."
    return (
        f"{count:,} of {total:,} {noun} are probably labelled wrongly; review them, the likeliest"
        " first."
    )
