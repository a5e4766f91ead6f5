"""Cross-validation again and again with other folds: how much of a small set's score depends on how
it was cut.
"""

from __future__ import annotations

from statistics import fmean, stdev
from typing import TypedDict

import numpy as np

from tl_core.progress import Progress
from tl_core.train.arrays import Features, Floats, Ints, known, same
from tl_core.train.probe.folds import folds_of
from tl_core.train.probe.logistic import Head, scaling
from tl_core.train.probe.probing import FittedProbe, ProbeTask
from tl_core.train.tasks.task_training import task_training_of


class CrossValidation(TypedDict):
    """Accuracy of a head over several cuts into folds."""

    repeats: int
    folds: int
    rows: int
    mean: float
    deviation: float
    low: float
    high: float


def _rotated(features: Floats | Features) -> Features:
    """The same rows in as few columns as rows, where there are fewer: turned, so that all inner
    products stay.

    A head with an L2 penalty depends on nothing else, so its answers stay too, at a fraction of the
    time.
    """
    rows, width = features.shape
    turned = np.asarray(np.linalg.qr(features.T, mode="r")) if width > rows else features.T
    return np.asarray(turned.T, dtype=np.float32)


def repeated_folds(
    features: Features,
    labels: Ints,
    groups: Ints,
    head: Head,
    *,
    folds: int,
    repeats: int,
    progress: Progress,
) -> CrossValidation | None:
    """Accuracy of a head over `repeats` cuts into stratified folds, whole groups at a time.

    Args:
        features: (rows, width), of rows that are not test rows.
        labels: class numbers (rows,), or 0 and 1 (rows, classes).
        groups: equal numbers are never torn apart (rows,).
        head: penalty and options of the fit; its seed begins the seeds of the cuts.
        folds: parts of each cut, each judged once by a model fitted on the others.
        repeats: cuts, two or more.
        progress: told after each cut.

    Returns:
        `repeats`, `folds`, `rows`, and `mean`, `deviation` (n - 1), `low` and `high` of the
        accuracy over cuts. The rows are the same each time, so the deviation is that of the cut
        alone; what the number of rows leaves open comes on top (the interval of the validation
        section). None where the groups cannot be cut twice.
    """
    shift, scale = scaling(features, head.intercept)
    scaled = _rotated((features - shift) / scale)
    training = task_training_of(head.task)
    accuracies = []
    for number in range(repeats):
        right = judged = 0
        for train, held in folds_of(labels, groups, folds, head.seed + 1 + number):
            said = training.fit_head(scaled[train], labels[train], head).predict(scaled[held])
            right, judged = right + int(same(said, labels[held]).sum()), judged + len(held)
        if judged:
            accuracies.append(right / judged)
        progress.batch(number + 1, repeats)
    if len(accuracies) < 2:
        return None
    return {
        "repeats": len(accuracies),
        "folds": folds,
        "rows": len(labels),
        "mean": fmean(accuracies),
        "deviation": stdev(accuracies),
        "low": min(accuracies),
        "high": max(accuracies),
    }


def repeat_folds(
    task: ProbeTask, fitted: FittedProbe, progress: Progress
) -> CrossValidation | None:
    """The cross-validation of a small set once more with other folds, at the C that was chosen;
    None without one, or where the head is no ordinary one.
    """
    settings, fit, features = task.settings, fitted.fit, fitted.features
    ordinary = task.prior is None and settings.depth >= 0
    if not ordinary or fit.kind != "cv" or settings.repeats < 2:
        return None
    progress.stage("Repeating the cross-validation", settings.repeats, share=0.05)
    rows = np.concatenate([task.rows["train"], task.rows["validation"]])
    both = np.concatenate([features["train"], features["validation"]])
    judged = known(task.labels[rows])
    head = Head(
        "balanced" if settings.class_weights == "balanced" else None,
        task.backbone.port.has_bias,
        task.classes,
        settings.seed,
        fit.c,
        task=task.version.info.task,
    )
    return repeated_folds(
        both[judged],
        task.labels[rows[judged]],
        task.version.groups[rows[judged]],
        head,
        folds=settings.folds,
        repeats=settings.repeats,
        progress=progress,
    )
