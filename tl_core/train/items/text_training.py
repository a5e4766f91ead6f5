"""Texts: split into tokens, of which a training may leave some out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tl_core.data.checks.text_facts import SCRIPTS
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.item_training import (
    FURTHER,
    LARGE,
    Item,
    PlainFeatures,
    PreparedExamples,
    RowFact,
    TrainingData,
    Try,
    known_facts,
)
from tl_core.train.items.text_baseline import text_features
from tl_core.train.items.text_shortcuts import text_nuisances

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone
    from tl_core.config import AutoSettings, FinetuneSettings

_LARGEST = 150e6  # parameters
_FEW = 64  # training texts of a class up to which pairs of them are worth a try


class TextTraining:
    """`ItemTraining` of texts."""

    schedule = "linear"
    scratch_rate = 5e-4
    word_space = ""  # they are words themselves
    baseline_seconds = 0.003

    def read(self, version: DatasetVersion, rows: Ints) -> list[Item]:
        """As they are stored."""
        return [*version.texts(rows)]

    def sizes(self, version: DatasetVersion, rows: Ints) -> Ints | None:
        """Characters of each."""
        import pyarrow.compute as pc

        lengths: Ints = pc.utf8_length(version.table.column("text")).to_numpy()[rows]
        return lengths

    def examples(
        self,
        settings: FinetuneSettings,
        backbone: Backbone,
        data: TrainingData,
        progress: Progress,
    ) -> PreparedExamples:
        """Token numbers; the words that a training leaves out are drawn anew each epoch."""
        from tl_core.train.features.tokens import TextExamples, tokenize

        del progress
        train, held = data.rows["train"], data.rows["validation"]
        pad = int(backbone.processor.pad_token_id)
        examples = TextExamples(
            tokenize(data.version, train, backbone, data.cache),
            data.labels[train],
            pad,
            settings.word_dropout,
            settings.seed,
        )
        if not len(held):
            return PreparedExamples(examples, None)
        tokens = tokenize(data.version, held, backbone, data.cache)
        return PreparedExamples(examples, TextExamples(tokens, data.labels[held], pad))

    def learning_rate(self, parameters: int, *, batch_norms: bool, follows: bool) -> float:
        """Smaller steps for larger networks."""
        del batch_norms, follows
        return 1e-4 if parameters < LARGE else 3e-5 if parameters < _LARGEST else 1e-5

    def tries(self, settings: AutoSettings, largest_class: int) -> list[Try]:
        """Pairs of texts are worth a try where there are few."""
        del settings
        return [
            Try("lpft"),
            *([Try("contrastive")] if largest_class <= _FEW else []),
            Try("lpft", "larger steps", FURTHER),
            Try("full"),
            Try("lora"),
            Try("lpft", "smaller steps", 1 / FURTHER),
        ]

    def plain_features(
        self, version: DatasetVersion, rows: dict[str, Ints], progress: Progress
    ) -> PlainFeatures:
        """Words and pieces of words."""
        del progress
        texts = {split: version.texts(places) for split, places in rows.items()}
        return PlainFeatures("tfidf", {**texts}, text_features(texts["train"]), 10.0)

    def nuisances(self, version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
        """Length, signs and script."""
        return text_nuisances(version, rows)

    def slice_facts(self, version: DatasetVersion, rows: Ints) -> dict[str, RowFact]:
        """Length and script."""
        facts = known_facts(
            version, rows, {"chars": "length in characters", "words": "length in words"}
        )
        scripts = known_facts(version, rows, {"script": "script"})
        if scripts:
            facts["script"] = np.array([*SCRIPTS, ""])[scripts["script"].astype(np.int64)]
        return facts


TEXT_TRAINING = TextTraining()
