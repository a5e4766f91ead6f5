"""What trainings of items have in common that are varied anew in each epoch: photos and sounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.item_training import (
    FURTHER,
    LARGE,
    PlainFeatures,
    PreparedExamples,
    TrainingData,
    Try,
)

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone
    from tl_core.config import AutoSettings, FinetuneSettings
    from tl_core.train.features.examples import Examples

Matrix = Callable[[DatasetVersion, Ints, Progress], Floats]


def prepared(
    examples: Examples,
    unvaried: Callable[[Ints], Examples],
    settings: FinetuneSettings,
    backbone: Backbone,
    data: TrainingData,
) -> PreparedExamples:
    """Varied `examples` with what judges and measures them, read by `unvaried` from the rows."""
    from tl_core.surgery.modes import norms_of
    from tl_core.train.loop.norm_statistics import EXAMPLES
    from tl_core.train.probe.probing import spread

    train, held = data.rows["train"], data.rows["validation"]
    held_out = unvaried(held) if len(held) else None
    if settings.batchnorm != "adapt" or not norms_of(backbone.model):
        return PreparedExamples(examples, held_out)
    return PreparedExamples(examples, held_out, unvaried(train[spread(len(train), EXAMPLES)]))


def varied_rate(parameters: int, *, batch_norms: bool, follows: bool) -> float:
    """Networks with batch normalisation bear far larger steps than transformers, most of all where
    the statistics follow and undo what the steps do to the scale of each channel.
    """
    if batch_norms:
        return (1e-3 if follows else 3e-4) * (1.0 if parameters < LARGE else 0.3)
    return 1e-4 if parameters < LARGE else 3e-5


def varied_tries(settings: AutoSettings, noun: str) -> list[Try]:
    """How far items vary is worth a try; pairs of them are not."""
    own: dict[str, object] = {"augment": settings.augment}
    lightly = Try("lpft", f"lightly varied {noun}", options={"augment": "light"})
    return [
        Try("lpft", options=own),
        Try("lpft", "larger steps", FURTHER, own),
        *([lightly] if settings.augment == "standard" else []),
        Try("full", options=own),
        Try("lpft", "smaller steps", 1 / FURTHER, own),
        Try("two_stage", options=own),
    ]


def scaled_features(
    name: str,
    matrix: Matrix,
    version: DatasetVersion,
    rows: dict[str, Ints],
    progress: Progress,
    *,
    strength: float,
) -> PlainFeatures:
    """The numbers of `matrix` for each split, each of the same spread."""
    from sklearn.preprocessing import StandardScaler

    matrices = {split: matrix(version, places, progress) for split, places in rows.items()}
    return PlainFeatures(name, {**matrices}, StandardScaler(), strength)
