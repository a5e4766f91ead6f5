"""One linear classifier on features: scaling, the fit, and its probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from threadpoolctl import ThreadpoolController

from tl_core.tasks import SINGLE_LABEL, decision_of
from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.probe.prior_head import PriorHead

# numbers below which threads that wait for each other made a fit up to 20 times slower than one
_SMALL_FIT = 5e7


class FittedHead(Protocol):
    """What scikit-learn's classifiers, `PriorHead` and `OneVsRest` have in common."""

    coef_: Floats
    intercept_: Floats
    classes_: Ints

    def fit(self, features: Features, labels: Ints) -> object:
        """Learn labels from features (rows, width)."""

    def predict(self, features: Features) -> Ints:
        """Class numbers (rows,)."""

    def predict_proba(self, features: Features) -> Floats:
        """Probabilities (rows, classes)."""


@dataclass(frozen=True)
class Head:
    """How one head is fitted: weight of classes, bias, number of classes, seed, the penalty where
    it is chosen, weights and bias that it is drawn towards (for scaled features), the share of the
    columns that it may use, the task, and the weight of each row (rows,) where they differ.
    """

    class_weight: str | None
    intercept: bool
    classes: int
    seed: int
    c: float = 1.0
    prior: tuple[Floats, Floats] | None = None
    keep: float = 1.0
    task: str = SINGLE_LABEL.name
    weights: Floats | None = None


def scaling(features: Features, intercept: bool) -> tuple[float, float]:
    """One mean and one standard deviation for all columns: per-column scaling loses digits when it
    is folded.
    """
    shift = float(np.mean(features, dtype=np.float64)) if intercept else 0.0
    spread = float(np.std(features, dtype=np.float64))
    return shift, spread if spread > 1e-12 else 1.0


def fit_head(
    features: Features, labels: Ints, head: Head, start: FittedHead | None = None
) -> FittedHead:
    """One logistic regression, started from the solution of the previous C where there is one."""

    def fit(read: Features, head: Head, start: FittedHead | None) -> FittedHead:
        return _fit_plain(read, labels, head, start)

    with few_threads(features):
        if head.prior is not None:
            return PriorHead(
                *head.prior,
                head.c,
                balanced=head.class_weight is not None,
                intercept=head.intercept,
            ).fit(features, labels)
        return on_part(fit, features, head, start) if head.keep < 1 else fit(features, head, start)


def few_threads(features: Features) -> AbstractContextManager[object]:
    """One thread for a small fit, whose threads would wait for each other."""
    limit: AbstractContextManager[object] = _threads().limit(
        limits=1 if features.size < _SMALL_FIT else None
    )
    return limit


@lru_cache(maxsize=1)
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _fit_plain(
    features: Features, labels: Ints, head: Head, start: FittedHead | None
) -> FittedHead:
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
        # weak penalties may stop early; their loss decides
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted: FittedHead = model.fit(features, labels, sample_weight=head.weights)
    return fitted


Fit = Callable[[Features, "Head", FittedHead | None], FittedHead]


def on_part(fit: Fit, features: Features, head: Head, start: FittedHead | None) -> FittedHead:
    """Fit on everything, keep the columns with the longest weights, fit on these; weights of the
    others are zero.
    """
    whole = fit(features, head, start)
    most = max(1, round(head.keep * features.shape[1]))
    columns = np.sort(np.argsort(-np.linalg.norm(whole.coef_, axis=0), kind="stable")[:most])
    part = fit(features[:, columns], head, None)
    whole.coef_ = np.zeros_like(whole.coef_)
    whole.coef_[:, columns], whole.intercept_ = part.coef_, part.intercept_
    return whole


def probabilities_of(model: FittedHead, features: Features, classes: int) -> Floats:
    """Probabilities over all classes, zero for those that a fold's training part lacked."""
    out = np.zeros((len(features), classes))
    out[:, model.classes_] = model.predict_proba(features)
    return out


def probabilities_of_logits(logits: Floats) -> Floats:
    """Softmax over logits (rows, classes); one column means two classes with logits (0, z)."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    return decision_of(SINGLE_LABEL.name).probabilities(logits)
