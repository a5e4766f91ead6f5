"""Everything between settings and the first step: backbone, head, surgery, examples, and what has
to be measured.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import torch

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.backbones.sources.kept_knowledge import refuse_what_is_not_there
from tl_core.config import FinetuneSettings, ProbeSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError
from tl_core.progress import Progress
from tl_core.settings import read_settings
from tl_core.surgery import heads
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.lora import plain_name
from tl_core.surgery.modes import norms_of
from tl_core.surgery.poolings import mean_layer
from tl_core.train.arrays import Ints, known
from tl_core.train.features.examples import Examples
from tl_core.train.items.item_training import TrainingData, training_of
from tl_core.train.larger.activations import recomputing
from tl_core.train.larger.few_bits import bitsandbytes, in_4_bits
from tl_core.train.loop.job import Plan
from tl_core.train.loop.norm_statistics import follow_anew, statistics_hash
from tl_core.train.probe.probing import ProbeTask, probe
from tl_core.train.setup import automatic, measured
from tl_core.train.setup.across import look_across
from tl_core.train.setup.chosen import add_chance, choose, remember
from tl_core.train.setup.prepared import Setup
from tl_core.train.setup.refusals import (
    refuse_average,
    refuse_class_confusion,
    refuse_loss,
    refuse_other_modality,
    refuse_source_classes,
)
from tl_core.train.tasks.task_training import task_training_of

_BATCH = 32


def set_up(
    settings: FinetuneSettings,
    reference: str,
    version: DatasetVersion,
    labels: Ints,
    names: list[str],
    folder: Path,
    cache: Path,
    progress: Progress,
    reader: dict[str, object] | None = None,
) -> Setup:
    """Open, graft, operate and prepare the examples; nothing is trained yet but the probe of
    `lp_start`.

    Args:
        settings: of the training.
        reference: of the backbone.
        version: whose items are read.
        labels: of each row for the model, -1 outside it.
        names: of the model's classes.
        folder: of the run.
        cache: for tokens, pixels, features and measurements.
        progress: told about everything.
        reader: how static word vectors are read, for these alone.

    Raises:
        BackboneError, ConfigError, DataError: in words, before anything long has begun.
    """
    _refuse_what_is_not_installed(settings)
    _refuse_what_the_data_lack(settings, version, labels)
    progress.stage("Opening the backbone", share=0.03)
    backbone = load_backbone(
        reference,
        names,
        read_settings(),
        pooling=settings.pooling,
        seed=settings.seed,
        max_length=settings.max_length,
        scratch=settings.scratch,
        reader=reader,
        input_size=settings.input_size,
        task=version.info.task,
    )
    refuse_other_modality(backbone, version)
    refuse_what_is_not_there(backbone, settings)
    data = _data(version, labels, len(names), cache)
    settings = automatic.settle(
        settings,
        backbone.modality,
        examples=len(data.rows["train"]),
        batch=settings.batch_size or _BATCH,
        batch_norms=bool(norms_of(backbone.model)),
    )
    setup = _operate(settings, backbone, data, progress)
    if settings.continue_from:
        _take_over(setup, folder.parent / settings.continue_from / "model")
    measured.measure(setup, folder, cache, progress)
    return setup


def _refuse_what_is_not_installed(settings: FinetuneSettings) -> None:
    if settings.optimizer != "adamw":
        bitsandbytes(f"optimizer {settings.optimizer}")
    if settings.quantise != "none":
        bitsandbytes(f"quantise {settings.quantise}")
    if settings.compile and not torch.cuda.is_available() and not shutil.which("g++"):
        raise ConfigError(
            "torch cannot compile here.", "There is no C++ compiler (g++).", "Set compile to false."
        )


def _refuse_what_the_data_lack(
    settings: FinetuneSettings, version: DatasetVersion, labels: Ints
) -> None:
    refuse_loss(settings, version)
    refuse_source_classes(settings, version)
    refuse_class_confusion(settings, version)
    judging = known(labels[version.rows_of("validation")])
    refuse_average(settings, int(judging.sum()))


def _data(version: DatasetVersion, labels: Ints, classes: int, cache: Path) -> TrainingData:
    rows = {split: version.rows_of(split) for split in ("train", "validation")}
    rows["validation"] = rows["validation"][known(labels[rows["validation"]])]
    return TrainingData(version, rows, labels, classes, cache)


def _operate(
    settings: FinetuneSettings, backbone: Backbone, data: TrainingData, progress: Progress
) -> Setup:
    """Read the examples, fit the head where it starts from a probe, and carry the surgery out."""
    examples = training_of(backbone.modality).examples(settings, backbone, data, progress)
    examples, across = look_across(settings, backbone, data, examples, progress)
    # the running statistics that stochastic normalisation takes are those of the pretraining, which
    # the steps move: computed anew from few pictures they would know nothing of it
    calm = None if settings.stochastic_norm else examples.calm
    stack = ExitStack()
    source = remember(settings, backbone, data, stack, progress)
    probe_c = _fit_head(settings, backbone, data, calm, progress) if settings.lp_start else None
    model, report = apply_plan(
        backbone, settings, fitted_head=settings.lp_start, seed=settings.seed
    )
    plan: Plan = {
        "batch": min(settings.batch_size or _BATCH, len(examples.train)),
        "accumulate": settings.accumulate,
        "bf16": False,
        "lr": 0.0,
    }
    setup = Setup(
        settings,
        backbone,
        model,
        report,
        examples.train,
        examples.held_out,
        calm,
        task_training_of(data.version.info.task).counts(
            data.labels[data.rows["train"]], data.classes
        ),
        plan,
        data.version.info.task,
        probe_c,
        target=across.calm,
        stack=stack,
    )
    setup.objectives = choose(setup, source, across)
    add_chance(setup)
    if settings.quantise != "none":
        in_4_bits(setup.blocks())
    if settings.activations != "keep":
        offload = settings.activations == "offload"
        stack.enter_context(recomputing(setup.blocks(), offload=offload))
    if backbone.has_mean_layer:
        stack.enter_context(mean_layer.training_shortcut(backbone.model))
    return setup


def _fit_head(
    settings: FinetuneSettings,
    backbone: Backbone,
    data: TrainingData,
    calm: Examples | None,
    progress: Progress,
) -> float:
    """Linear probing first (Kumar et al., 2022): fitted on the training rows alone, so that the
    validation rows can still judge; on features under the statistics that the training will have,
    else its first steps would repair it. Gives the penalty that was chosen.
    """
    if calm is not None:
        norms = norms_of(backbone.model)
        follow_anew(backbone.model, norms, calm)
        backbone.altered = statistics_hash(norms)
    own = ProbeSettings(
        class_weights="balanced" if settings.class_weights == "balanced" else "none",
        seed=settings.seed,
        selection="validation",
    )
    task = ProbeTask(own, data.version, data.rows, backbone, data.cache, data.labels, data.classes)
    fit = probe(task, progress, share=0.1).fit
    heads.fold(
        backbone.model, backbone.port, torch.from_numpy(fit.weight), torch.from_numpy(fit.bias)
    )
    progress.log("The classifier starts from a probe.")
    return fit.c


def _take_over(setup: Setup, folder: Path) -> None:
    """The weights of a finished run, of the same backbone under a plan with the same parts."""
    trained = load_classifier(folder).model.state_dict()
    own = {
        plain_name(name): value
        for name, value in [*setup.model.named_parameters(), *setup.model.named_buffers()]
        if ".original_module." not in name and ".lora_" not in name
    }
    wrong = [
        name
        for name, value in own.items()
        if name in trained and trained[name].shape != value.shape
    ]
    if wrong or not own.keys() & trained.keys():
        raise ConfigError(
            "The run to continue has another classifier or backbone.",
            f"{wrong[0] if wrong else 'No layer'} does not fit.",
            "Take the settings, the backbone and the dataset of that run.",
        )
    with torch.no_grad():
        for name, value in own.items():
            if name in trained:
                value.copy_(trained[name])
