"""Would more labels help this very training? The same training on an eighth, a quarter, half and
all of the rows.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.config import RunConfig
from tl_core.data.checks.small import check_trainable
from tl_core.data.domains import as_meant
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.evaluate import learning_curve
from tl_core.evaluate.measures import ClassGain, CurvePoint
from tl_core.evaluate.scores.intervals import proportion
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.modalities import items_of
from tl_core.progress import Part, Progress
from tl_core.recipes import load_training
from tl_core.recipes.shared.common import Ints, SealedVersion
from tl_core.results import LEARNING_CURVE, LearningCurve
from tl_core.train.arrays import same

_PARTS = (8, 4, 2, 1)
_FEWEST = 2  # training rows of each class at the first point


class Grown(SealedVersion):
    """A version of which only some training rows take part; test labels cannot be read."""

    def __init__(self, version: DatasetVersion, kept: Ints) -> None:
        super().__init__(version)
        self._splits = np.array(version.splits)
        self._splits[np.setdiff1d(version.rows_of("train"), kept)] = "left out"


def follow(
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
    *,
    target: DatasetVersion | None = None,
) -> LearningCurve:
    """Train as `config` says on growing, nested, stratified parts of the training rows; writes
    `folder/curve.json`. `target` is another dataset that the trainings are meant for.

    Every training is judged on the same validation rows; points that are finished are kept over an
    interruption.

    Returns:
        `points`: `rows`, `value`, `low`, `high` of the accuracy (Wilson); `ahead`: where the trend
        leads, with a range from a bootstrap of the validation rows; `classes`: recall and what the
        last doubling brought; `advice`.

    Raises:
        DataError: when there are no validation rows, or too few training rows to leave some out.
    """
    version = as_meant(config.settings, version, target)
    check_trainable(version)
    train, held = version.rows_of("train"), version.rows_of("validation")
    sizes = _sizes(version)
    order = train[learning_curve.nested(version.labels[train], config.settings.seed)]
    answers = np.stack(
        [
            _train_on(
                np.sort(order[:size]),
                config,
                version,
                folder / f"part-{size}",
                cache,
                Part(progress, f"{size:,} items", size / sum(sizes)),
            )
            for size in sizes
        ],
        axis=1,
    )
    truth = version.targets[held]
    right = np.stack([same(said, truth) for said in np.moveaxis(answers, 1, 0)], axis=1)
    points = [_point(size, part) for size, part in zip(sizes, right.T, strict=True)]
    classes = _classes(answers, truth, version.info.labels)
    ahead = learning_curve.follow(
        np.array(sizes, float), right.astype(np.float64), config.settings.seed
    )
    out: LearningCurve = {
        "points": points,
        "ahead": ahead,
        "classes": classes,
        "validation_rows": len(held),
        "advice": learning_curve.advice(
            points, ahead, classes, items_of(version.info.modality), None
        ),
    }
    LEARNING_CURVE.write(folder, out)
    return out


def _sizes(version: DatasetVersion) -> list[int]:
    """Training rows of each point, few to all.

    Raises:
        DataError: when there are no validation rows, or too few training rows to leave some out.
    """
    train, held = version.rows_of("train"), version.rows_of("validation")
    classes = len(np.unique(version.labels[train]))
    sizes = [len(train) // part for part in _PARTS if len(train) // part >= _FEWEST * classes]
    if not len(held) or len(sizes) < 2:
        raise DataError(
            "There are too few items for a learning curve.",
            f"{len(train):,} training and {len(held):,} validation items in {classes} classes.",
            "Add more labelled items.",
        )
    return sizes


def _point(size: int, right: NDArray[np.bool_]) -> CurvePoint:
    """Accuracy (Wilson) of a training on `size` rows; `right` are its answers (rows,)."""
    accuracy = proportion(int(right.sum()), len(right))
    return {
        "rows": float(size),
        "value": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
    }


def _classes(answers: Ints, truth: Ints, names: list[str]) -> list[ClassGain]:
    """Recall of each class and what the last doubling brought, the largest gain first; `answers`
    are those of all points (rows, points, ...).
    """
    classes: list[ClassGain] = []
    for label, name in enumerate(names):
        if truth.ndim == 1:
            own, found = truth == label, answers == label
        else:
            own, found = truth[:, label] == 1, answers[:, :, label] == 1
        if own.any():
            recall, before = found[own, -1].mean(), found[own, -2].mean()
            classes.append({"label": name, "recall": float(recall), "gain": float(recall - before)})
    return sorted(classes, key=lambda part: -part["gain"])


def _train_on(
    rows: Ints,
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> Ints:
    """What a training on `rows` alone says of the validation rows (rows, ...)."""
    done = folder / "answers.npy"
    if not done.exists():
        folder.mkdir(exist_ok=True)
        own = replace(config, options={**config.options, "baseline": False})
        own.write(folder)
        trained = load_training(config.recipe)(own, Grown(version, rows), folder, cache, progress)
        held = version.rows_of("validation")
        place = {int(row): number for number, row in enumerate(trained.validation_rows)}
        said = trained.validation[[place[int(row)] for row in held]]
        evaluation = task_evaluation_of(version.info.task)
        answers = evaluation.decide_apart(version.targets[held], said).labels(said)
        shutil.rmtree(folder / "model", ignore_errors=True)
        np.save(done.with_suffix(".tmp.npy"), answers)
        done.with_suffix(".tmp.npy").replace(done)
    known: Ints = np.load(done)
    return known
