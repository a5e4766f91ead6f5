"""One class for each item: scores from the confusion matrix and from the probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import BaselineScores, ConformalSets, ScoredRows
from tl_core.evaluate.report.sections import baseline_score, evaluate_rows
from tl_core.evaluate.scores.calibration import (
    choose_temperature,
    conformal_sets,
    fit_temperature,
    sharpen,
)
from tl_core.evaluate.scores.deciding import BEST_F1, Wish
from tl_core.evaluate.scores.metrics import (
    Floats,
    Ints,
    confusion_matrix,
    item_log_loss,
    macro_f1,
)
from tl_core.evaluate.tasks.task_evaluation import Cooling
from tl_core.tasks import Decision
from tl_core.tasks.single_label import DECISION


class SingleLabelEvaluation:
    """`TaskEvaluation`; labels are class numbers (rows,)."""

    def evaluate_rows(
        self,
        truth: Ints,
        probabilities: Floats,
        labels: list[str],
        kind: str,
        seed: int = 0,
        decision: Decision = DECISION,
    ) -> ScoredRows:
        """Every score of the contract."""
        del decision
        return evaluate_rows(truth, probabilities, labels, kind, seed)

    def correct(
        self, truth: Ints, probabilities: Floats, decision: Decision = DECISION
    ) -> NDArray[np.bool_]:
        """Whether the likeliest class is the true one."""
        silent = np.isnan(probabilities).any(axis=1)
        right: NDArray[np.bool_] = decision.labels(np.nan_to_num(probabilities)) == truth
        return right & ~silent

    def item_scores(
        self, truth: Ints, probabilities: Floats, decision: Decision = DECISION
    ) -> Floats | None:
        """None: an answer is right or wrong."""
        del truth, probabilities, decision
        return None

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

    def baseline_scores(
        self, truth: Ints, probabilities: Floats, decision: Decision = DECISION
    ) -> BaselineScores:
        """Its accuracy."""
        return baseline_score(self.correct(truth, probabilities, decision))

    def decide(self, truth: Ints, probabilities: Floats, wish: Wish = BEST_F1) -> Decision:
        """The likeliest class, whatever is wished for."""
        del truth, probabilities, wish
        return DECISION

    def decide_apart(self, truth: Ints, probabilities: Floats, seed: int = 0) -> Decision:
        """The likeliest class."""
        del truth, probabilities, seed
        return DECISION

    def cool(self, truth: Ints, probabilities: Floats, seed: int = 0) -> Cooling:
        """One temperature."""
        facts = choose_temperature(truth, probabilities, seed)
        return Cooling(np.array(facts["temperature"]), facts)

    def sharpen(self, probabilities: Floats, temperature: Floats) -> Floats:
        """softmax(logits / T)."""
        return sharpen(probabilities, float(temperature))

    def cooled_losses(self, truth: Ints, probabilities: Floats, sample: Ints) -> Floats:
        """At the temperature of the sample."""
        heat = fit_temperature(truth[sample], probabilities[sample])
        return self.row_losses(truth, sharpen(probabilities, heat))

    def sets_of_answers(
        self, held_out: tuple[Ints, Floats], test: tuple[Ints, Floats]
    ) -> list[ConformalSets]:
        """Split conformal prediction."""
        return conformal_sets(held_out, test)


SINGLE_LABEL_EVALUATION = SingleLabelEvaluation()
