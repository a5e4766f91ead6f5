"""Recipe `probe`: features of the frozen backbone, logistic regression, folded into one native
model.

The steps, top to bottom: open the backbone, embed each split once (cached), choose C and fit, fold
the head in and save, prove that the saved folder gives the same probabilities.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.evaluate.calibration import choose_temperature, sharpen
from tl_core.evaluate.schema import Temperature
from tl_core.models import depths, heads, joint, language
from tl_core.models.backbones import Backbone, load_backbone, save_classifier
from tl_core.models.verify import verify_folder
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.recipes.common import Trained
from tl_core.settings import read_settings
from tl_core.train.linear_probe import Head, ProbeFit
from tl_core.train.probing import CHECK_ROWS, probe, read_inputs, softmax, spread
from tl_core.train.repeated import repeated_folds
from tl_core.train.seeds import seed_everything
from tl_core.train.wordings import wordings_of


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
    backbone = load_backbone(
        config.backbone,
        space.model_names,
        read_settings(),
        seed=settings.seed,
        pooling=_pooling(settings, version.info.modality),
        max_length=settings.max_length,
        input_size=settings.input_size,
    )
    common.refuse_other_modality(backbone, version)
    prior = None
    if settings.start == "words":
        said = wordings_of(
            space.model_names, version.info.modality, settings.template, settings.prompts
        )
        weight, bias = joint.word_head(backbone, said)
        prior = weight.numpy().astype(np.float64), bias.numpy().astype(np.float64)
        progress.log("The classifier is drawn towards the words of its classes.")
    for finding in language.check_texts(backbone, version, version.rows_of("train")):
        progress.warn(finding)
    clock.mark("load")
    return fit_and_save(settings, version, space, backbone, folder, cache, progress, clock, prior)


def fit_and_save(
    settings: ProbeSettings,
    version: DatasetVersion,
    space: common.LabelSpace,
    backbone: Backbone,
    folder: Path,
    cache: Path,
    progress: Progress,
    clock: common.Clock,
    prior: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Trained:
    """The probe of an opened backbone, saved in `folder/model` and proven; `prior` as in
    `probing.probe`.
    """
    rows = {split: version.rows_of(split) for split in ("train", "validation", "test")}
    fit, features, why = probe(
        settings,
        version,
        rows,
        space.to_model(version.labels),
        len(space.kept),
        backbone,
        cache,
        progress,
        clock.mark,
        prior=prior,
    )
    again = (
        None
        if prior is not None or settings.depth < 0
        else _repeat(  # the head there is an ordinary one
            settings,
            version,
            space.to_model(version.labels),
            fit,
            backbone.port.has_bias,
            features,
            progress,
        )
    )
    clock.mark("fit")
    fit, cooled = _cool(fit, space.to_model(version.labels), settings.seed)
    heads.fold(
        backbone.model, backbone.port, torch.from_numpy(fit.weight), torch.from_numpy(fit.bias)
    )

    progress.stage("Saving and proving the model", share=0.05)
    save_classifier(backbone, folder / "model")
    found = space.to_all(softmax(np.asarray(features["test"]) @ fit.weight.T + fit.bias))
    checked = spread(len(rows["test"]), CHECK_ROWS)
    parity = verify_folder(
        folder / "model", read_inputs(version, rows["test"][checked]), found[checked][:, space.kept]
    )
    clock.mark("verify")
    return Trained(
        found,
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
            "precision": why,
        },
        timing=clock.seconds,
        facts={
            "sweep": fit.sweep,
            "parity": parity,
            "temperature": cooled,
            "cross_validation": again,
            "model": {
                "trainable_parameters": int(fit.weight.size + fit.bias.size),
                "total_parameters": sum(p.numel() for p in backbone.model.parameters()),
                "family": backbone.family,
                "device": str(next(backbone.model.parameters()).device),
                "weights_sha256": backbone.weights,
                "processor": type(backbone.processor).__name__,
                "notes": backbone.notes,
            },
        },
        yardstick=settings.baseline,
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
    )


def _pooling(settings: ProbeSettings, modality: str) -> str:
    """Where the backbone is read, in the words of `load_backbone`."""
    if settings.depth:
        return f"{depths.KIND}{'all' if settings.depth < 0 else settings.depth}"
    return joint.KIND if settings.start == "words" and modality == "image" else settings.pooling


def _repeat(
    settings: ProbeSettings,
    version: DatasetVersion,
    labels: NDArray[np.int64],
    fit: ProbeFit,
    bias: bool,
    features: dict[str, Any],
    progress: Progress,
) -> dict[str, Any] | None:
    """The cross-validation of a small set once more with other folds, at the C that was chosen;
    None without one.
    """
    if fit.kind != "cv" or settings.repeats < 2:
        return None
    progress.stage("Cutting the folds in other ways", settings.repeats, share=0.05)
    rows = version.rows_of("train"), version.rows_of("validation")
    both, read = np.concatenate(rows), np.concatenate([features["train"], features["validation"]])
    known = labels[both] >= 0
    head = Head(
        "balanced" if settings.class_weights == "balanced" else None,
        bias,
        int(labels.max()) + 1,
        settings.seed,
        fit.c,
    )
    return repeated_folds(
        read[known],
        labels[both[known]],
        version.groups[both[known]],
        head,
        folds=settings.folds,
        repeats=settings.repeats,
        progress=progress,
    )


def _cool(fit: ProbeFit, labels: NDArray[np.int64], seed: int) -> tuple[ProbeFit, Temperature]:
    """The head with its temperature put in, if held-out rows gain by one; accuracy cannot
    change.
    """
    found = choose_temperature(labels[fit.held_out_rows], fit.held_out, seed)
    heat = found["temperature"]
    if heat != 1.0:
        fit = replace(
            fit,
            weight=fit.weight / heat,
            bias=fit.bias / heat,
            held_out=sharpen(fit.held_out, heat),
        )
    return fit, found
