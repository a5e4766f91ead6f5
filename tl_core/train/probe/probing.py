"""A probe on an opened backbone: features of its splits, kept, and the head fitted on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tl_core.backbones.backbone import Backbone, Extractor
from tl_core.config import ProbeSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.machine import best_batch
from tl_core.progress import Progress
from tl_core.train import precision
from tl_core.train.arrays import Bools, Features, Floats, Ints, known
from tl_core.train.features.cache import extract_features
from tl_core.train.items.item_training import read_inputs
from tl_core.train.probe.linear_probe import ProbeFit, ProbeSearch, fit_probe
from tl_core.train.tasks.task_training import task_training_of

CHECK_ROWS = 64  # held-out rows on which bf16 features and the saved folder are compared
_BF16_TOLERANCE = 0.02  # largest change of a probability that bf16 features may cause
_SHARES = (0.02, 0.1, 0.3, 1.0)  # of the values of all blocks, as in Head2Toe's own search
Rows = dict[str, Ints]


@dataclass(frozen=True)
class Reading:
    """What a frozen backbone is to read.

    Args:
        settings: of the probe.
        version: whose items are read.
        rows: of each split.
        backbone: opened, in eval mode.
        cache: where features are kept.
    """

    settings: ProbeSettings
    version: DatasetVersion
    rows: Rows
    backbone: Backbone
    cache: Path

    @property
    def batch_size(self) -> int:
        return self.settings.batch_size or best_batch(self.backbone.modality)

    def read(
        self,
        extractor: Extractor,
        rows: Ints,
        progress: Progress,
        *,
        bf16: bool = False,
        processes: int = 1,
    ) -> Features:
        """Features of some rows, kept; `processes` read them at the same time in a cluster."""
        return extract_features(
            self.version,
            rows,
            self.backbone,
            extractor,
            self.cache,
            bf16=bf16,
            batch_size=self.batch_size,
            progress=progress,
            processes=processes,
        )

    def read_all(self, progress: Progress, share: float = 0.7) -> Features:
        """float32 features of the splits, one after the other (rows, width); `share` is that of
        the run.
        """
        parts, everything = [], sum(map(len, self.rows.values()))
        with self.backbone.extracting() as extractor:
            for split, places in self.rows.items():
                part = share * len(places) / everything
                progress.stage(f"Reading {split} rows with the backbone", len(places), share=part)
                parts.append(self.read(extractor, places, progress))
        return np.concatenate(parts)


@dataclass(frozen=True)
class ProbeTask(Reading):
    """What a probe learns from: train is fitted, validation chooses, other splits are only read.

    Args:
        labels: of each row of the version for the model, -1 where unknown or outside it.
        classes: number of classes of the model.
        prior: weights and bias that the head is drawn towards, as in `ProbeSearch`.
    """

    labels: Ints
    classes: int
    prior: tuple[Floats, Floats] | None = None

    @property
    def judged(self) -> Bools:
        """Which validation rows can choose (rows,): a class without training rows cannot be tuned
        on.
        """
        return known(self.labels[self.rows["validation"]])

    @property
    def learnt(self) -> Ints:
        """The rows that a probe learns from or is chosen by: train, then validation."""
        return np.concatenate([self.rows["train"], self.rows["validation"][self.judged]])

    @property
    def search(self) -> ProbeSearch:
        """How its penalty is chosen."""
        settings = self.settings
        return ProbeSearch(
            classes=self.classes,
            c_values=settings.c_values,
            selection=settings.selection,
            folds=settings.folds,
            balanced=settings.class_weights == "balanced",
            intercept=self.backbone.port.has_bias,
            seed=settings.seed,
            plan=self.version.folds[self.learnt],
            prior=self.prior,
            task=self.version.info.task,
        )

    def fit(
        self, features: dict[str, Features], progress: Progress, weights: Floats | None = None
    ) -> ProbeFit:
        """The head on these features; with all depths it is tried on several shares of the
        columns. `weights` are those of the train rows, then of the validation rows.
        """
        settings, search = self.settings, self.search
        progress.stage("Fitting the classifier", len(settings.c_values), share=0.15)
        train, held = self.rows["train"], self.rows["validation"]
        judged, both = self.judged, self.learnt
        if weights is not None:
            weights = np.concatenate([weights[: len(train)], weights[len(train) :][judged]])
        fits = [
            fit_probe(
                (features["train"], self.labels[train]),
                (features["validation"][judged], self.labels[held[judged]]),
                self.version.groups[both],
                replace(search, keep=share, weights=weights),
                progress,
            )
            for share in (_SHARES if settings.depth < 0 else (1.0,))
        ]
        best = min(fits, key=lambda fit: min(point["log_loss"] for point in fit.sweep))
        return replace(best, held_out_rows=both[best.held_out_rows])


@dataclass(frozen=True)
class FittedProbe:
    """The fitted head, the features of all splits, and why their number format."""

    fit: ProbeFit
    features: dict[str, Features]
    why: str


def probe(
    task: ProbeTask,
    progress: Progress,
    mark: Callable[[str], None] = lambda _: None,
    share: float = 0.65,
) -> FittedProbe:
    """Read all splits and fit the head; bf16 is dropped when it would move probabilities.

    Args:
        task: what is read and fitted.
        progress: told about everything.
        mark: told the name of each part when it ends.
        share: of the run that reading takes.
    """
    rows, everything = task.rows, sum(map(len, task.rows.values()))
    with task.backbone.extracting() as extractor:
        bf16, why = _choose_format(task, extractor)

        def embed(positions: Ints, use_bf16: bool, stage: str) -> Features:
            progress.stage(stage, len(positions), share=share * len(positions) / everything)
            return task.read(extractor, positions, progress, bf16=use_bf16)

        features = {
            split: embed(
                rows[split], bf16 and split == "train", f"Reading {split} rows with the backbone"
            )
            for split in rows
        }
        mark("features")
        fit = task.fit(features, progress)
        mark("fit")
        if bf16:
            some = rows["train"][spread(len(rows["train"]), CHECK_ROWS)]
            pair = [embed(some, flag, "Checking the number format") for flag in (True, False)]
            moved = _moved(task.version.info.task, fit, *pair)
            why += f"; it moves probabilities by at most {moved:.4f}"
            if moved > _BF16_TOLERANCE:
                why += ", too much, so float32 was used"
                features["train"] = embed(
                    rows["train"], False, "Reading train rows again in float32"
                )
                mark("features")
                fit = task.fit(features, progress)
            mark("fit")
    return FittedProbe(fit, features, why)


def _choose_format(task: ProbeTask, extractor: Extractor) -> tuple[bool, str]:
    """Whether bf16 serves the training rows, and why."""
    train = task.rows["train"]
    sample = task.backbone.encode(read_inputs(task.version, train[: task.batch_size]))
    return precision.choose_bf16(
        task.settings.precision,
        task.backbone,
        extractor,
        sample,
        len(train),
        task.cache / "precision.json",
    )


def _moved(task: str, fit: ProbeFit, one: Features, other: Features) -> float:
    """The largest gap in a probability between two readings of the same rows."""
    training = task_training_of(task)
    first, second = (
        training.linear_probabilities(features @ fit.weight.T + fit.bias)
        for features in (one, other)
    )
    return float(np.abs(first - second).max())


def spread(total: int, wanted: int) -> Ints:
    """`wanted` positions spread evenly over `total`."""
    return np.unique(np.linspace(0, total - 1, min(wanted, total)).round().astype(np.int64))
