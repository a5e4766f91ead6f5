"""One class for each item: scores from the confusion matrix and from the probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import ConformalSets, ScoredRows
from tl_core.evaluate.report.sections import evaluate_rows
from tl_core.evaluate.scores.calibration import conformal_sets
from tl_core.evaluate.scores.metrics import (
    Floats,
    Ints,
    confusion_matrix,
    item_log_loss,
    macro_f1,
)
from tl_core.tasks.single_label import DECISION


class SingleLabelEvaluation:
    """`TaskEvaluation`; labels are class numbers (rows,)."""

    def evaluate_rows(
        self, truth: Ints, probabilities: Floats, labels: list[str], kind: str, seed: int = 0
    ) -> ScoredRows:
        """Every score of the contract."""
        return evaluate_rows(truth, probabilities, labels, kind, seed)

    def correct(self, truth: Ints, probabilities: Floats) -> NDArray[np.bool_]:
        """Whether the likeliest class is the true one."""
        silent = np.isnan(probabilities).any(axis=1)
        right: NDArray[np.bool_] = DECISION.labels(np.nan_to_num(probabilities)) == truth
        return right & ~silent

    def row_losses(self, truth: Ints, probabilities: Floats) -> Floats:
        """Of the true class."""
        return item_log_loss(truth, probabilities)

    def state_scores(self, truth: Ints, probabilities: Floats) -> dict[str, float]:
        """Accuracy, macro F1 and log loss."""
        answers = DECISION.labels(probabilities)
        matrix = confusion_matrix(truth, answers, probabilities.shape[1])
        return {
            "accuracy": float(np.trace(matrix) / len(truth)),
            "macro_f1": float(macro_f1(matrix)),
            "log_loss": float(self.row_losses(truth, probabilities).mean()),
        }

    def sets_of_answers(
        self, held_out: tuple[Ints, Floats], test: tuple[Ints, Floats]
    ) -> list[ConformalSets]:
        """Split conformal prediction."""
        return conformal_sets(held_out, test)


SINGLE_LABEL_EVALUATION = SingleLabelEvaluation()
