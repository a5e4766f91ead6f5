"""What the evaluation asks of a task."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import ConformalSets, ScoredRows
from tl_core.evaluate.scores.metrics import Floats, Ints
from tl_core.tasks import task_of


class TaskEvaluation(Protocol):
    """How answers of one task are scored."""

    def evaluate_rows(
        self, truth: Ints, probabilities: Floats, labels: list[str], kind: str, seed: int = 0
    ) -> ScoredRows:
        """A section of the report.

        Args:
            truth: labels of the rows (rows, ...).
            probabilities: (rows, classes) over all of `labels`; a class outside the model has zero
                throughout.
            labels: class names in column order.
            kind: `split` or `cv`.
            seed: of the bootstrap.
        """
        ...

    def correct(self, truth: Ints, probabilities: Floats) -> NDArray[np.bool_]:
        """Which rows are answered rightly (rows,); a row of NaN is not."""
        ...

    def row_losses(self, truth: Ints, probabilities: Floats) -> Floats:
        """Log loss of each row (rows,)."""
        ...

    def state_scores(self, truth: Ints, probabilities: Floats) -> dict[str, float]:
        """The few scores, by name, that states of a training are compared with."""
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
