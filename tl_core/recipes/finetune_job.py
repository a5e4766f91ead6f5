"""What the trainer needs of a prepared fine-tuning, and how states of the network are judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.calibration import fit_temperature, sharpen
from tl_core.evaluate.metrics import confusion_matrix, item_log_loss, macro_f1
from tl_core.train.judging import Floats, Scores
from tl_core.train.probing import spread
from tl_core.train.setup import Setup, new_parameters
from tl_core.train.trainer import Job

_COOLED = 2000  # validation rows that a temperature is fitted on, epoch by epoch


def make_job(setup: Setup, folder: Path) -> Job:
    """The setup as the trainer wants it."""
    return Job(
        setup.model,
        setup.report,
        setup.backbone.keeper,
        setup.examples,
        setup.held_out,
        (
            score_with(setup.held_out.labels, len(setup.counts), setup.settings.best_by)
            if setup.held_out is not None
            else None
        ),
        setup.settings,
        setup.plan,
        len(setup.counts),
        folder / "checkpoints",
        setup.weights(),
        setup.chances(),
        setup.lengths,
        setup.held_out_lengths,
        new_parameters(setup),
        setup.calm,
    )


def score_with(
    labels: NDArray[np.int64], classes: int, by: str
) -> Callable[[Floats], tuple[Scores, Floats]]:
    """A judge of probabilities (rows, classes) for known labels (rows,): accuracy, macro F1 and log
    loss, and the loss of each row (rows,) that `by` means, for choosing among states.

    For log_loss the rows are cooled first, since that is mended after the training; a state that
    knows more and only overstates it would else lose. For macro_f1 a mistake counts by how rare its
    class is.
    """
    rarity = len(labels) / np.maximum(np.bincount(labels, minlength=classes), 1)[labels]

    def score(chances: Floats) -> tuple[Scores, Floats]:
        matrix = confusion_matrix(labels, chances.argmax(axis=1), classes)
        each = item_log_loss(labels, chances)
        scores = {
            "accuracy": float(np.trace(matrix) / len(labels)),
            "macro_f1": float(macro_f1(matrix)),
            "log_loss": float(each.mean()),
        }
        if by == "log_loss":
            some = spread(len(labels), _COOLED)
            return scores, item_log_loss(
                labels, sharpen(chances, fit_temperature(labels[some], chances[some]))
            )
        wrong = (chances.argmax(axis=1) != labels).astype(np.float64)
        return scores, wrong * rarity if by == "macro_f1" else wrong

    return score
