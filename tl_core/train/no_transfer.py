"""What can be had without transfer: word statistics, colours and edges."""

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

    plain = training_of(version.info.modality).plain_features(version, rows, progress)
    model = task_training_of(version.info.task).plain_classifier(
        plain.strength * c, balanced=balanced, seed=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(plain.transformer.fit_transform(plain.inputs["train"]), labels[rows["train"]])
    out = {}
    for split, content in plain.inputs.items():
        if split != "train":
            out[split] = np.zeros((len(rows[split]), classes))
            if len(rows[split]):
                read = plain.transformer.transform(content)
                out[split][:, model.classes_] = model.predict_proba(read)
    count = int(model.coef_.size + model.intercept_.size)
    return NoTransferBaseline(plain.name, out, count)
