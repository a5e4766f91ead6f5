"""Everything between settings and the first step: backbone, head, surgery, examples, and what has
to be measured.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tl_core.config import FinetuneSettings, ProbeSettings
from tl_core.data.store import DatasetVersion, write_json
from tl_core.errors import ConfigError, DataError
from tl_core.models import heads, mean_layer, surgery
from tl_core.models.backbones import Backbone, load_backbone
from tl_core.models.classifier import load_classifier
from tl_core.models.depth import HEAD, head_modules
from tl_core.models.modes import norms_of
from tl_core.models.references import read_json
from tl_core.models.surgery import SurgeryReport
from tl_core.progress import Progress
from tl_core.settings import read_settings
from tl_core.train import automatic, memory, pixels, precision
from tl_core.train.augment import ImageExamples
from tl_core.train.batches import EpochBatches
from tl_core.train.lr_finder import find_lr
from tl_core.train.norm_statistics import EXAMPLES, follow_anew, statistics_hash
from tl_core.train.probing import probe, spread
from tl_core.train.tokens import TextExamples, tokenize
from tl_core.train.weights import class_weights

_BATCH = 32
_LR_STEPS = 60


@dataclass
class Setup:
    """A backbone after its surgery, with its examples. Close `stack` before the model is saved."""

    settings: FinetuneSettings
    backbone: Backbone
    model: Any
    report: SurgeryReport
    examples: Any
    held_out: Any
    counts: NDArray[np.int64]
    calm: Any = None  # training pictures without chance, where batch statistics follow them
    plan: dict[str, Any] = field(default_factory=dict)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    lr_curve: list[dict[str, float]] = field(default_factory=list)
    probe_c: float | None = None

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        return self.examples.tokens.lengths if isinstance(self.examples, TextExamples) else None

    @property
    def held_out_lengths(self) -> NDArray[np.int64] | None:
        return self.held_out.tokens.lengths if isinstance(self.held_out, TextExamples) else None

    def batches(self, size: int = 0) -> Any:  # noqa: ANN401
        """Training batches without end, as the first epoch has them."""
        order = EpochBatches(
            len(self.examples), size or self.plan["batch"], self.settings.seed, lengths=self.lengths
        )
        return (self.examples.__getitems__(keys) for keys in cycle(list(order)))

    def largest(self, size: int) -> Any:  # noqa: ANN401
        """A batch of the largest examples."""
        places = (
            np.argsort(-self.lengths)[:size]
            if self.lengths is not None
            else np.arange(len(self.examples))[:size]
        )
        return self.examples.__getitems__([(0, int(place)) for place in np.resize(places, size)])

    def weights(self) -> torch.Tensor | None:
        """Of the classes, or None where all count alike."""
        found = class_weights(
            self.counts.tolist(), self.settings.class_weights, self.settings.custom_weights
        )
        return None if np.allclose(found, 1) else torch.tensor(found, dtype=torch.float32)

    def chances(self) -> NDArray[np.float64] | None:
        """Of each training example to be drawn, where rare classes are shown more often."""
        return 1.0 / self.counts[self.examples.labels] if self.settings.oversample else None


def set_up(
    settings: FinetuneSettings,
    reference: str,
    version: DatasetVersion,
    labels: NDArray[np.int64],
    names: list[str],
    folder: Path,
    cache: Path,
    progress: Progress,
    reader: dict[str, Any] | None = None,
) -> Setup:
    """Open, graft, operate and prepare the examples; nothing is trained yet but the probe of
    `lp_start`.

    Args:
        settings: of the training.
        reference: of the backbone.
        version: whose items are read.
        labels: class number of each row for the model, -1 outside it.
        names: of the model's classes.
        folder: of the run.
        cache: for tokens, pixels, features and measurements.
        progress: told about everything.
        reader: how static word vectors are read, for these alone.

    Raises:
        BackboneError, ConfigError, DataError: in words, before anything long has begun.
    """
    if settings.compile and not torch.cuda.is_available() and not shutil.which("g++"):
        raise ConfigError(
            "torch cannot compile here.", "There is no C++ compiler (g++).", "Set compile to false."
        )
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
    )
    if backbone.modality != version.info.modality:
        raise DataError(
            f"{reference} reads {backbone.modality}s, the dataset holds {version.info.modality}s.",
            "",
            f"Choose a backbone for {version.info.modality}s, such as"
            f" starter:{version.info.modality}.",
        )
    rows = {split: version.rows_of(split) for split in ("train", "validation")}
    rows["validation"] = rows["validation"][labels[rows["validation"]] >= 0]
    settings = automatic.settle(
        settings,
        backbone.modality,
        examples=len(rows["train"]),
        batch=settings.batch_size or _BATCH,
        batch_norms=bool(norms_of(backbone.model)),
    )
    setup = Setup(
        settings,
        backbone,
        backbone.model,
        None,  # type: ignore[arg-type]  # until the surgery
        None,
        None,
        np.bincount(labels[rows["train"]], minlength=len(names)),
    )
    _make_examples(setup, version, rows, labels, cache, progress)
    if settings.lp_start:
        _fit_head(setup, version, rows, labels, cache, progress)
    setup.model, setup.report = surgery.apply(
        backbone, settings, fitted_head=settings.lp_start, seed=settings.seed
    )
    if backbone.has_mean_layer:
        setup.stack.enter_context(mean_layer.training_shortcut(backbone.model))
    if settings.continue_from:
        _take_over(setup, folder.parent / settings.continue_from / "model")
    _measure(setup, folder, cache, progress)
    return setup


def _fit_head(
    setup: Setup,
    version: DatasetVersion,
    rows: dict[str, NDArray[np.int64]],
    labels: NDArray[np.int64],
    cache: Path,
    progress: Progress,
) -> None:
    """Linear probing first (Kumar et al., 2022): fitted on the training rows alone, so that the
    validation rows can still judge; on features under the statistics that the training will have,
    else its first steps would repair it.
    """
    if setup.calm is not None:
        norms = norms_of(setup.backbone.model)
        follow_anew(setup.backbone.model, norms, setup.calm)
        setup.backbone.altered = statistics_hash(norms)
    settings = ProbeSettings(
        class_weights="balanced" if setup.settings.class_weights == "balanced" else "none",
        seed=setup.settings.seed,
        selection="validation",
    )
    fit, _, _ = probe(
        settings,
        version,
        rows,
        labels,
        len(setup.counts),
        setup.backbone,
        cache,
        progress,
        share=0.1,
    )
    heads.fold(
        setup.backbone.model,
        setup.backbone.port,
        torch.from_numpy(fit.weight),
        torch.from_numpy(fit.bias),
    )
    setup.probe_c = fit.c
    progress.log("The classifier starts from a probe.")


def _take_over(setup: Setup, folder: Path) -> None:
    """The weights of a finished run, of the same backbone under a plan with the same parts."""
    trained = load_classifier(folder).model.state_dict()
    own = {
        surgery.plain_name(name): value
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


def _make_examples(
    setup: Setup,
    version: DatasetVersion,
    rows: dict[str, NDArray[np.int64]],
    labels: NDArray[np.int64],
    cache: Path,
    progress: Progress,
) -> None:
    settings, backbone = setup.settings, setup.backbone
    train, held = rows["train"], rows["validation"]
    if backbone.modality == "text":
        pad = int(backbone.processor.pad_token_id)
        setup.examples = TextExamples(
            tokenize(version, train, backbone, cache),
            labels[train],
            pad,
            settings.word_dropout,
            settings.seed,
        )
        setup.held_out = (
            TextExamples(tokenize(version, held, backbone, cache), labels[held], pad)
            if len(held)
            else None
        )
        return
    view = pixels.measure_view(backbone.processor)
    progress.stage("Decoding the photos", len(train), share=0.05)
    read = pixels.seen if settings.augment == "none" else pixels.whole
    setup.examples = ImageExamples(
        read(version, train, backbone, view, cache, progress),
        labels[train],
        view,
        settings.augment,
        settings.mix,
        settings.seed,
    )
    setup.held_out = (
        ImageExamples(
            pixels.seen(version, held, backbone, view, cache, progress), labels[held], view
        )
        if len(held)
        else None
    )
    if settings.batchnorm == "adapt" and norms_of(backbone.model):
        some = train[spread(len(train), EXAMPLES)]
        setup.calm = ImageExamples(
            pixels.seen(version, some, backbone, view, cache, progress), labels[some], view
        )


def _measure(setup: Setup, folder: Path, cache: Path, progress: Progress) -> None:
    """Number format, parts of a batch, learning rate; kept in the run's folder, so that a resumed
    run takes the same path whatever the machine is doing.
    """
    settings, model = setup.settings, setup.model
    known = read_json(folder / "plan.json")
    batch = min(settings.batch_size or _BATCH, len(setup.examples))
    setup.plan = {"batch": batch, "accumulate": settings.accumulate, "bf16": False, "lr": 0.0}
    precision.keep_float32(model, float32_roots(setup.model, setup.backbone), on=True)
    if known:
        setup.plan = dict(known)
        return
    sample = next(setup.batches())

    def one(bf16: bool) -> None:
        with memory.leaving_no_trace(model):
            memory.step_once(model, sample, bf16)

    if setup.report.trainable:
        name = f"{setup.backbone.weights}/{setup.backbone.modality}"
        setup.plan["bf16"], why = precision.choose_training_bf16(
            settings.precision, name, one, cache / "precision.json"
        )
        setup.plan["why_bf16"] = why
        setup.plan["accumulate"] = memory.settle_parts(
            model, setup.largest, batch, settings.accumulate, setup.plan["bf16"], progress
        )
    setup.plan["lr"] = settings.learning_rate or automatic.learning_rate(
        settings,
        setup.backbone.modality,
        automatic.size_of(setup.backbone.model),
        batch_norms=bool(norms_of(setup.backbone.model)),
    )
    if settings.find_lr and setup.report.trainable:
        progress.stage("Measuring the learning rate", share=0.03)
        found, setup.lr_curve = find_lr(
            model, setup.report, setup.batches(), steps=_LR_STEPS, bf16=setup.plan["bf16"]
        )
        setup.plan["lr"] = found
        for point in setup.lr_curve:
            progress.curve("learning rate", **point)
        progress.log(f"The measured learning rate is {found:g}.")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "plan.json", setup.plan)


def float32_roots(model: Any, backbone: Backbone) -> list[str]:  # noqa: ANN401
    """Modules of the head, under the names that they have in `model` (LoRA renames and copies
    them).
    """
    roots = head_modules(backbone.model, backbone.family, backbone.port.names, backbone.fresh)
    return [name for name, _ in model.named_modules() if surgery.plain_name(name) in roots]


def new_parameters(setup: Setup) -> set[str]:
    """Names of moving weights that no pretraining has seen."""
    return {
        name for name, group in setup.report.group_of.items() if group == HEAD or ".lora_" in name
    }
