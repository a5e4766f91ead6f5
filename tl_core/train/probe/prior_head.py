"""Logistic regression that is drawn towards a given classifier instead of towards zero.

With few labels the answer stays near the given one (what words say of the classes), with many it
goes where the labels are: minimise C times the summed cross-entropy plus half the squared distance
to the start. It is scikit-learn's own objective with its centre moved; the bias is drawn to its
start too, so that a class without examples keeps its words.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from tl_core.train.arrays import Features, Floats, Ints


class PriorHead:
    """A fitted head with the attributes of scikit-learn's: `coef_` (classes, width), `intercept_`,
    `classes_`.
    """

    def __init__(
        self, weight: Floats, bias: Floats, c: float, *, balanced: bool, intercept: bool
    ) -> None:
        self._start, self._c, self._balanced, self._intercept = (
            (weight, bias),
            c,
            balanced,
            intercept,
        )
        self.coef_, self.intercept_, self.classes_ = weight, bias, np.arange(len(weight))

    def fit(self, features: Features, labels: Ints) -> PriorHead:
        """Fit on features (n, width) and class numbers (n,)."""
        read = np.asarray(features, dtype=np.float64)
        classes, width = self._start[0].shape
        counts = np.bincount(labels, minlength=classes)
        share = (
            len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
            if self._balanced
            else np.ones(classes)
        )
        rows = self._c * share[labels]
        target = np.eye(classes)[labels]

        def loss(moved: Floats) -> tuple[float, Floats]:
            step = moved.reshape(classes, width + 1)
            logits = read @ (self._start[0] + step[:, :width]).T + self._start[1] + step[:, width]
            value = (
                -(rows * log_softmax(logits, axis=1)[np.arange(len(labels)), labels]).sum()
                + 0.5 * (step**2).sum()
            )
            slope = rows[:, None] * (softmax(logits, axis=1) - target)
            gradient = np.concatenate([slope.T @ read, slope.sum(0)[:, None]], axis=1) + step
            if not self._intercept:
                gradient[:, width] = 0.0
            return float(value), gradient.ravel()

        moved = minimize(
            loss,
            np.zeros(classes * (width + 1)),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 300, "gtol": 1e-4},
        ).x.reshape(classes, width + 1)
        self.coef_, self.intercept_ = (
            self._start[0] + moved[:, :width],
            self._start[1] + moved[:, width],
        )
        return self

    def predict(self, features: Features) -> Ints:
        """Class numbers (n,)."""
        return np.asarray(self.predict_proba(features).argmax(axis=1), np.int64)

    def predict_proba(self, features: Features) -> Floats:
        """Probabilities (n, classes)."""
        return np.asarray(
            softmax(np.asarray(features, np.float64) @ self.coef_.T + self.intercept_, axis=1)
        )
