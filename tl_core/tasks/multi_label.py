"""Any number of classes for each item, none included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.tasks.base import LEAST, Task

EVEN = 0.5  # a class is named where it is likelier than not
Floats = NDArray[np.float64]


class AnyOfAll:
    """Each class by itself: it is named where its probability reaches its threshold.

    Args:
        thresholds: one for all classes, one for each (classes,), or one for each of certain rows
            and classes (rows, classes).
    """

    def __init__(self, thresholds: float | Floats = EVEN) -> None:
        self.thresholds: Floats = np.asarray(thresholds, dtype=np.float64)

    def probabilities(self, logits: NDArray[np.floating]) -> Floats:
        """Sigmoid of each logit (rows, classes), in float64; they do not sum to 1."""
        from scipy.special import expit

        shares: Floats = expit(np.asarray(logits, dtype=np.float64))
        return shares

    def labels(self, probabilities: Floats) -> NDArray[np.intp]:
        """1 for each class that a row has, else 0 (rows, classes); nothing is said of NaN."""
        answers: NDArray[np.intp] = (probabilities >= self.thresholds).astype(np.intp)
        return answers

    def confidence(self, probabilities: Floats) -> Floats:
        """How sure the whole answer is (rows,): the probability of what is said of the class that
        is least sure.
        """
        said = self.labels(probabilities).astype(bool)
        sure: Floats = np.where(said, probabilities, 1 - probabilities).min(axis=1)
        return sure

    def margin(self, probabilities: Floats) -> Floats:
        """The class that lies nearest to its threshold (rows,)."""
        gap: Floats = np.abs(probabilities - self.thresholds).min(axis=1)
        return gap

    def entropy(self, probabilities: Floats) -> Floats:
        """Of each class's yes or no, in sum (rows,)."""
        bits = np.zeros(len(probabilities))
        for share in (probabilities, 1 - probabilities):
            sure = np.clip(share, LEAST, 1.0)
            bits -= (sure * np.log(sure)).sum(axis=1)
        return bits


DECISION = AnyOfAll()
MULTI_LABEL = Task(
    name="multi_label",
    title="Any number of classes for each item",
    problem_type="multi_label_classification",
    parts={
        "decision": "tl_core.tasks.multi_label:DECISION",
        "evaluate": "tl_core.evaluate.tasks.multi_label_evaluation:MULTI_LABEL_EVALUATION",
        "train": "tl_core.train.tasks.multi_label_training:MULTI_LABEL_TRAINING",
    },
)
