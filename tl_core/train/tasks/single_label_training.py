"""One class for each item: cross-entropy, and logistic regression over all classes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.class_weights import class_weights
from tl_core.train.probe import logistic
from tl_core.train.probe.logistic import FittedHead, Head

if TYPE_CHECKING:
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
        asymmetric: bool = False,
    ) -> Tensor:
        """Cross-entropy, or focal loss; `refuse_loss` has refused the asymmetric one."""
        del asymmetric
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

    def plain_classifier(self, c: float, *, balanced: bool, seed: int) -> FittedHead:
        """Logistic regression."""
        from sklearn.linear_model import LogisticRegression

        model: FittedHead = LogisticRegression(
            C=c,
            max_iter=300,
            class_weight="balanced" if balanced else None,
            random_state=seed,
        )
        return model

    def counts(self, labels: Ints, classes: int) -> Ints:
        """Rows of each class."""
        return np.bincount(labels[labels >= 0], minlength=classes).astype(np.int64)

    def chances(self, labels: Ints, counts: Ints) -> Floats:
        """One over the rows of its class."""
        shares: Floats = 1.0 / counts[labels]
        return shares

    def rarity(self, labels: Ints, counts: Ints) -> Floats:
        """Rows over those of its class."""
        rare: Floats = len(labels) / np.maximum(counts, 1)[labels]
        return rare

    def class_weights(
        self, labels: Ints, counts: Ints, kind: str, custom: tuple[float, ...] = ()
    ) -> Floats:
        """Of the classes (classes,)."""
        del labels
        return class_weights(counts.tolist(), kind, custom)

    def commonest(self, labels: Ints, classes: int) -> Floats:
        """The commonest class, the first one of a tie."""
        certain = np.zeros(classes)
        certain[int(np.bincount(labels, minlength=classes).argmax())] = 1.0
        return certain


SINGLE_LABEL_TRAINING = SingleLabelTraining()
