"""A probe on an opened backbone: features of its splits, kept, and the head fitted on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.config import ProbeSettings
from tl_core.data.images import open_image
from tl_core.data.store import DatasetVersion
from tl_core.models.backbones import Backbone
from tl_core.models.machine import best_batch
from tl_core.progress import Progress
from tl_core.train import precision
from tl_core.train.features import extract_features
from tl_core.train.linear_probe import ProbeFit, fit_probe

CHECK_ROWS = 64  # held-out rows on which bf16 features and the saved folder are compared
_BF16_TOLERANCE = 0.02  # largest change of a probability that bf16 features may cause
_SHARES = (0.02, 0.1, 0.3, 1.0)  # of the values of all blocks, as in Head2Toe's own search
Rows = dict[str, NDArray[np.int64]]


def probe(
    settings: ProbeSettings,
    version: DatasetVersion,
    rows: Rows,
    labels: NDArray[np.int64],
    classes: int,
    backbone: Backbone,
    cache: Path,
    progress: Progress,
    mark: Callable[[str], None] = lambda _: None,
    share: float = 0.65,
    prior: Any = None,  # noqa: ANN401
) -> tuple[ProbeFit, dict[str, Any], str]:
    """The fitted head, the features of all splits in `rows`, and why their number format; bf16 is
    dropped when it would move probabilities.

    Args:
        settings: of the probe.
        version: whose items are read.
        rows: of each split; train is fitted, validation chooses, others are only read.
        labels: class number of each row of the version for the model, -1 where unknown or outside
        it.
        classes: number of classes of the model.
        backbone: opened, in eval mode.
        cache: where features are kept.
        progress: told about everything.
        mark: told the name of each part when it ends.
        share: of the run that reading takes.
        prior: weights and bias that the head is drawn towards, as in `fit_probe`.
    """
    batch_size = settings.batch_size or best_batch(backbone.modality)
    with backbone.extracting() as extractor:
        sample = backbone.encode(read_inputs(version, rows["train"][:batch_size]))
        bf16, why = precision.choose_bf16(
            settings.precision,
            backbone,
            extractor,
            sample,
            len(rows["train"]),
            cache / "precision.json",
        )
        everything = sum(map(len, rows.values()))

        def embed(positions: Any, use_bf16: bool, stage: str) -> Any:  # noqa: ANN401
            progress.stage(stage, len(positions), share=share * len(positions) / everything)
            return extract_features(
                version,
                positions,
                backbone,
                extractor,
                cache,
                bf16=use_bf16,
                batch_size=batch_size,
                progress=progress,
            )

        features = {
            split: embed(
                rows[split], bf16 and split == "train", f"Reading {split} rows with the backbone"
            )
            for split in rows
        }
        mark("features")
        fit = _fit_head(
            settings, version, rows, labels, classes, backbone, features, progress, prior
        )
        mark("fit")
        if bf16:
            some = rows["train"][spread(len(rows["train"]), CHECK_ROWS)]
            pair = [embed(some, flag, "Checking the number format") for flag in (True, False)]
            moved = float(
                np.abs(np.subtract(*(softmax(x @ fit.weight.T + fit.bias) for x in pair))).max()
            )
            why += f"; it moves probabilities by at most {moved:.4f}"
            if moved > _BF16_TOLERANCE:
                why += ", too much, so float32 was used"
                features["train"] = embed(
                    rows["train"], False, "Reading train rows again in float32"
                )
                mark("features")
                fit = _fit_head(
                    settings, version, rows, labels, classes, backbone, features, progress, prior
                )
            mark("fit")
    return fit, features, why


def probe_features(
    settings: ProbeSettings,
    version: DatasetVersion,
    rows: Rows,
    backbone: Backbone,
    cache: Path,
    progress: Progress,
    share: float = 0.7,
) -> Any:  # noqa: ANN401
    """float32 features of the splits in `rows`, one after the other (rows, width), kept like those
    of a probe.
    """
    found, everything = [], sum(map(len, rows.values()))
    with backbone.extracting() as extractor:
        for split, places in rows.items():
            part = share * len(places) / everything
            progress.stage(f"Reading {split} rows with the backbone", len(places), share=part)
            found.append(
                extract_features(
                    version,
                    places,
                    backbone,
                    extractor,
                    cache,
                    bf16=False,
                    progress=progress,
                    batch_size=settings.batch_size or best_batch(backbone.modality),
                )
            )
    return np.concatenate(found)


def _fit_head(
    settings: ProbeSettings,
    version: DatasetVersion,
    rows: Rows,
    labels: NDArray[np.int64],
    classes: int,
    backbone: Backbone,
    features: dict[str, Any],
    progress: Progress,
    prior: Any,  # noqa: ANN401
) -> ProbeFit:
    progress.stage("Fitting the classifier", len(settings.c_values), share=0.15)
    train, held = rows["train"], rows["validation"]
    known = labels[held] >= 0  # classes without training rows cannot be tuned on
    both = np.concatenate([train, held[known]])
    tried = [
        fit_probe(
            (features["train"], labels[train]),
            (features["validation"][known], labels[held[known]]),
            version.groups[both],
            classes=classes,
            c_values=settings.c_values,
            selection=settings.selection,
            folds=settings.folds,
            balanced=settings.class_weights == "balanced",
            intercept=backbone.port.has_bias,
            seed=settings.seed,
            progress=progress,
            plan=version.folds[both],
            prior=prior,
            keep=share,
        )
        for share in (_SHARES if settings.depth < 0 else (1.0,))
    ]
    fit = min(tried, key=lambda one: min(point["log_loss"] for point in one.sweep))
    return replace(fit, held_out_rows=both[fit.held_out_rows])


def softmax(logits: Any) -> Any:  # noqa: ANN401
    """Probabilities of logits (rows, classes); one column means two classes with logits (0, z)."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def spread(total: int, wanted: int) -> NDArray[np.int64]:
    """`wanted` positions spread evenly over `total`."""
    return np.unique(np.linspace(0, total - 1, min(wanted, total)).round().astype(np.int64))


def read_inputs(version: DatasetVersion, rows: NDArray[np.int64]) -> list[Any]:
    """Texts, or RGB pictures, of `rows`."""
    if version.info.modality == "text":
        return list(version.texts(rows))
    return [open_image(version.image_bytes(int(row))) for row in rows]
