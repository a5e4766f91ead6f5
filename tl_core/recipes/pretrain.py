"""Recipe `pretrain`: the backbone goes on learning from the user's own items without their labels,
then a probe is fitted on it.

The steps, top to bottom: open the backbone, fit a probe on it as it is, let it learn from training
rows and rows without a class (hidden words of texts, two views of anything else), fit the probe
again, save and prove as every probe. The report says what the pretraining bought; the saved folder
is a backbone for further runs like every other.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.sources.model_folder import state_hash
from tl_core.config import FinetuneSettings, PretrainSettings, ProbeSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report.schema import PretrainingFacts
from tl_core.modalities import items_of
from tl_core.modalities.text import TEXT
from tl_core.progress import Progress
from tl_core.recipes import probe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.beside import said_by
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.opening import open_for
from tl_core.surgery.modes import norms_of
from tl_core.train.features.tokens import TextExamples, tokenize
from tl_core.train.items.item_training import TrainingData, training_of
from tl_core.train.probe.probing import probe as fit_probe
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.automatic import size_of
from tl_core.train.unlabelled.masked_words import MaskedWords
from tl_core.train.unlabelled.open_rows import OpenRows, open_rows
from tl_core.train.unlabelled.pretraining import Budget, Objective, Pretrained, pretrain
from tl_core.train.unlabelled.two_views import TwoViews

BEFORE = "the probe of the backbone as it was"
_TEXTS, _OTHERS = (32, 1000), (64, 200)  # items in a step, and steps, where they are left open
_MOST_EPOCHS = 50.0


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the model lands in `folder/model`. Labels are read by the probes
    alone, test labels never.

    Raises:
        BackboneError: for an architecture that cannot learn in this way.
    """
    settings: PretrainSettings = config.settings
    space, clock = common.label_space(version), common.Clock()
    rows = open_rows(version)
    seed_everything(settings.seed)
    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        seed=settings.seed,
        max_length=settings.max_length,
        input_size=settings.input_size,
    )
    for finding in backbone.check(version, rows.all):
        progress.warn(finding)
    budget = _budget(settings, backbone, len(rows.all))
    objective = _objective(settings, backbone, version, rows, cache, progress)
    clock.mark("load")
    task = probe.probe_task(_head_settings(settings), version, space, backbone, cache)
    before = said_by(task, fit_probe(task, progress, clock.mark, share=0.15), space)

    items = items_of(version.info.modality)
    progress.stage(f"Learning from {len(rows.all):,} {items} without labels", share=0.5)
    done = pretrain(objective, budget, settings.seed, folder / "checkpoints", progress)
    backbone.altered = state_hash(backbone.model)
    clock.mark("fit")

    trained = probe.fit_and_save(task, space, folder, progress, clock)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    trained.settings = {
        **settings.as_dict(),
        "epochs": budget.epochs,
        "batch_size": budget.batch,
        "learning_rate": budget.learning_rate,
        "c": trained.settings["c"],
        "max_length": backbone.max_length,
    }
    trained.put_beside(BEFORE, before)
    trained.facts["pretraining"] = _facts(objective, rows, budget, done)
    trained.facts["model"]["trainable_parameters"] = common.parameters_of(backbone)
    return trained


def _facts(
    objective: Objective, rows: OpenRows, budget: Budget, done: Pretrained
) -> PretrainingFacts:
    return {
        "objective": objective.name,
        "rows": len(rows.all),
        "unlabelled": len(rows.unlabelled),
        "left_out": rows.left_out,
        "fresh_head": objective.fresh_head,
        "epochs": budget.epochs,
        "learning_rate": budget.learning_rate,
        "steps": done.steps,
        "planned_steps": done.planned,
        "first_loss": done.first_loss,
        "loss": done.last_loss,
    }


def _objective(
    settings: PretrainSettings,
    backbone: Backbone,
    version: DatasetVersion,
    rows: OpenRows,
    cache: Path,
    progress: Progress,
) -> Objective:
    """What is learnt without labels: of texts hidden words, of anything else two views."""
    labels = np.full(len(version.labels), -1, np.int64)  # nothing here may know one
    if version.info.modality == TEXT.name:
        tokens = tokenize(version, rows.all, backbone, cache)
        pad = int(backbone.processor.pad_token_id)
        examples = TextExamples(tokens, labels[rows.all], pad)
        return MaskedWords(backbone, examples, settings.mask_share, settings.seed)
    data = TrainingData(version, {"train": rows.all, "validation": rows.all[:0]}, labels, 0, cache)
    varied = FinetuneSettings(augment=settings.augment, seed=settings.seed)
    prepared = training_of(version.info.modality).examples(varied, backbone, data, progress)
    return TwoViews(backbone, prepared.train, settings.temperature, settings.seed)


def _budget(settings: PretrainSettings, backbone: Backbone, items: int) -> Budget:
    """What the settings leave open, by the number of items and by the network."""
    size, steps = _TEXTS if backbone.modality == TEXT.name else _OTHERS
    batch = settings.batch_size or size
    epochs = min(_MOST_EPOCHS, max(1.0, round(steps * batch / items)))
    rate = training_of(backbone.modality).learning_rate(
        size_of(backbone.model), batch_norms=bool(norms_of(backbone.model)), follows=False
    )
    return Budget(
        settings.epochs or epochs,
        batch,
        settings.learning_rate or rate,
        settings.checkpoint_steps,
    )


def _head_settings(settings: PretrainSettings) -> ProbeSettings:
    """Of the probe before and after; both judge by the very same rows."""
    return ProbeSettings(
        class_weights=settings.class_weights,
        max_length=settings.max_length,
        precision="float32",
        repeats=0,
        baseline=settings.baseline,
        seed=settings.seed,
    )
