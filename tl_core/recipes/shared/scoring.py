"""How the states of a training are judged on the validation items."""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.scores.calibration import fit_temperature, sharpen
from tl_core.evaluate.scores.metrics import confusion_matrix, item_log_loss, macro_f1
from tl_core.train.arrays import Floats, Ints
from tl_core.train.loop.best_state import Scores
from tl_core.train.loop.job import Score
from tl_core.train.probe.probing import spread

_COOLED = 2000  # validation rows that a temperature is fitted on, epoch by epoch


def score_with(labels: Ints, classes: int, by: str) -> Score:
    """A judge of probabilities (rows, classes) for known labels (rows,): accuracy, macro F1 and log
    loss, and the loss of each row (rows,) that `by` means, for choosing among states.

    For log_loss the rows are cooled first, since that is mended after the training; a state that
    knows more and only overstates it would else lose. For macro_f1 a mistake counts by how rare its
    class is.
    """
    rarity = len(labels) / np.maximum(np.bincount(labels, minlength=classes), 1)[labels]

    def score(said: Floats) -> tuple[Scores, Floats]:
        matrix = confusion_matrix(labels, said.argmax(axis=1), classes)
        each = item_log_loss(labels, said)
        scores = {
            "accuracy": float(np.trace(matrix) / len(labels)),
            "macro_f1": float(macro_f1(matrix)),
            "log_loss": float(each.mean()),
        }
        if by == "log_loss":
            some = spread(len(labels), _COOLED)
            return scores, item_log_loss(
                labels, sharpen(said, fit_temperature(labels[some], said[some]))
            )
        wrong = (said.argmax(axis=1) != labels).astype(np.float64)
        return scores, wrong * rarity if by == "macro_f1" else wrong

    return score
