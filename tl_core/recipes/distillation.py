"""Recipe `distillation`: a small backbone learns what a trained model says, on rows with and
without a class.

The steps, top to bottom: open the teacher, let it answer all rows that may be learnt from (rows
without a class take its answer for one), fine-tune the student on labels and probabilities, save
and prove as every fine-tuning; teacher and a probe of the student's backbone stand beside it in the
report, with what each costs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tl_core.backbones.classifier import load_classifier
from tl_core.config import DistillationSettings, FinetuneSettings, ProbeSettings, RunConfig
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Part, Progress
from tl_core.recipes import finetune, probe
from tl_core.recipes.shared import common, teacher
from tl_core.recipes.shared.beside import answers_of
from tl_core.recipes.shared.common import Ints, Said, Trained
from tl_core.recipes.shared.finetune_job import Lesson
from tl_core.recipes.shared.opening import open_for
from tl_core.train.probe.probing import probe as fit_probe
from tl_core.train.setup.refusals import refuse_several_labels
from tl_core.train.unlabelled.open_rows import open_rows
from tl_core.train.unlabelled.soft_labels import Teaching

_DECIDED = ("epochs", "learning_rate", "batch_size", "accumulate", "precision", "max_length", "c")
TEACHER, PLAIN = "the teacher", "a probe of the student's backbone"


def _taught(version: DatasetVersion, rows: Ints, answers: Ints) -> Overlay:
    """The version with these rows, which have no class, among the training rows, where the
    teacher's answers are their classes.
    """
    labels, splits = np.array(version.labels), np.array(version.splits)
    labels[rows], splits[rows] = answers, "train"
    return Overlay(version, labels, splits)


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the student lands in `folder/model`. Test labels are never read.

    Raises:
        ConfigError: when no teacher is named, or it cannot tell these classes apart.
    """
    settings: DistillationSettings = config.settings
    space, rows = common.label_space(version), open_rows(version)
    refuse_several_labels(version, "Distillation")
    progress.stage("Opening the teacher", share=0.02)
    guide = teacher.open_teacher(settings.need_teacher(), version, space.model_names)
    asked = {
        "training": rows.all,
        "validation": version.rows_of("validation"),
        "test": version.rows_of("test"),
    }
    said = teacher.answers(guide, version, asked, folder, progress)
    plain = _plain(settings, config.backbone, version, cache, Part(progress, "Probe", 0.15))

    own = np.isin(rows.all, rows.unlabelled)
    answers = np.array(space.kept)[said["training"][own].argmax(axis=1)]
    taught = _taught(version, rows.all[own], answers.astype(np.int64))
    lesson = Lesson(said["training"], Teaching(settings.temperature, settings.soft_share))
    trained = finetune.train_as(
        _student(settings), config, taught, folder, cache, progress, lesson=lesson
    )
    decided = {name: trained.settings[name] for name in _DECIDED}
    trained.settings = {**settings.as_dict(), **decided}
    guided = Said(space.to_all(said["test"]), space.to_all(said["validation"]))
    trained.put_beside(TEACHER, guided)
    trained.put_beside(PLAIN, plain)
    alike = trained.test.argmax(axis=1) == guided.test.argmax(axis=1)
    model = folder / "model"
    trained.facts["distillation"] = {
        "teacher": settings.teacher,
        "temperature": settings.temperature,
        "soft_share": settings.soft_share,
        "labelled": len(rows.train),
        "unlabelled": len(rows.unlabelled),
        "left_out": rows.left_out,
        "agreement": float(alike.mean()),
        "teacher_cost": teacher.cost_of(guide.classifier, guide.folder, version),
        "student_cost": teacher.cost_of(load_classifier(model), model, version),
    }
    teacher.forget(folder)
    return trained


def _student(settings: DistillationSettings) -> FinetuneSettings:
    """How the student is fine-tuned: from a probe, as the safe strategy does it."""
    return FinetuneSettings.from_dict(
        {
            "strategy": "lpft",
            "epochs": settings.epochs,
            "learning_rate": settings.learning_rate,
            "batch_size": settings.batch_size,
            "augment": settings.augment,
            "class_weights": settings.class_weights,
            "max_length": settings.max_length,
            "input_size": settings.input_size,
            "baseline": settings.baseline,
            "seed": settings.seed,
        }
    )


def _plain(
    settings: DistillationSettings,
    reference: str,
    version: DatasetVersion,
    cache: Path,
    progress: Progress,
) -> Said:
    """What a probe of the student's backbone says, which learns from the labels alone."""
    space = common.label_space(version)
    backbone = open_for(
        version,
        reference,
        space.model_names,
        seed=settings.seed,
        max_length=settings.max_length,
        input_size=settings.input_size,
    )
    own = ProbeSettings(
        class_weights=settings.class_weights,
        max_length=settings.max_length,
        selection="validation",
        precision="float32",
        repeats=0,
        seed=settings.seed,
    )
    task = probe.probe_task(own, version, space, backbone, cache)
    fitted = fit_probe(task, progress)
    test, validation = (
        space.to_all(answers_of(task, fitted, split)) for split in ("test", "validation")
    )
    return Said(test, validation)
