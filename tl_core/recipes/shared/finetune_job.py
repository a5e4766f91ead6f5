"""What the trainer is given of a prepared fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tl_core.recipes.shared.scoring import score_with
from tl_core.train.arrays import Floats
from tl_core.train.loop.job import Job
from tl_core.train.setup.prepared import Setup
from tl_core.train.unlabelled.soft_labels import FromTeacher, TaughtExamples, Teaching


@dataclass(frozen=True)
class Lesson:
    """Probabilities of a teacher for the training rows in their order (rows, classes), and how much
    they count.
    """

    said: Floats
    teaching: Teaching


def make_job(setup: Setup, folder: Path, lesson: Lesson | None = None) -> Job:
    """The setup as the trainer wants it, with what a teacher says where there is one."""
    examples, objectives = setup.examples, setup.objectives
    if lesson:
        examples = TaughtExamples(examples, lesson.said)
        parts = [*objectives.parts, FromTeacher(lesson.teaching)]
        objectives = replace(objectives, parts=parts)
    return Job(
        setup.model,
        setup.report,
        setup.backbone.keeper,
        examples,
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
        objectives,
        setup.task,
        setup.pulled_to_start(),
    )
