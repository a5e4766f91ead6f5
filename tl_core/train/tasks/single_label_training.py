"""One class for each item: cross-entropy, and logistic regression over all classes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.probe import logistic
from tl_core.train.probe.logistic import FittedHead, Head

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
    from torch import Tensor

_CLIP = 1e-7  # smallest probability in a log loss


class SingleLabelTraining:
    """`TaskTraining`; labels are class numbers (rows,)."""

    def losses(
        self,
        logits: Tensor,
        labels: Tensor,
        *,
        weights: Tensor | None = None,
        gamma: float = 0.0,
        smoothing: float = 0.0,
    ) -> Tensor:
        """Cross-entropy, or focal loss."""
        from tl_core.train.loop.losses import losses_of

        return losses_of(logits, labels, weights=weights, gamma=gamma, smoothing=smoothing)

    def fit_head(
        self, features: Features, labels: Ints, head: Head, start: FittedHead | None = None
    ) -> FittedHead:
        """Logistic regression."""
        return logistic.fit_head(features, labels, head, start)

    def head_probabilities(self, model: FittedHead, features: Features, classes: int) -> Floats:
        """They sum to 1."""
        return logistic.probabilities_of(model, features, classes)

    def linear_probabilities(self, logits: Floats) -> Floats:
        """One column means two classes with logits (0, z)."""
        return logistic.probabilities_of_logits(logits)

    def row_losses(self, labels: Ints, probabilities: Floats) -> Floats:
        """Natural logarithm of the probability of the true class, clipped at 1e-7, negated."""
        true = probabilities[np.arange(len(labels)), labels]
        losses: Floats = -np.log(np.clip(true, _CLIP, 1.0))
        return losses

    def plain_classifier(self, c: float, *, balanced: bool, seed: int) -> ClassifierMixin:
        """Logistic regression."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(
            C=c,
            max_iter=300,
            class_weight="balanced" if balanced else None,
            random_state=seed,
        )


SINGLE_LABEL_TRAINING = SingleLabelTraining()
