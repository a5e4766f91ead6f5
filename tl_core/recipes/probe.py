"""Recipe `probe`: features of the frozen backbone, logistic regression, folded into one native
model.

The steps, top to bottom: open the backbone, embed each split once (cached), choose C and fit, fold
the head in and save, prove that the saved folder gives the same probabilities.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from tl_core.backbones.backbone import Backbone, save_classifier
from tl_core.backbones.parity import verify_folder
from tl_core.backbones.word_head import word_head
from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.measures import Temperature
from tl_core.evaluate.report.schema import ModelFacts, Parity
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.opening import open_for
from tl_core.surgery import heads
from tl_core.surgery.poolings import depth_classifier
from tl_core.train.arrays import Features, Floats
from tl_core.train.items.item_training import read_inputs, training_of
from tl_core.train.probe.linear_probe import ProbeFit
from tl_core.train.probe.probing import CHECK_ROWS, FittedProbe, ProbeTask, probe, spread
from tl_core.train.probe.repeated import CrossValidation, repeat_folds
from tl_core.train.probe.wordings import wordings_of
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.refusals import refuse_words
from tl_core.train.tasks.task_training import task_training_of


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train a probe as `config` says; the model lands in `folder/model`. Test labels are never
    read.
    """
    settings: ProbeSettings = config.settings
    space, clock = common.label_space(version), common.Clock()
    seed_everything(settings.seed)

    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        seed=settings.seed,
        pooling=_pooling(settings, version.info.modality),
        max_length=settings.max_length,
        input_size=settings.input_size,
    )
    prior = None
    if settings.start == "words":
        refuse_words(version)
        said = wordings_of(
            space.model_names, version.info.modality, settings.template, settings.prompts
        )
        weight, bias = word_head(backbone, said)
        prior = weight.numpy().astype(np.float64), bias.numpy().astype(np.float64)
        progress.log("The classifier is regularised towards the embeddings of its class names.")
    for finding in backbone.check(version, version.rows_of("train")):
        progress.warn(finding)
    clock.mark("load")
    task = probe_task(settings, version, space, backbone, cache, prior)
    return fit_and_save(task, space, folder, progress, clock)


def fit_and_save(
    task: ProbeTask,
    space: common.LabelSpace,
    folder: Path,
    progress: Progress,
    clock: common.Clock,
) -> Trained:
    """Fit a probe, save it as one model in `folder/model`, and prove that folder."""
    fitted = probe(task, progress, clock.mark)
    again = repeat_folds(task, fitted, progress)
    clock.mark("fit")
    return save_fitted(task, fitted, space, folder, progress, clock, again)


def save_fitted(
    task: ProbeTask,
    fitted: FittedProbe,
    space: common.LabelSpace,
    folder: Path,
    progress: Progress,
    clock: common.Clock,
    again: CrossValidation | None = None,
) -> Trained:
    """The same with a head that is fitted; `again` is what other folds say of it."""
    settings, backbone = task.settings, task.backbone
    fit, cooled = cool_head(fitted.fit, task, settings.seed)
    test, parity = save_and_prove(task, fit, fitted.features["test"], space, folder, progress)
    clock.mark("verify")
    return Trained(
        test,
        fit.held_out_rows,
        space.to_all(fit.held_out),
        fit.kind,
        settings={
            **settings.as_dict(),
            "c": fit.c,
            "selection": fit.kind,
            "pooling": backbone.pooling,
            "kept": fit.kept,
            "max_length": backbone.max_length,
            "precision": fitted.why,
        },
        timing=clock.seconds,
        facts={
            "sweep": fit.sweep,
            "parity": parity,
            "temperature": cooled,
            "cross_validation": again,
            "model": facts_of_model(backbone, fit),
        },
        yardstick=settings.baseline,
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
    )


def facts_of_model(backbone: Backbone, fit: ProbeFit) -> ModelFacts:
    """The report's `model`: the head is what was trained."""
    return common.model_facts(
        backbone,
        trainable=int(fit.weight.size + fit.bias.size),
        total=common.parameters_of(backbone),
        weights=backbone.weights,
    )


def probe_task(
    settings: ProbeSettings,
    version: DatasetVersion,
    space: common.LabelSpace,
    backbone: Backbone,
    cache: Path,
    prior: tuple[Floats, Floats] | None = None,
) -> ProbeTask:
    """All splits of a version as a probe reads them."""
    return ProbeTask(
        settings,
        version,
        {split: version.rows_of(split) for split in ("train", "validation", "test")},
        backbone,
        cache,
        space.to_model(version.targets),
        len(space.kept),
        prior,
    )


def save_and_prove(
    task: ProbeTask,
    fit: ProbeFit,
    features: Features,
    space: common.LabelSpace,
    folder: Path,
    progress: Progress,
) -> tuple[Floats, Parity]:
    """Fold the head in and save; probabilities of the test rows over all classes, and how far the
    saved folder is from them.
    """
    backbone = task.backbone
    heads.fold(
        backbone.model, backbone.port, torch.from_numpy(fit.weight), torch.from_numpy(fit.bias)
    )
    progress.stage("Saving and verifying the model", share=0.05)
    save_classifier(backbone, folder / "model")
    training = task_training_of(task.version.info.task)
    test = space.to_all(training.linear_probabilities(features @ fit.weight.T + fit.bias))
    checked = spread(len(features), CHECK_ROWS)
    inputs = read_inputs(task.version, task.rows["test"][checked])
    parity = verify_folder(folder / "model", inputs, test[checked][:, space.kept])
    return test, cast(Parity, parity)


def _pooling(settings: ProbeSettings, modality: str) -> str:
    """Where the backbone is read, in the words of `load_backbone`."""
    if settings.depth:
        return f"{depth_classifier.KIND}{'all' if settings.depth < 0 else settings.depth}"
    joint = training_of(modality).word_space if settings.start == "words" else ""
    return joint or settings.pooling


def cool_head(fit: ProbeFit, task: ProbeTask, seed: int) -> tuple[ProbeFit, Temperature]:
    """The head with its temperature put in, if held-out rows gain by one; accuracy cannot
    change.
    """
    evaluation = task_evaluation_of(task.version.info.task)
    chosen = evaluation.cool(task.labels[fit.held_out_rows], fit.held_out, seed)
    if chosen.changes:
        fit = replace(
            fit,
            weight=fit.weight / chosen.temperature.reshape(-1, 1),
            bias=fit.bias / chosen.temperature,
            held_out=evaluation.sharpen(fit.held_out, chosen.temperature),
        )
    return fit, chosen.facts
