"""Logistic regression for each class against the rest, all classes in one fit.

The objective is scikit-learn's, summed over classes that share nothing: C times the summed binary
cross-entropy plus half the squared length of the weights; the bias is free. With a prior the
weights and the bias are drawn towards it instead of towards zero. One L-BFGS over the whole matrix
needs a product of matrices a step, where a fit for each class would need as many of vectors.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import issparse
from scipy.special import expit

from tl_core.train.arrays import Features, Floats, Ints

_STEPS, _CLOSE = 500, 1e-5  # most steps of L-BFGS, and the slope at which it ends, a row
_SILENT = -30.0  # bias of a class without examples: a probability of 1e-13


class OneVsRest:
    """A fitted head with the attributes of scikit-learn's: `coef_` (classes, width), `intercept_`
    (classes,), `classes_`.

    Args:
        c: inverse strength of the penalty.
        balanced: for each class, weight rows with and without it alike in sum.
        intercept: False for heads without bias.
        prior: weights (classes, width) and bias (classes,) that the head is drawn towards.
        start: a head of the same shape that the search begins at.
    """

    coef_: Floats
    intercept_: Floats
    classes_: Ints

    def __init__(
        self,
        c: float = 1.0,
        *,
        balanced: bool = False,
        intercept: bool = True,
        prior: tuple[Floats, Floats] | None = None,
        start: OneVsRest | None = None,
    ) -> None:
        self._c, self._balanced, self._intercept = c, balanced, intercept
        self._prior, self._start = prior, start

    def fit(self, features: Features, labels: Ints) -> OneVsRest:
        """Fit on features (rows, width), which may be sparse, and on 0 and 1 (rows, classes).

        A class that all rows have, or none, has nothing to be told from and gets its bias alone.
        """
        read, wanted = _as_read(features), labels.astype(np.float64)
        classes, width = labels.shape[1], read.shape[1]
        counts = wanted.sum(axis=0)
        learnt = (counts > 0) & (counts < len(wanted))
        centre = np.zeros((classes, width + 1))
        if self._prior is not None:
            centre[:, :width], centre[:, width] = self._prior
        weights = self._c * self._row_weights(wanted, counts)
        pulled = np.ones(width + 1)
        pulled[width] = 0.0 if self._prior is None else 1.0
        first = centre if self._start is None else self._start.packed
        solved = centre.copy()
        if learnt.any():
            solved[learnt] = self._solve(
                read, wanted[:, learnt], weights[:, learnt], centre[learnt], first[learnt], pulled
            )
        if self._prior is None and self._intercept:
            solved[~learnt, width] = np.where(counts[~learnt] > 0, -_SILENT, _SILENT)
        self.coef_, self.intercept_ = solved[:, :width], solved[:, width]
        self.classes_ = np.arange(classes)
        return self

    @property
    def packed(self) -> Floats:
        """Weights and bias side by side (classes, width + 1)."""
        return np.concatenate([self.coef_, self.intercept_[:, None]], axis=1)

    def _row_weights(self, wanted: Floats, counts: Floats) -> Floats:
        """Weight of each row for each class (rows, classes)."""
        if not self._balanced:
            return np.ones_like(wanted)
        rows = len(wanted)
        with_it, without = (rows / (2 * np.maximum(some, 1)) for some in (counts, rows - counts))
        return np.where(wanted > 0, with_it, without)

    def _solve(
        self,
        read: Features | Floats,
        wanted: Floats,
        weights: Floats,
        centre: Floats,
        first: Floats,
        pulled: Floats,
    ) -> Floats:
        """The classes' heads (classes, width + 1) with the least loss."""
        classes, width = len(centre), read.shape[1]

        def loss(flat: Floats) -> tuple[float, Floats]:
            head = flat.reshape(classes, width + 1)
            logits = read @ head[:, :width].T + head[:, width]
            away = (head - centre) * pulled
            value = (weights * (np.logaddexp(0, logits) - wanted * logits)).sum()
            slope = weights * (expit(logits) - wanted)
            gradient = np.concatenate([slope.T @ read, slope.sum(0)[:, None]], axis=1) + away
            if not self._intercept:
                gradient[:, width] = 0.0
            return float(value + 0.5 * (away**2).sum()), gradient.ravel()

        best = minimize(
            loss,
            first.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _STEPS, "gtol": _CLOSE * self._c * len(wanted)},
        )
        solved: Floats = best.x.reshape(classes, width + 1)
        return solved

    def decision_function(self, features: Features) -> Floats:
        """Logits (rows, classes)."""
        logits: Floats = _as_read(features) @ self.coef_.T + self.intercept_
        return logits

    def predict_proba(self, features: Features) -> Floats:
        """Probability of each class (rows, classes); they do not sum to 1."""
        shares: Floats = expit(self.decision_function(features))
        return shares

    def predict(self, features: Features) -> Ints:
        """Whether each row has each class (rows, classes), by one half."""
        return (self.decision_function(features) >= 0).astype(np.int64)


def _as_read(features: Features) -> Floats:
    """In float64; what is sparse stays so."""
    return cast(Floats, features) if issparse(features) else np.asarray(features, np.float64)
