"""Logistic regression on frozen features, its penalty chosen honestly.

L-BFGS as in the CLIP and LP-FT papers' probes (Kumar et al., ICLR 2022: features scaled by one
global mean and standard deviation, the scaling folded into the weights afterwards).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from tl_core.config import ProbeSettings
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.train.prior_head import PriorHead

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_PATIENCE = 9.0  # the sweep ends at a C this many times the best one
# numbers below which threads that wait for each other made a fit up to 20 times slower than one
_SMALL_FIT = 5e7
SMALL = 1000  # rows below which cross-validation replaces one validation split


@dataclass(frozen=True)
class ProbeFit:
    """A fitted head for raw features: logits = x @ weight.T + bias.

    `weight` is (classes, width), or (1, width) for two classes. `held_out` are probabilities (rows,
    classes) of rows that the judging models had not seen, `held_out_rows` their positions in the
    stacked train + validation rows; `kept` the share of the columns that is used.
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
class Head:
    """How one head is fitted: weight of classes, bias, number of classes, seed, the penalty where
    it is chosen, weights and bias that it is drawn towards (for scaled features), and the share of
    the columns that it may use.
    """

    class_weight: str | None
    intercept: bool
    classes: int
    seed: int
    c: float = 1.0
    prior: tuple[Floats, Floats] | None = None
    keep: float = 1.0


def fit_probe(
    train: tuple[Any, Ints],
    validation: tuple[Any, Ints],
    groups: Ints,
    *,
    classes: int,
    c_values: tuple[float, ...],
    selection: str,
    folds: int,
    balanced: bool,
    intercept: bool,
    seed: int,
    progress: Progress,
    plan: Ints | None = None,
    prior: tuple[Floats, Floats] | None = None,
    keep: float = 1.0,
) -> ProbeFit:
    """Choose C by log loss and fit the final head.

    Args:
        train: features (n, width) and class numbers (n,).
        validation: the same for the validation rows, which may be empty.
        groups: a number for each row of train then validation; equal ones are never torn apart.
        classes: number of classes, all of which occur in `train`.
        c_values: strengths to try.
        selection: validation, cv, or auto (cv below `SMALL` rows or without validation rows).
        folds: parts of the cross-validation.
        balanced: weight classes inversely to their frequency.
        intercept: False for heads without bias; then no mean is subtracted either.
        seed: for the folds.
        progress: told after each C.
        plan: the part in which each row (train then validation) is held out, made with the dataset;
            used when it has as many parts as `folds`, so that all runs are judged on the same ones.
        prior: weights (classes, width) and bias (classes,) for raw features that the head is drawn
            towards instead of zero.
        keep: share of the columns to use, the most telling ones as each fit finds them (Evci et
        al., ICML 2022).

    With cross-validation the final head is fitted on train and validation together; with a
    validation split on train alone, so that the validation scores are those of the very model that
    is saved.

    Raises:
        DataError: when the rows cannot be cut for a cross-validation.
    """
    options = Head("balanced" if balanced else None, intercept, classes, seed, keep=keep)
    use_cv = selection == "cv" or (
        selection == "auto" and len(train[1]) + len(validation[1]) < SMALL
    )
    if use_cv or not len(validation[1]):
        features = (
            np.concatenate([train[0], validation[0]])
            if len(validation[1])
            else np.asarray(train[0])
        )
        labels = np.concatenate([train[1], validation[1]])
        planned = (
            plan is not None and plan.min(initial=0) >= 0 and plan.max(initial=-1) + 1 == folds
        )
        parts = list(
            _planned(labels, plan)
            if planned and plan is not None
            else folds_of(labels, groups, folds, seed)
        )
        if not parts:
            raise DataError(
                "The rows to learn from cannot be cut into parts that judge each other.",
                "Too few of them, or of their groups, hold two classes or more, and a group is"
                " never torn apart.",
                "Choose another group column or none, or add labelled items.",
            )
        kind, first = "cv", 0
    else:
        features, labels = (
            np.concatenate([train[0], validation[0]]),
            np.concatenate([train[1], validation[1]]),
        )
        first = len(train[1])
        parts, kind = [(np.arange(first), np.arange(first, len(labels)))], "split"
    shift, scale = scaling(features[:first] if kind == "split" else features, intercept)
    scaled = ((features - shift) / scale).astype(np.float32)
    if prior is not None:
        options = replace(
            options, prior=(prior[0] * scale, prior[1] + prior[0].sum(axis=1) * shift)
        )
    best, sweep, models = _sweep(scaled, labels, parts, sorted(c_values), options, progress)
    model = (
        models[0] if kind == "split" else fit_head(scaled, labels, replace(options, c=best["c"]))
    )
    weight = model.coef_.astype(np.float64) / scale
    bias = (
        model.intercept_.astype(np.float64) - weight.sum(axis=1) * shift
        if intercept
        else np.zeros(len(weight))
    )
    held = np.concatenate([part for _, part in parts])
    probabilities = np.concatenate(
        [
            _probabilities(m, scaled[part], classes)
            for m, (_, part) in zip(models, parts, strict=True)
        ]
    )
    order = np.argsort(held)
    return ProbeFit(weight, bias, best["c"], kind, sweep, probabilities[order], held[order], keep)


def choose_c(
    features: Any,  # noqa: ANN401
    labels: Ints,
    groups: Ints,
    classes: int,
    settings: ProbeSettings,
) -> float:
    """The penalty that cross-validation on all of these rows prefers."""
    nothing = (features[:0], labels[:0])
    return fit_probe(
        (features, labels),
        nothing,
        groups,
        classes=classes,
        c_values=settings.c_values,
        selection="cv",
        folds=settings.folds,
        balanced=False,
        intercept=True,
        seed=settings.seed,
        progress=Progress(),
    ).c


def fit_and_judge(
    features: Any,  # noqa: ANN401
    labels: Ints,
    others: Any,  # noqa: ANN401
    c: float,
    classes: int,
    settings: ProbeSettings,
) -> Floats:
    """Probabilities (rows, classes) of `others` from a head fitted on `features`; one class alone
    is always named.
    """
    if len(np.unique(labels)) == 1:
        found = np.zeros((len(others), classes))
        found[:, labels[0]] = 1.0
        return found
    shift, scale = scaling(features, intercept=True)
    head = Head(None, True, classes, settings.seed, c)
    model = fit_head(((features - shift) / scale).astype(np.float32), labels, head)
    return _probabilities(model, ((others - shift) / scale).astype(np.float32), classes)


def scaling(features: Any, intercept: bool) -> tuple[float, float]:  # noqa: ANN401
    """One mean and one standard deviation for all columns: per-column scaling loses digits when it
    is folded.
    """
    shift = float(np.mean(features, dtype=np.float64)) if intercept else 0.0
    spread = float(np.std(features, dtype=np.float64))
    return shift, spread if spread > 1e-12 else 1.0


def folds_of(labels: Ints, groups: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Stratified, whole groups at a time; no more folds than the commonest class has groups. There
    may be none.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if len(np.unique(groups)) < 2 or np.bincount(labels).max() < 2:
        return
    most = max(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    splitter = StratifiedGroupKFold(
        n_splits=max(2, min(folds, most)), shuffle=True, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a class rarer than the folds is expected and reported elsewhere
        for train, held in splitter.split(labels, labels, groups):
            if len(np.unique(labels[train])) > 1 and len(held):
                yield train.astype(np.int64), held.astype(np.int64)


def _planned(labels: Ints, plan: Ints) -> Iterator[tuple[Ints, Ints]]:
    for part in range(int(plan.max()) + 1):
        train, held = np.flatnonzero(plan != part), np.flatnonzero(plan == part)
        if len(np.unique(labels[train])) > 1 and len(held):
            yield train, held


def _sweep(
    features: Any,  # noqa: ANN401
    labels: Ints,
    parts: list[tuple[Ints, Ints]],
    c_values: list[float],
    options: Head,
    progress: Progress,
) -> tuple[dict[str, float], list[dict[str, float]], list[Any]]:
    """Log loss and accuracy of each C on the held-out parts, and the best C's models."""
    sweep: list[dict[str, float]] = []
    best: dict[str, float] = {}
    best_models: list[Any] = []
    starts: list[Any] = [None] * len(parts)
    for number, c in enumerate(c_values, 1):
        models, losses, hits = [], 0.0, 0
        for position, (train, held) in enumerate(parts):
            model = fit_head(
                features[train], labels[train], replace(options, c=c), starts[position]
            )
            starts[position] = model
            found = _probabilities(model, features[held], options.classes)
            losses -= float(
                np.log(np.clip(found[np.arange(len(held)), labels[held]], 1e-7, 1.0)).sum()
            )
            hits += int((found.argmax(1) == labels[held]).sum())
            models.append(model)
        count = sum(len(held) for _, held in parts)
        point = {"c": c, "log_loss": losses / count, "accuracy": hits / count}
        sweep.append(point)
        progress.curve("choosing C", **point)
        progress.batch(number, len(c_values))
        if not best or point["log_loss"] < best["log_loss"]:
            best, best_models = point, models
        elif c > _PATIENCE * best["c"]:
            break  # log loss has one valley in C, and weak penalties are the slow fits
    return best, sweep, best_models


def fit_head(features: Any, labels: Ints, head: Head, start: Any = None) -> Any:  # noqa: ANN401
    """One logistic regression, started from the solution of the previous C where there is one."""
    few = 1 if features.size < _SMALL_FIT else None
    with _threads().limit(limits=few):
        return _fit(features, labels, head, start)


@lru_cache(maxsize=1)
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _fit(features: Any, labels: Ints, head: Head, start: Any) -> Any:  # noqa: ANN401
    if head.prior is not None:
        return PriorHead(
            *head.prior, head.c, balanced=head.class_weight is not None, intercept=head.intercept
        ).fit(features, labels)
    if head.keep < 1:
        return _fit_on_part(features, labels, head, start)
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=head.c,
        max_iter=300,
        tol=1e-4,
        class_weight=head.class_weight,
        warm_start=True,
        fit_intercept=head.intercept,
        random_state=head.seed,
    )
    if start is not None:
        model.coef_, model.intercept_, model.classes_ = (
            start.coef_.copy(),
            start.intercept_.copy(),
            start.classes_,
        )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # weak penalties may stop early; their loss decides
        return model.fit(features, labels)


def _fit_on_part(features: Any, labels: Ints, head: Head, start: Any) -> Any:  # noqa: ANN401
    """Fit on everything, keep the columns with the longest weights, fit on these; weights of the
    others are zero.
    """
    whole = _fit(features, labels, replace(head, keep=1.0), start)
    most = max(1, round(head.keep * features.shape[1]))
    columns = np.sort(np.argsort(-np.linalg.norm(whole.coef_, axis=0), kind="stable")[:most])
    part = _fit(features[:, columns], labels, replace(head, keep=1.0), None)
    whole.coef_ = np.zeros_like(whole.coef_)
    whole.coef_[:, columns], whole.intercept_ = part.coef_, part.intercept_
    return whole


def _probabilities(model: Any, features: Any, classes: int) -> Floats:  # noqa: ANN401
    """Probabilities over all classes, zero for those that a fold's training part lacked."""
    out = np.zeros((len(features), classes))
    out[:, model.classes_] = model.predict_proba(features)
    return out
