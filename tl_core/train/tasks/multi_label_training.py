"""Any number of classes for each item: a yes or no for each of them, learnt side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tl_core.tasks.multi_label import DECISION
from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.class_weights import class_weights
from tl_core.train.probe import logistic
from tl_core.train.probe.logistic import FittedHead, Head
from tl_core.train.probe.one_vs_rest import OneVsRest

if TYPE_CHECKING:
    from torch import Tensor

_CLIP = 1e-7  # smallest probability in a log loss


class MultiLabelTraining:
    """`TaskTraining`; labels are 0 or 1 for each class (rows, classes)."""

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
        """Binary cross-entropy summed over the classes, its focal form, or the asymmetric loss.

        Args:
            logits: (batch, classes).
            labels: (batch, classes).
            weights: of a no and of a yes (2, classes).
            gamma: of focal loss.
            smoothing: share of certainty given to the other answer.
            asymmetric: forget easy noes (`losses.asymmetric_losses`).
        """
        from tl_core.train.loop.losses import asymmetric_losses, binary_losses

        each = (
            asymmetric_losses(logits, labels)
            if asymmetric
            else binary_losses(logits, labels, gamma=gamma, smoothing=smoothing)
        )
        if weights is not None:
            each = each * weights[1].where(labels > 0, weights[0])
        return each.sum(dim=1)

    def fit_head(
        self, features: Features, labels: Ints, head: Head, start: FittedHead | None = None
    ) -> FittedHead:
        """Logistic regression of each class against the rest."""

        def fit(read: Features, head: Head, start: FittedHead | None) -> FittedHead:
            begin = start if isinstance(start, OneVsRest) else None
            return OneVsRest(
                head.c,
                balanced=head.class_weight is not None,
                intercept=head.intercept,
                prior=head.prior,
                start=begin,
            ).fit(read, labels)

        with logistic.few_threads(features):
            if head.keep < 1:
                return logistic.on_part(fit, features, head, start)
            return fit(features, head, start)

    def head_probabilities(self, model: FittedHead, features: Features, classes: int) -> Floats:
        """Each by itself."""
        del classes
        return model.predict_proba(features)

    def linear_probabilities(self, logits: Floats) -> Floats:
        """Sigmoid."""
        return DECISION.probabilities(logits)

    def row_losses(self, labels: Ints, probabilities: Floats) -> Floats:
        """Binary log loss, the mean over the classes; probabilities are clipped at 1e-7."""
        said = np.clip(probabilities, _CLIP, 1 - _CLIP)
        losses: Floats = -np.where(labels > 0, np.log(said), np.log(1 - said)).mean(axis=1)
        return losses

    def plain_classifier(self, c: float, *, balanced: bool, seed: int) -> FittedHead:
        """Logistic regression of each class against the rest; nothing in it is random."""
        del seed
        return OneVsRest(c, balanced=balanced)

    def counts(self, labels: Ints, classes: int) -> Ints:
        """Rows that have each class."""
        counts: Ints = (labels > 0).sum(axis=0).astype(np.int64).reshape(classes)
        return counts

    def chances(self, labels: Ints, counts: Ints) -> Floats:
        """By the rarest class of each row; rows without any are as likely as those of the commonest
        class.
        """
        each = np.where(labels > 0, 1.0 / np.maximum(counts, 1), 0.0)
        chances: Floats = np.maximum(each.max(axis=1), 1.0 / max(int(counts.max()), 1))
        return chances

    def rarity(self, labels: Ints, counts: Ints) -> Floats:
        """Rows over those of the rarest class that a row has; 1 without any."""
        chances: Floats = len(labels) * self.chances(labels, counts)
        return chances

    def class_weights(
        self, labels: Ints, counts: Ints, kind: str, custom: tuple[float, ...] = ()
    ) -> Floats:
        """Weights of a no and of a yes (2, classes). Balanced: both sides of each class weigh alike
        in sum; custom: those of a yes.
        """
        rows = len(labels)
        if kind == "custom":
            return np.stack([np.ones(len(counts)), class_weights(counts.tolist(), kind, custom)])
        power = {"none": 0.0, "balanced": 1.0, "sqrt": 0.5}[kind]
        sides = np.stack([rows - counts, counts]).astype(np.float64)
        raw = (rows / np.maximum(sides, 1)) ** power
        weights: Floats = raw * rows / np.maximum((raw * sides).sum(axis=0), 1)
        return weights

    def commonest(self, labels: Ints, classes: int) -> Floats:
        """The set of classes that most rows have, as certain probabilities (classes,); none without
        rows.
        """
        if not len(labels):
            return np.zeros(classes)
        sets, counts = np.unique(labels, axis=0, return_counts=True)
        certain: Floats = sets[int(counts.argmax())].astype(np.float64)
        return certain


MULTI_LABEL_TRAINING = MultiLabelTraining()
