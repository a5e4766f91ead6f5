"""What can be had without transfer: majority class, word statistics, colours and edges."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.item_training import training_of
from tl_core.train.tasks.task_training import task_training_of


@dataclass(frozen=True)
class NoTransferBaseline:
    """A fitted baseline: `name` as in the report, probabilities (rows, classes) for each split that
    was asked for.
    """

    name: str
    probabilities: dict[str, Floats]
    parameters: int


def majority(train_labels: Ints, classes: int) -> int:
    """The commonest class in training (the first one of a tie)."""
    return int(np.bincount(train_labels, minlength=classes).argmax())


def fit_baseline(
    version: DatasetVersion,
    labels: Ints,
    rows: dict[str, Ints],
    *,
    classes: int,
    c: float,
    balanced: bool,
    seed: int,
    progress: Progress,
) -> NoTransferBaseline:
    """Fit a linear classifier on `rows["train"]` and give probabilities for the other splits.

    Texts are read as TF-IDF of words (1-2) and characters (2-5); photos as colour histograms,
    oriented gradients (a small HOG, Dalal and Triggs 2005) and a coarse picture.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline

    plain = training_of(version.info.modality).plain_features(version, rows, progress)
    model = make_pipeline(
        plain.transformer,
        task_training_of(version.info.task).plain_classifier(
            plain.strength * c, balanced=balanced, seed=seed
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(plain.inputs["train"], labels[rows["train"]])
    known = model[-1].classes_
    out = {}
    for split, content in plain.inputs.items():
        if split != "train":
            out[split] = np.zeros((len(rows[split]), classes))
            if len(rows[split]):
                out[split][:, known] = model.predict_proba(content)
    count = int(model[-1].coef_.size + model[-1].intercept_.size)
    return NoTransferBaseline(plain.name, out, count)
