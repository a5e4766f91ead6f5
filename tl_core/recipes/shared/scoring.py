"""How the states of a training are judged on the validation items."""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.train.arrays import Floats, Ints
from tl_core.train.loop.best_state import Scores
from tl_core.train.loop.job import Score
from tl_core.train.probe.probing import spread
from tl_core.train.tasks.task_training import task_training_of

_COOLED = 2000  # validation rows that a temperature is fitted on, epoch by epoch


def score_with(task: str, labels: Ints, classes: int, by: str) -> Score:
    """A judge of probabilities (rows, classes) for known labels (rows,): accuracy, macro F1 and log
    loss, and the loss of each row (rows,) that `by` means, for choosing among states.

    For log_loss the rows are cooled first, since that is mended after the training; a state that
    knows more and only overstates it would else lose. For macro_f1 a mistake counts by how rare its
    class is.
    """
    evaluation, training = task_evaluation_of(task), task_training_of(task)
    rarity = training.rarity(labels, training.counts(labels, classes))

    def score(said: Floats) -> tuple[Scores, Floats]:
        scores = evaluation.state_scores(labels, said)
        if by == "log_loss":
            return scores, evaluation.cooled_losses(labels, said, spread(len(labels), _COOLED))
        decision = evaluation.decide_apart(labels, said)
        wrong = (~evaluation.correct(labels, said, decision)).astype(np.float64)
        return scores, wrong * rarity if by == "macro_f1" else wrong

    return score
