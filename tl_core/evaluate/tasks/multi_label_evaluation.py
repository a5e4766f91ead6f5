"""Any number of classes for each item: scores label by label and item by item, and thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import BaselineScores, ConformalSets, ScoredRows, Temperature
from tl_core.evaluate.report.label_set_sections import evaluate_label_sets
from tl_core.evaluate.scores import set_scores
from tl_core.evaluate.scores.calibration import choose_temperature, fit_temperature, sharpen
from tl_core.evaluate.scores.deciding import (
    BEST_F1,
    Wish,
    choose_thresholds,
    thresholds_of_others,
)
from tl_core.evaluate.scores.intervals import proportion
from tl_core.evaluate.scores.metrics import CLIP, Floats, Ints
from tl_core.evaluate.tasks.task_evaluation import Cooling
from tl_core.tasks import Decision
from tl_core.tasks.multi_label import DECISION, AnyOfAll


class MultiLabelEvaluation:
    """`TaskEvaluation`; labels are 0 and 1 (rows, classes)."""

    def evaluate_rows(
        self,
        truth: Ints,
        probabilities: Floats,
        labels: list[str],
        kind: str,
        seed: int = 0,
        decision: Decision = DECISION,
    ) -> ScoredRows:
        """Every score of the contract for several labels."""
        thresholds = decision.thresholds if isinstance(decision, AnyOfAll) else DECISION.thresholds
        return evaluate_label_sets(truth, probabilities, labels, kind, seed, thresholds)

    def correct(
        self, truth: Ints, probabilities: Floats, decision: Decision = DECISION
    ) -> NDArray[np.bool_]:
        """Whether exactly the labels of a row are named."""
        silent = set_scores.silent_rows(probabilities)
        right: NDArray[np.bool_] = (decision.labels(np.nan_to_num(probabilities)) == truth).all(1)
        return right & ~silent

    def item_scores(
        self, truth: Ints, probabilities: Floats, decision: Decision = DECISION
    ) -> Floats | None:
        """F1 of the labels of each row."""
        return set_scores.item_f1(truth, decision.labels(np.nan_to_num(probabilities)))

    def row_losses(self, truth: Ints, probabilities: Floats) -> Floats:
        """Binary log loss, the mean over the classes."""
        said = np.clip(probabilities, CLIP, 1 - CLIP)
        losses: Floats = -np.where(truth > 0, np.log(said), np.log(1 - said)).mean(axis=1)
        return losses

    def state_scores(self, truth: Ints, probabilities: Floats) -> dict[str, float]:
        """Exact match, micro and macro F1 with thresholds that the other rows choose, log loss."""
        decision = self.decide_apart(truth, probabilities)
        counts = set_scores.Counts.of(truth, decision.labels(probabilities))
        return {
            "accuracy": float(self.correct(truth, probabilities, decision).mean()),
            "micro_f1": float(counts.micro_f1()),
            "macro_f1": float(counts.macro_f1()),
            "log_loss": float(self.row_losses(truth, probabilities).mean()),
        }

    def baseline_scores(
        self, truth: Ints, probabilities: Floats, decision: Decision = DECISION
    ) -> BaselineScores:
        """Exact match, and F1 of the labels."""
        answers = decision.labels(probabilities)
        right = (answers == truth).all(axis=1)
        drawn = set_scores.drawn_counts(truth, answers, 0)
        counts = set_scores.Counts.of(truth, answers)
        return {
            "accuracy": proportion(int(right.sum()), len(right)),
            "micro_f1": set_scores.ranged(float(counts.micro_f1()), drawn.micro_f1()),
            "macro_f1": set_scores.ranged(float(counts.macro_f1()), drawn.macro_f1()),
        }

    def decide(self, truth: Ints, probabilities: Floats, wish: Wish = BEST_F1) -> Decision:
        """A threshold for each class."""
        return AnyOfAll(choose_thresholds(truth, probabilities, wish))

    def decide_apart(self, truth: Ints, probabilities: Floats, seed: int = 0) -> Decision:
        """For each row the thresholds that the other rows would have chosen for the best F1."""
        return AnyOfAll(thresholds_of_others(truth, probabilities, BEST_F1, seed))

    def cool(self, truth: Ints, probabilities: Floats, seed: int = 0) -> Cooling:
        """A temperature for each class, where it helps rows that it was not fitted on."""
        each = [
            choose_temperature(truth[:, number], _sides(probabilities[:, number]), seed)
            for number in range(probabilities.shape[1])
        ]
        heats = np.array([one["temperature"] for one in each])
        before = float(self.row_losses(truth, probabilities).mean()) if len(truth) else None
        after = [
            one["log_loss_after"] if one["temperature"] != 1.0 else one["log_loss_before"]
            for one in each
        ]
        told = [loss for loss in after if loss is not None]
        facts: Temperature = {
            "temperature": float(np.exp(np.log(heats).mean())),
            "fitted": None,
            "log_loss_before": before,
            "log_loss_after": float(np.mean(told)) if len(told) == len(each) else before,
            "temperatures": heats.tolist(),
        }
        return Cooling(heats, facts)

    def sharpen(self, probabilities: Floats, temperature: Floats) -> Floats:
        """sigmoid(logits / T), class by class."""
        heats = np.broadcast_to(temperature, probabilities.shape[1:])
        columns = [
            sharpen(_sides(probabilities[:, number]), float(heat))[:, 1]
            for number, heat in enumerate(heats)
        ]
        return np.stack(columns, axis=1) if columns else probabilities

    def cooled_losses(self, truth: Ints, probabilities: Floats, sample: Ints) -> Floats:
        """At one temperature for all classes, fitted on the sample."""
        heat = fit_temperature(truth[sample].ravel(), _sides(probabilities[sample].ravel()))
        return self.row_losses(truth, self.sharpen(probabilities, np.array(heat)))

    def sets_of_answers(
        self, held_out: tuple[Ints, Floats], test: tuple[Ints, Floats]
    ) -> list[ConformalSets]:
        """None: an answer is a set already."""
        del held_out, test
        return []


def _sides(said: Floats) -> Floats:
    """Probabilities of a no and of a yes (rows, 2)."""
    return np.stack([1 - said, said], axis=1)


MULTI_LABEL_EVALUATION = MultiLabelEvaluation()
