"""More data, or another model? A probe's learning curve on kept features, and a map of what the
backbone sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.label_sets import called, said_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.evaluate import learning_curve
from tl_core.evaluate.measures import ClassGain, CurvePoint
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.recipes.analyses.label_errors import Read, read_features
from tl_core.results import EXPLORATION, MAP_FILE, LearningCurve
from tl_core.train.arrays import Floats, Ints, same
from tl_core.train.probe.folds import folds_of
from tl_core.train.probe.linear_probe import cross_validate, fit_and_judge
from tl_core.train.probe.logistic import Head
from tl_core.train.tasks.task_training import task_training_of

_REPEATS = 5
_POINTS = 6
_FEWEST = 2  # labels for each class at the first point
_MAPPED = 3000  # rows of the map that keeps neighbours together; it takes minutes beyond


def explore(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> LearningCurve:
    """Write `folder/explore.json` and `folder/map.parquet`; test rows are left alone.

    Returns:
        `points`: `rows`, `value`, `low`, `high` of the accuracy over growing training sets;
        `ahead`: where the trend leads with more; `classes`: recall now and what the last doubling
        brought, the steepest first; `advice`.

    Raises:
        DataError: when there are too few rows, or groups of them.
    """
    settings: ProbeSettings = config.settings
    read = read_features(config, version, cache, progress)
    progress.stage("Training on more and more rows", _REPEATS, share=0.15)
    growth = _grow(read, version.groups[read.rows], settings, version.info.task, progress)
    sizes, scores, recalls = growth.sizes, growth.scores, growth.recalls
    spread = scores.std(axis=0, ddof=1)
    points: list[CurvePoint] = [
        {
            "rows": float(count),
            "value": float(mean),
            "low": float(mean - 2 * sd),
            "high": float(min(mean + 2 * sd, 1.0)),
        }
        for count, mean, sd in zip(sizes, scores.mean(axis=0), spread, strict=True)
    ]
    now, before = recalls[:, -1].mean(axis=0), recalls[:, -2].mean(axis=0)
    classes: list[ClassGain] = [
        {"label": name, "recall": float(one), "gain": float(one - other)}
        for name, one, other in zip(read.names, now, before, strict=True)
    ]
    classes.sort(key=lambda part: -part["gain"])
    ahead = learning_curve.follow(sizes, scores, settings.seed)
    counts = task_training_of(version.info.task).counts(read.labels, len(read.names))
    most = learning_curve.helps_most(sizes, recalls, counts / len(read.labels), read.names)
    out: LearningCurve = {
        "points": points,
        "ahead": ahead,
        "classes": classes,
        "helps_most": most,
        "advice": learning_curve.advice(
            points, ahead, classes, items_of(version.info.modality), most
        ),
    }
    progress.stage("Drawing the map", share=0.1)
    _write_map(read, growth.said, version, folder, settings.seed)
    EXPLORATION.write(folder, out)
    return out


@dataclass(frozen=True)
class _Growth:
    """A training set that grows: mean rows (points,), accuracy (repeats, points), recall (repeats,
    points, classes), and what each row was called when it was kept apart (rows, ...).
    """

    sizes: Floats
    scores: Floats
    recalls: Floats
    said: Ints


def _grow(
    read: Read, groups: Ints, settings: ProbeSettings, task: str, progress: Progress
) -> _Growth:
    """Each repetition keeps a fifth of the rows, whole groups at a time, for judging, and lets the
    rest grow from few to all in nested, stratified steps.

    Raises:
        DataError: when there are too few rows, or groups of them.
    """
    classes, evaluation = len(read.names), task_evaluation_of(task)
    c = cross_validate(
        read.features, read.labels, groups, classes, settings, Progress(), task=task
    ).c
    head = Head(None, True, classes, settings.seed, c, task=task)
    said = np.zeros_like(read.labels)
    sizes, scores, recalls = [], [], []
    for number, (rest, held) in enumerate(
        folds_of(read.labels, groups, _REPEATS, settings.seed), 1
    ):
        order = learning_curve.nested(read.codes[rest], settings.seed + number)
        smallest = min(_FEWEST * classes, len(rest) // 4)
        steps = np.unique(np.geomspace(max(smallest, classes), len(rest), _POINTS).astype(np.int64))
        own, own_recall = [], []
        for count in steps:
            some = rest[order[:count]]
            probabilities = fit_and_judge(
                read.features[some], read.labels[some], read.features[held], head
            )
            truth = read.labels[held]
            answers = evaluation.decide_apart(truth, probabilities).labels(probabilities)
            own.append(same(answers, truth).mean())
            own_recall.append(_recalls(answers, truth, classes))
        said[held] = answers
        sizes.append(steps)
        scores.append(own)
        recalls.append(own_recall)
        progress.batch(number, _REPEATS)
    fewest = min(map(len, sizes), default=0)
    if len(sizes) < 2 or fewest < 2:
        raise DataError(
            "There are too few rows, or groups of them, for a learning curve.",
            "",
            "Add more labelled items.",
        )
    return _Growth(
        np.mean([part[-fewest:] for part in sizes], axis=0),
        np.array([part[-fewest:] for part in scores]),
        np.array([part[-fewest:] for part in recalls]),
        said,
    )


def _recalls(answers: Ints, truth: Ints, classes: int) -> list[float]:
    """Share of each class that is found; 0 for a class without rows."""
    if truth.ndim == 1:
        answers, truth = (some[:, None] == np.arange(classes) for some in (answers, truth))
    found, there = (answers * truth).sum(axis=0), truth.sum(axis=0)
    return list(found / np.maximum(there, 1))


def _write_map(read: Read, said: Ints, version: DatasetVersion, folder: Path, seed: int) -> None:
    """Two plane maps of the rows: PCA, and t-SNE, which keeps neighbours together (at most 3,000
    rows).
    """
    import pandas as pd
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count = len(read.rows)
    some = np.sort(np.random.default_rng(seed).choice(count, min(count, _MAPPED), replace=False))
    features = np.asarray(read.features, dtype=np.float32)[some]
    plain = PCA(min(50, *features.shape), random_state=seed).fit_transform(features)
    perplexity = min(30.0, (len(some) - 1) / 3)
    near = TSNE(
        2, perplexity=perplexity, init=plain[:, :2].copy(), random_state=seed
    ).fit_transform(plain)
    shown = called if said.ndim == 2 else str
    pd.DataFrame(
        {
            "row": read.rows[some],
            "class": [shown(cell) for cell in said_of(read.names, read.labels[some])],
            "said": [shown(cell) for cell in said_of(read.names, said[some])],
            "split": version.splits[read.rows[some]],
            "x": plain[:, 0],
            "y": plain[:, 1],
            "near_x": near[:, 0],
            "near_y": near[:, 1],
        }
    ).to_parquet(folder / MAP_FILE, index=False)
