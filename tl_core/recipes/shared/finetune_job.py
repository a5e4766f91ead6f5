"""What the trainer is given of a prepared fine-tuning."""

from __future__ import annotations

from pathlib import Path

from tl_core.recipes.shared.scoring import score_with
from tl_core.train.loop.job import Job
from tl_core.train.setup.prepared import Setup


def make_job(setup: Setup, folder: Path) -> Job:
    """The setup as the trainer wants it."""
    return Job(
        setup.model,
        setup.report,
        setup.backbone.keeper,
        setup.examples,
        setup.held_out,
        (
            score_with(setup.task, setup.held_out.labels, len(setup.counts), setup.settings.best_by)
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
        setup.calm,
        setup.objectives,
        setup.task,
    )
