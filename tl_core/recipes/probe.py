"""Recipe `probe`: features of the frozen backbone, logistic regression, folded into one native model.

The steps, top to bottom: open the backbone, embed each split once (cached), choose C and fit, fold the head in and
save, prove that the saved folder gives the same probabilities, judge on the untouched test rows.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.evaluate.compare import compare
from tl_core.evaluate.report import evaluate_rows, noun_of
from tl_core.models import language, surgery
from tl_core.models.backbones import Backbone, best_batch, load_backbone, save_classifier
from tl_core.models.verify import verify_folder
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.settings import read_settings
from tl_core.train import precision
from tl_core.train.features import extract_features
from tl_core.train.linear_probe import ProbeFit, fit_probe
from tl_core.train.seeds import seed_everything

_CHECK_ROWS = 64  # held-out rows on which bf16 features and the saved folder are compared
_BF16_TOLERANCE = 0.02  # largest change of a probability that bf16 features may cause
_SPLITS = ("train", "validation", "test")


def run(config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress) -> dict[str, Any]:
    """Train a probe as `config` says and return the report; the model lands in `folder/model`."""
    settings: ProbeSettings = config.settings
    space, clock = common.label_space(version), _Clock()
    rows = {split: version.rows_of(split) for split in _SPLITS}
    seed_everything(settings.seed)

    progress.stage("Opening the backbone", share=0.05)
    backbone = load_backbone(config.backbone, space.model_names, read_settings(), pooling=settings.pooling,
                             max_length=settings.max_length, seed=settings.seed)
    _refuse_other_modality(backbone, version)
    for finding in language.check_texts(backbone, version, rows["train"]):
        progress.warn(finding)
    clock.mark("load")

    fit, features, why = _fit(settings, version, rows, space, backbone, cache, progress, clock)
    surgery.fold(backbone.model, backbone.port, torch.from_numpy(fit.weight), torch.from_numpy(fit.bias))

    progress.stage("Saving and proving the model", share=0.05)
    save_classifier(backbone, folder / "model")
    probabilities = {"test": space.to_all(_softmax(np.asarray(features["test"]) @ fit.weight.T + fit.bias))}
    checked = _spread(len(rows["test"]), _CHECK_ROWS)
    inputs = _inputs(version, rows["test"][checked])
    parity = verify_folder(folder / "model", version.info.modality, inputs,
                           probabilities["test"][checked][:, space.kept])
    clock.mark("verify")

    progress.stage("Judging on unseen rows", share=0.02)
    progress.log("The test rows are opened now, once, after every choice has been made.")
    sections = _judge(fit, version, rows, space, probabilities["test"], settings.seed)
    common.write_predictions(folder / "predictions.csv", version, rows["test"], probabilities["test"], space.names)
    clock.mark("evaluate")

    baselines: dict[str, Any] = common.majority_baseline(version)
    against: dict[str, Any] | None = None
    if settings.baseline:
        progress.stage("Training without transfer", len(rows["train"]), share=0.08)
        baselines, theirs = common.run_yardstick(version, cache, progress, seed=settings.seed,
                                                 balanced=settings.class_weights == "balanced")
        ours = probabilities["test"].argmax(axis=1) == version.labels[rows["test"]]
        against = compare(ours, theirs, noun_of(version.info.modality), ("This model", "the one without transfer"))
        clock.mark("baseline")
    total = sum(p.numel() for p in backbone.model.parameters())
    return common.build_report(
        config, version, space, sections, baselines,
        settings={**settings.as_dict(), "c": fit.c, "selection": fit.kind, "pooling": backbone.pooling,
                  "max_length": backbone.max_length, "precision": why},
        sweep=fit.sweep, against_baseline=against, parity=parity, timing=clock.seconds,
        model={"trainable_parameters": int(fit.weight.size + fit.bias.size), "total_parameters": total,
               "family": backbone.family, "device": str(next(backbone.model.parameters()).device),
               "weights_sha256": backbone.weights, "processor": type(backbone.processor).__name__,
               "notes": backbone.notes})


class _Clock:
    """Seconds between marks, by name; the names are those of the report."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("load", "features", "fit", "verify", "evaluate", "baseline"), 0.0)
        self._last = time.perf_counter()

    def mark(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now


def _refuse_other_modality(backbone: Backbone, version: DatasetVersion) -> None:
    if backbone.modality != version.info.modality:
        raise DataError(f"{backbone.reference} reads {backbone.modality}s, the dataset holds {version.info.modality}s.",
                        "", f"Choose a backbone for {version.info.modality}s, such as "
                        f"starter:{version.info.modality}.")


def _fit(settings: ProbeSettings, version: DatasetVersion, rows: dict[str, Any], space: common.LabelSpace,
         backbone: Backbone, cache: Path, progress: Progress, clock: _Clock) -> tuple[ProbeFit, dict[str, Any], str]:
    """Features of all splits and the fitted head; bf16 is dropped when it would move probabilities."""
    batch_size = settings.batch_size or best_batch(backbone.modality)
    with backbone.extracting() as extractor:
        sample = backbone.encode(_inputs(version, rows["train"][:batch_size]))
        bf16, why = precision.choose_bf16(settings.precision, backbone, extractor, sample, len(rows["train"]),
                                          cache / "precision.json")

        everything = sum(map(len, rows.values()))

        def embed(positions: Any, use_bf16: bool, stage: str) -> Any:  # noqa: ANN401
            progress.stage(stage, len(positions), share=0.65 * len(positions) / everything)
            return extract_features(version, positions, backbone, extractor, cache, bf16=use_bf16,
                                    batch_size=batch_size, progress=progress)

        features = {split: embed(rows[split], bf16 and split == "train", f"Reading {split} rows with the backbone")
                    for split in _SPLITS}
        clock.mark("features")
        fit = _fit_head(settings, version, rows, space, backbone, features, progress)
        clock.mark("fit")
        if bf16:
            some = rows["train"][_spread(len(rows["train"]), _CHECK_ROWS)]
            pair = [embed(some, flag, "Checking the number format") for flag in (True, False)]
            moved = float(np.abs(np.subtract(*(_softmax(x @ fit.weight.T + fit.bias) for x in pair))).max())
            why += f"; it moves probabilities by at most {moved:.4f}"
            if moved > _BF16_TOLERANCE:
                why += ", too much, so float32 was used"
                features["train"] = embed(rows["train"], False, "Reading train rows again in float32")
                clock.mark("features")
                fit = _fit_head(settings, version, rows, space, backbone, features, progress)
            clock.mark("fit")
    return fit, features, why


def _fit_head(settings: ProbeSettings, version: DatasetVersion, rows: dict[str, Any], space: common.LabelSpace,
              backbone: Backbone, features: dict[str, Any], progress: Progress) -> ProbeFit:
    progress.stage("Fitting the classifier", len(settings.c_values), share=0.15)
    labels = {split: space.to_model(version.labels[rows[split]]) for split in ("train", "validation")}
    known = labels["validation"] >= 0  # classes without training rows cannot be tuned on
    both = np.concatenate([rows["train"], rows["validation"][known]])
    fit = fit_probe((features["train"], labels["train"]), (features["validation"][known], labels["validation"][known]),
                    version.groups[both], classes=len(space.kept), c_values=settings.c_values,
                    selection=settings.selection, folds=settings.folds,
                    balanced=settings.class_weights == "balanced", intercept=backbone.port.has_bias,
                    seed=settings.seed, progress=progress, plan=version.folds[both])
    return replace(fit, held_out_rows=both[fit.held_out_rows])


def _judge(fit: ProbeFit, version: DatasetVersion, rows: dict[str, Any], space: common.LabelSpace, test: Any,  # noqa: ANN401
           seed: int) -> dict[str, Any]:
    """Sections `validation` (rows that chose C) and `test` (touched here for the first time)."""
    labels = version.labels
    return {"validation": evaluate_rows(labels[fit.held_out_rows], space.to_all(fit.held_out), space.names, fit.kind,
                                        seed),
            "test": evaluate_rows(labels[rows["test"]], test, space.names, "split", seed)}


def _softmax(logits: Any) -> Any:  # noqa: ANN401
    """Probabilities of logits (rows, classes); one column means two classes with logits (0, z)."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _spread(total: int, wanted: int) -> Any:  # noqa: ANN401
    """`wanted` positions spread evenly over `total`."""
    return np.unique(np.linspace(0, total - 1, min(wanted, total)).round().astype(np.int64))


def _inputs(version: DatasetVersion, rows: Any) -> list[Any]:  # noqa: ANN401
    from tl_core.data.images import open_image

    if version.info.modality == "text":
        return list(version.texts(rows))
    return [open_image(version.image_bytes(int(row))) for row in rows]
