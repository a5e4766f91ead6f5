"""Recipe `fast_adaptation`: earlier datasets teach, in episodes, how to learn the classes at hand
from few labels.

The steps, top to bottom: read the dataset and the earlier ones with one frozen backbone (kept),
learn over episodes of their classes, judge all methods on classes kept aside, make a linear
classifier of the labels at hand by the method taken, and save it as every probe; beside it a plain
probe on the same labels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tl_core.config import FastAdaptationSettings, ProbeSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, ConfigError
from tl_core.progress import Progress
from tl_core.recipes import probe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.beside import said_by
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.episode_teaching import Taught, teach
from tl_core.recipes.shared.opening import open_for
from tl_core.train.arrays import Features, Floats, Ints, known
from tl_core.train.episodes.source_sets import class_sets, read_sources
from tl_core.train.probe.folds import choose_folds
from tl_core.train.probe.linear_probe import SMALL, ProbeFit
from tl_core.train.probe.probing import FittedProbe, ProbeTask
from tl_core.train.seeds import seed_everything
from tl_core.train.tasks.task_training import task_training_of

_FOLDS = 5


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the model lands in `folder/model`. Test labels are never read.

    Raises:
        ConfigError: where an item may have several labels.
        DataError: when there is no earlier dataset to learn from.
        BackboneError: for an architecture whose head has no bias.
    """
    settings: FastAdaptationSettings = config.settings
    _refuse_several(version)
    space, clock = common.label_space(version), common.Clock()
    seed_everything(settings.seed)
    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        seed=settings.seed,
        max_length=settings.max_length,
    )
    if not backbone.port.has_bias:
        raise BackboneError(
            f"The classifier of {backbone.family} has no bias.",
            "What episodes teach cannot be folded into it.",
            "Choose another backbone, or the strategy Probe.",
        )
    clock.mark("load")
    task = probe.probe_task(_reading(settings), version, space, backbone, cache)
    sets = class_sets(read_sources(folder), task, settings.shots, progress)
    features = _read(task, progress)
    clock.mark("features")
    taught = teach(settings, sets, progress)
    fit = _adapt(task, features, taught)
    plain = FittedProbe(task.fit(features, progress), features, "float32")
    clock.mark("fit")
    trained = probe.save_fitted(task, replace(plain, fit=fit), space, folder, progress, clock)
    trained.settings = {**settings.as_dict(), "method": taught.section["taken"]}
    trained.facts["episodes"] = taught.section
    trained.put_beside("a probe on the same labels", said_by(task, plain, space))
    return trained


def _refuse_several(version: DatasetVersion) -> None:
    if version.sets.several:
        raise ConfigError(
            "Episodes need items of one class each.",
            "Here an item may have several labels.",
            "Choose another strategy, such as Probe.",
        )


def _reading(settings: FastAdaptationSettings) -> ProbeSettings:
    """How the dataset is read and the probe beside is fitted."""
    return ProbeSettings(
        max_length=settings.max_length,
        precision="float32",
        repeats=0,
        baseline=settings.baseline,
        seed=settings.seed,
    )


def _read(task: ProbeTask, progress: Progress) -> dict[str, Features]:
    """Features of each split."""
    everything, ends = (
        task.read_all(progress, share=0.3),
        np.cumsum([*map(len, task.rows.values())]),
    )
    return dict(zip(task.rows, np.split(everything, ends[:-1]), strict=True))


def _adapt(task: ProbeTask, features: dict[str, Features], taught: Taught) -> ProbeFit:
    """The classifier of the labels at hand, and what it says of rows that it had not seen: of the
    validation rows, or of a small set by cross-validation over both.
    """
    train, held = task.rows["train"], task.rows["validation"]
    rows = np.concatenate([train, held])
    both = np.concatenate([features["train"], features["validation"]])
    labels = task.labels[rows]
    there = np.flatnonzero(known(labels))
    crossed = len(there) < SMALL or not known(task.labels[held]).any()
    if crossed:
        parts = [
            (there[some], there[rest])
            for some, rest in choose_folds(
                labels[there],
                task.version.groups[rows[there]],
                _FOLDS,
                task.settings.seed,
                task.version.folds[rows[there]],
            )
        ]
        learnt = there
    else:
        learnt, judged = there[there < len(train)], there[there >= len(train)]
        parts = [(learnt, judged)]

    def head(some: Ints) -> tuple[Floats, Floats]:
        return _head(taught, both[some], labels[some], task.classes)

    said, places = [], []
    for some, rest in parts:
        weight, bias = head(some)
        said.append(_softmax(task, both[rest] @ weight.T + bias))
        places.append(rest)
    order = np.argsort(np.concatenate(places))
    weight, bias = head(learnt)
    return ProbeFit(
        weight,
        bias,
        0.0,
        "cv" if crossed else "split",
        [],
        np.concatenate(said)[order],
        rows[np.concatenate(places)[order]],
    )


def _softmax(task: ProbeTask, logits: Floats) -> Floats:
    return task_training_of(task.version.info.task).linear_probabilities(logits)


def _head(
    taught: Taught,
    features: Features,
    labels: Ints,
    classes: int,
) -> tuple[Floats, Floats]:
    """Weights (classes, width) and bias (classes,) on the features; a class without rows is never
    said.
    """
    present, numbers = np.unique(labels, return_inverse=True)
    weight, bias = taught.learner.head(
        taught.reading.read(features), torch.from_numpy(numbers), len(present)
    )
    raw, offset = taught.reading.fold(weight, bias)
    whole = np.zeros((classes, raw.shape[1]))
    ends = np.full(classes, -1e4)
    whole[present], ends[present] = raw, offset
    return whole, ends
