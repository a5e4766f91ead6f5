"""Our scores as `evaluate.Metric` classes, for code that speaks that interface; no network is
touched.

A leaf module: `import evaluate` takes seconds and pulls torch in, so nothing else here imports it.
"""

from __future__ import annotations

from collections.abc import Callable

import datasets
import evaluate
import numpy as np
from numpy.typing import ArrayLike

from tl_core.evaluate.scores import metrics
from tl_core.evaluate.scores.metrics import Floats, Ints


class _MatrixMetric(evaluate.Metric):  # type: ignore[misc]
    """One score of the confusion matrix; `compute(predictions=..., references=...)` with class
    numbers.
    """

    function: Callable[[Ints], Floats]
    score_name: str

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=f"{self.score_name} from class numbers",
            citation="",
            inputs_description="class numbers",
            features=datasets.Features(
                {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: ArrayLike, references: ArrayLike) -> dict[str, float]:
        predicted, truth = np.asarray(predictions), np.asarray(references)
        matrix = metrics.confusion_matrix(
            truth, predicted, int(max(predicted.max(), truth.max())) + 1
        )
        return {self.score_name: float(type(self).function(matrix))}


class Accuracy(_MatrixMetric):
    """Share of rows that are right."""

    function = staticmethod(metrics.accuracy)
    score_name = "accuracy"


class MacroF1(_MatrixMetric):
    """Mean F1 over classes."""

    function = staticmethod(metrics.macro_f1)
    score_name = "macro_f1"


class BalancedAccuracy(_MatrixMetric):
    """Mean recall over classes."""

    function = staticmethod(metrics.balanced_accuracy)
    score_name = "balanced_accuracy"


class Mcc(_MatrixMetric):
    """Matthews correlation."""

    function = staticmethod(metrics.mcc)
    score_name = "mcc"
