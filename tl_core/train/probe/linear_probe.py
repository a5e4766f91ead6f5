"""Logistic regression on frozen features, its penalty chosen honestly.

L-BFGS as in the CLIP and LP-FT papers' probes (Kumar et al., ICLR 2022: features scaled by one
global mean and standard deviation, the scaling folded into the weights afterwards).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tl_core.config import ProbeSettings
from tl_core.progress import Curve, Progress
from tl_core.tasks import SINGLE_LABEL, decision_of
from tl_core.train.arrays import Features, Floats, Ints, same, tells_apart
from tl_core.train.probe.folds import Fold, choose_folds
from tl_core.train.probe.logistic import FittedHead, Head, scaling
from tl_core.train.tasks.task_training import task_training_of

_PATIENCE = 9.0  # the sweep ends at a C this many times the best one
SMALL = 1000  # rows below which cross-validation replaces one validation split


@dataclass(frozen=True)
class ProbeFit:
    """A fitted head for raw features: logits = x @ weight.T + bias.

    `weight` is (classes, width), or (1, width) for two classes of which a row has one. `held_out`
    are probabilities (rows, classes) of rows that the judging models had not seen, `held_out_rows`
    their positions in the stacked train + validation rows; `kept` the share of the columns that is
    used.
    """

    weight: Floats
    bias: Floats
    c: float
    kind: str
    sweep: list[dict[str, float]]
    held_out: Floats
    held_out_rows: Ints
    kept: float = 1.0


@dataclass(frozen=True)
class ProbeSearch:
    """How the penalty of a probe is chosen.

    Args:
        classes: number of classes, all of which occur among the training rows.
        c_values: strengths to try.
        selection: validation, cv, or auto (cv below `SMALL` rows or without validation rows).
        folds: parts of the cross-validation.
        balanced: weight classes inversely to their frequency.
        intercept: False for heads without bias; then no mean is subtracted either.
        seed: for the folds.
        plan: the part in which each row (train then validation) is held out, made with the dataset;
            used when it has as many parts as `folds`, so that all runs are judged on the same ones.
        prior: weights (classes, width) and bias (classes,) for raw features that the head is drawn
            towards instead of zero.
        keep: share of the columns to use, the most telling ones as each fit finds them (Evci et
            al., ICML 2022).
        task: what is learnt.
        weights: of each row in the fits (train then validation), for tasks of one class; every row
            judges alike.
    """

    classes: int
    c_values: tuple[float, ...]
    selection: str
    folds: int
    balanced: bool
    intercept: bool
    seed: int
    plan: Ints | None = None
    prior: tuple[Floats, Floats] | None = None
    keep: float = 1.0
    task: str = SINGLE_LABEL.name
    weights: Floats | None = None

    def cross_validates(self, train: int, validation: int) -> bool:
        """Whether so many rows are judged by cross-validation."""
        few = self.selection == "auto" and train + validation < SMALL
        return self.selection == "cv" or few or not validation

    def parts(self, labels: Ints, groups: Ints, train: int) -> list[Fold]:
        """Which rows are learnt from and which judge, of `train` training rows and then the
        validation rows.

        Raises:
            DataError: when the rows cannot be cut for a cross-validation.
        """
        if self.cross_validates(train, len(labels) - train):
            return choose_folds(labels, groups, self.folds, self.seed, self.plan)
        return [(np.arange(train), np.arange(train, len(labels)))]

    def head(self, shift: float, scale: float) -> Head:
        """What each fit is told; the prior is taken to features that are scaled like that."""
        prior = self.prior
        if prior is not None:
            prior = prior[0] * scale, prior[1] + prior[0].sum(axis=1) * shift
        weight = "balanced" if self.balanced else None
        return Head(
            weight,
            self.intercept,
            self.classes,
            self.seed,
            prior=prior,
            keep=self.keep,
            task=self.task,
            weights=self.weights,
        )


@dataclass(frozen=True)
class Sweep:
    """Log loss and accuracy of each C on the held-out parts, the best point, and its models, one
    for each part.
    """

    points: list[dict[str, float]]
    best: dict[str, float]
    models: list[FittedHead]


def fit_probe(
    train: tuple[Features, Ints],
    validation: tuple[Features, Ints],
    groups: Ints,
    search: ProbeSearch,
    progress: Progress,
) -> ProbeFit:
    """Choose C by log loss and fit the final head.

    Args:
        train: features (n, width) and labels (n,), or (n, classes) where a row may have several.
        validation: the same for the validation rows, which may be empty.
        groups: a number for each row of train then validation; equal ones are never torn apart.
        search: what is tried, and how it is judged.
        progress: told after each C.

    With cross-validation the final head is fitted on train and validation together; with a
    validation split on train alone, so that the validation scores are those of the very model that
    is saved.

    Raises:
        DataError: when the rows cannot be cut for a cross-validation.
    """
    count = len(train[1])
    labels = np.concatenate([train[1], validation[1]])
    crossed = search.cross_validates(count, len(validation[1]))
    parts = search.parts(labels, groups, count)
    features = (
        np.concatenate([train[0], validation[0]]) if len(validation[1]) else np.asarray(train[0])
    )
    shift, scale = scaling(features if crossed else features[:count], search.intercept)
    scaled = ((features - shift) / scale).astype(np.float32)
    head = search.head(shift, scale)
    sweep = _sweep(scaled, labels, parts, sorted(search.c_values), head, progress)
    c = sweep.best["c"]
    training = task_training_of(search.task)
    model = training.fit_head(scaled, labels, replace(head, c=c)) if crossed else sweep.models[0]
    weight, bias = for_raw_features(model, shift, scale, search.intercept)
    said = [
        training.head_probabilities(model, scaled[held], head.classes)
        for model, (_, held) in zip(sweep.models, parts, strict=True)
    ]
    held_out, rows = held_out_of(said, parts)
    kind = "cv" if crossed else "split"
    return ProbeFit(weight, bias, c, kind, sweep.points, held_out, rows, search.keep)


def cross_validate(
    features: Features,
    labels: Ints,
    groups: Ints,
    classes: int,
    settings: ProbeSettings,
    progress: Progress,
    *,
    task: str,
) -> ProbeFit:
    """A plain probe on all of these rows, each of them judged by heads that have not seen it, nor
    any row of its group.

    Raises:
        DataError: when the rows cannot be cut.
    """
    search = ProbeSearch(
        classes=classes,
        c_values=settings.c_values,
        selection="cv",
        folds=settings.folds,
        balanced=False,
        intercept=True,
        seed=settings.seed,
        task=task,
    )
    return fit_probe((features, labels), (features[:0], labels[:0]), groups, search, progress)


def fit_and_judge(features: Features, labels: Ints, others: Features, head: Head) -> Floats:
    """Probabilities (rows, classes) of `others` from a head fitted on `features`; where all rows
    are labelled alike, that is always said.
    """
    training = task_training_of(head.task)
    if not tells_apart(labels):
        return np.repeat(training.commonest(labels, head.classes)[None], len(others), axis=0)
    shift, scale = scaling(features, head.intercept)
    model = training.fit_head(((features - shift) / scale).astype(np.float32), labels, head)
    read = ((others - shift) / scale).astype(np.float32)
    return training.head_probabilities(model, read, head.classes)


def _sweep(
    features: Features,
    labels: Ints,
    parts: list[Fold],
    c_values: list[float],
    head: Head,
    progress: Progress,
) -> Sweep:
    training, decision = task_training_of(head.task), decision_of(head.task)
    points: list[dict[str, float]] = []
    best: dict[str, float] = {}
    best_models: list[FittedHead] = []
    starts: list[FittedHead | None] = [None] * len(parts)
    for number, c in enumerate(c_values, 1):
        models: list[FittedHead] = []
        losses, hits = 0.0, 0
        for (train, held), start in zip(parts, starts, strict=True):
            own = replace(head, c=c, weights=_part(head.weights, train))
            model = training.fit_head(features[train], labels[train], own, start)
            said = training.head_probabilities(model, features[held], head.classes)
            losses += float(training.row_losses(labels[held], said).sum())
            hits += int(same(decision.labels(said), labels[held]).sum())
            models.append(model)
        starts = list(models)
        count = sum(len(held) for _, held in parts)
        point = {"c": c, "log_loss": losses / count, "accuracy": hits / count}
        points.append(point)
        progress.curve(Curve.PENALTY, **point)
        progress.batch(number, len(c_values))
        if not best or point["log_loss"] < best["log_loss"]:
            best, best_models = point, models
        elif c > _PATIENCE * best["c"]:
            break  # log loss has one valley in C, and weak penalties are the slow fits
    return Sweep(points, best, best_models)


def _part(weights: Floats | None, rows: Ints) -> Floats | None:
    """The weights of some rows, where rows have weights."""
    return None if weights is None else weights[rows]


def for_raw_features(
    model: FittedHead, shift: float, scale: float, intercept: bool
) -> tuple[Floats, Floats]:
    """Weight and bias with the scaling folded in."""
    weight = model.coef_.astype(np.float64) / scale
    if not intercept:
        return weight, np.zeros(len(weight))
    return weight, model.intercept_.astype(np.float64) - weight.sum(axis=1) * shift


def held_out_of(said: list[Floats], parts: list[Fold]) -> tuple[Floats, Ints]:
    """Probabilities of the rows that each part's model has not seen, and which rows these are, in
    order; `said` holds those of each part.
    """
    rows = np.concatenate([held for _, held in parts])
    order = np.argsort(rows)
    return np.concatenate(said)[order], rows[order]
