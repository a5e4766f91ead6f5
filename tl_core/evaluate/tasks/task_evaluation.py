"""What the evaluation asks of a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import BaselineScores, ConformalSets, ScoredRows, Temperature
from tl_core.evaluate.scores.deciding import Wish
from tl_core.evaluate.scores.metrics import Floats, Ints
from tl_core.tasks import Decision, task_of


@dataclass(frozen=True)
class Cooling:
    """Temperatures that logits are divided by: one number, or one for each class (classes,); and
    what is told of them.
    """

    temperature: Floats
    facts: Temperature

    @property
    def changes(self) -> bool:
        """Whether any of them is kept."""
        return bool((self.temperature != 1.0).any())


class TaskEvaluation(Protocol):
    """How answers of one task are scored."""

    def evaluate_rows(
        self,
        truth: Ints,
        probabilities: Floats,
        labels: list[str],
        kind: str,
        seed: int = 0,
        decision: Decision = ...,
    ) -> ScoredRows:
        """A section of the report.

        Args:
            truth: labels of the rows (rows, ...).
            probabilities: (rows, classes) over all of `labels`; a class outside the model has zero
                throughout.
            labels: class names in column order.
            kind: `split` or `cv`.
            seed: of the bootstrap.
            decision: how answers are decided.
        """
        ...

    def correct(
        self, truth: Ints, probabilities: Floats, decision: Decision = ...
    ) -> NDArray[np.bool_]:
        """Which rows are answered rightly (rows,); a row of NaN is not."""
        ...

    def item_scores(
        self, truth: Ints, probabilities: Floats, decision: Decision = ...
    ) -> Floats | None:
        """How right each row is, from 0 to 1 (rows,); None where it is right or wrong."""
        ...

    def row_losses(self, truth: Ints, probabilities: Floats) -> Floats:
        """Log loss of each row (rows,)."""
        ...

    def state_scores(self, truth: Ints, probabilities: Floats) -> dict[str, float]:
        """The few scores, by name, that states of a training are compared with."""
        ...

    def baseline_scores(
        self, truth: Ints, probabilities: Floats, decision: Decision = ...
    ) -> BaselineScores:
        """What a report says of a baseline."""
        ...

    def decide(self, truth: Ints, probabilities: Floats, wish: Wish = ...) -> Decision:
        """How answers are decided, as held-out rows suggest."""
        ...

    def decide_apart(self, truth: Ints, probabilities: Floats, seed: int = 0) -> Decision:
        """How the answers about just these rows are decided, each as the others suggest."""
        ...

    def cool(self, truth: Ints, probabilities: Floats, seed: int = 0) -> Cooling:
        """Temperatures for a model, from rows that it has not learnt from."""
        ...

    def sharpen(self, probabilities: Floats, temperature: Floats) -> Floats:
        """What the probabilities are at such temperatures (rows, classes)."""
        ...

    def cooled_losses(self, truth: Ints, probabilities: Floats, sample: Ints) -> Floats:
        """Log loss of each row (rows,) after cooling, fitted on a sample of the rows."""
        ...

    def sets_of_answers(
        self, held_out: tuple[Ints, Floats], test: tuple[Ints, Floats]
    ) -> list[ConformalSets]:
        """Sets of classes that hold the truth as often as is promised: labels and probabilities of
        the rows that the threshold is taken from, and of those that it is tried on.
        """
        ...


def task_evaluation_of(task: str) -> TaskEvaluation:
    """How answers of a task are scored."""
    return cast(TaskEvaluation, task_of(task).part("evaluate"))
