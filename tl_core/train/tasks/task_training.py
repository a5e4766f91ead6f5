"""What training asks of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from tl_core.tasks import task_of
from tl_core.train.arrays import Features, Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor

    from tl_core.train.probe.logistic import FittedHead, Head


class TaskTraining(Protocol):
    """How a network and a probe learn the labels of one task. How an answer is decided is told by
    `tl_core.tasks.decision_of`, how `transformers` calls it by `Task.problem_type`.
    """

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
        """Loss of each example (batch,), in float32.

        Args:
            logits: (batch, classes).
            labels: of the examples (batch, ...).
            weights: as `class_weights` gives them.
            gamma: of focal loss; 0 is the plain one.
            smoothing: share of certainty spread over all classes.
            asymmetric: the loss of that name, for tasks of yes and no.
        """
        ...

    def fit_head(
        self, features: Features, labels: Ints, head: Head, start: FittedHead | None = None
    ) -> FittedHead:
        """A linear classifier on features (rows, width), started from another one's solution."""
        ...

    def head_probabilities(self, model: FittedHead, features: Features, classes: int) -> Floats:
        """Probabilities (rows, classes) of a fitted head, zero for classes that it lacks."""
        ...

    def linear_probabilities(self, logits: Floats) -> Floats:
        """Probabilities (rows, classes) from logits as weight and bias of a fitted head give them,
        which may have fewer columns than there are classes.
        """
        ...

    def row_losses(self, labels: Ints, probabilities: Floats) -> Floats:
        """Log loss of each row (rows,) from its probabilities (rows, classes)."""
        ...

    def plain_classifier(self, c: float, *, balanced: bool, seed: int) -> FittedHead:
        """The classifier of the baseline without transfer, not yet fitted.

        Args:
            c: inverse strength of the penalty.
            balanced: weight classes inversely to their frequency.
            seed: of the fit.
        """
        ...

    def counts(self, labels: Ints, classes: int) -> Ints:
        """Rows of each class (classes,)."""
        ...

    def chances(self, labels: Ints, counts: Ints) -> Floats:
        """How likely each row is drawn where rare classes are shown more often (rows,)."""
        ...

    def rarity(self, labels: Ints, counts: Ints) -> Floats:
        """What a mistake on each row counts where every class is to weigh alike (rows,)."""
        ...

    def class_weights(
        self, labels: Ints, counts: Ints, kind: str, custom: tuple[float, ...] = ()
    ) -> Floats:
        """Weights of the classes in the loss.

        Args:
            labels: of the training rows (rows, ...).
            counts: training rows of each class.
            kind: none, balanced, sqrt or custom.
            custom: for custom, one number for each class.
        """
        ...

    def commonest(self, labels: Ints, classes: int) -> Floats:
        """The commonest answer among rows, as certain probabilities (classes,)."""
        ...


def task_training_of(task: str) -> TaskTraining:
    """How a task is learnt."""
    return cast(TaskTraining, task_of(task).part("train"))
