"""One class for each item."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.tasks.base import LEAST, Task


class OneOfAll:
    """The likeliest class; the probabilities of all classes sum to 1."""

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Softmax of the logits (rows, classes), in float64."""
        from scipy.special import softmax

        shares: NDArray[np.float64] = softmax(np.asarray(logits, dtype=np.float64), axis=1)
        return shares

    def labels(self, probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
        """The number of the likeliest class of each row (rows,)."""
        answers: NDArray[np.intp] = probabilities.argmax(axis=1)
        return answers

    def confidence(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of the likeliest class of each row (rows,)."""
        sure: NDArray[np.float64] = probabilities.max(axis=1)
        return sure

    def margin(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The likeliest class before the next one (rows,)."""
        top = np.sort(probabilities, axis=1)[:, -2:]
        gap: NDArray[np.float64] = top[:, -1] - top[:, 0]
        return gap

    def entropy(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Over all classes (rows,)."""
        sure = np.clip(probabilities, LEAST, 1.0)
        bits: NDArray[np.float64] = -(sure * np.log(sure)).sum(axis=1)
        return bits


DECISION = OneOfAll()
SINGLE_LABEL = Task(
    name="single_label",
    title="One class for each item",
    problem_type="single_label_classification",
    parts={
        "decision": "tl_core.tasks.single_label:DECISION",
        "evaluate": "tl_core.evaluate.tasks.single_label_evaluation:SINGLE_LABEL_EVALUATION",
        "train": "tl_core.train.tasks.single_label_training:SINGLE_LABEL_TRAINING",
    },
)
