"""Sounds: decoded once, varied as waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tl_core.data.item_kind import extra_column
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items import varied_training
from tl_core.train.items.item_training import (
    Item,
    PlainFeatures,
    PreparedExamples,
    RowFact,
    TrainingData,
    Try,
    known_facts,
)
from tl_core.train.items.sound_shortcuts import sound_nuisances

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone
    from tl_core.config import AutoSettings, FinetuneSettings
    from tl_core.train.features.waves import SoundExamples

_SLICED = {
    "seconds": "length in seconds",
    "loudness": "loudness",
    "silence": "share of silence",
    "rate": "sample rate",
    "bandwidth": "bandwidth",
}


class SoundTraining:
    """`ItemTraining` of sounds."""

    schedule = "one-cycle"
    scratch_rate = 1e-3
    word_space = ""  # none of their backbones knows words, and says so itself
    baseline_seconds = 0.004

    def read(self, version: DatasetVersion, rows: Ints) -> list[Item]:
        """Mono waves at 16 kHz."""
        from tl_core.train.features.waves import read_sounds

        return [*read_sounds(version, rows)]

    def sizes(self, version: DatasetVersion, rows: Ints) -> Ints | None:
        """Samples of each."""
        from tl_core.train.features.waves import sound_lengths

        return sound_lengths(version, rows)

    def examples(
        self,
        settings: FinetuneSettings,
        backbone: Backbone,
        data: TrainingData,
        progress: Progress,
    ) -> PreparedExamples:
        """Waves, shifted, stretched, masked in time and pitch, and mixed."""
        from tl_core.train.features.waves import SoundExamples, waves

        version, labels, train = data.version, data.labels, data.rows["train"]

        def unvaried(rows: Ints) -> SoundExamples:
            return SoundExamples(waves(version, rows, data.cache, progress), labels[rows], backbone)

        progress.stage("Decoding the recordings", len(train), share=0.05)
        examples = SoundExamples(
            waves(version, train, data.cache, progress),
            labels[train],
            backbone,
            settings.augment,
            settings.mix,
            settings.seed,
        )
        return varied_training.prepared(examples, unvaried, settings, backbone, data)

    def learning_rate(self, parameters: int, *, batch_norms: bool, follows: bool) -> float:
        """As for photos."""
        return varied_training.varied_rate(parameters, batch_norms=batch_norms, follows=follows)

    def tries(self, settings: AutoSettings, largest_class: int) -> list[Try]:
        """How far sounds vary is worth a try."""
        del largest_class
        return varied_training.varied_tries(settings, "recordings")

    def plain_features(
        self, version: DatasetVersion, rows: dict[str, Ints], progress: Progress
    ) -> PlainFeatures:
        """How their cepstral coefficients lie and move."""
        from tl_core.train.items.sound_baseline import sound_matrix

        return varied_training.scaled_features(
            "mfcc", sound_matrix, version, rows, progress, strength=0.1
        )

    def nuisances(self, version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
        """Length, loudness, silence, how they were recorded, and file names."""
        return sound_nuisances(version, rows)

    def slice_facts(self, version: DatasetVersion, rows: Ints) -> dict[str, RowFact]:
        """Length, loudness and silence, and who speaks where the import could tell."""
        facts = known_facts(version, rows, _SLICED)
        for name in dict.fromkeys(("speaker", version.info.columns.get("group", ""))):
            if extra_column(name) in version.table.column_names:
                values = version.table.column(extra_column(name)).take(rows)
                facts[name] = np.array([str(value or "") for value in values.to_pylist()])
        return facts


SOUND_TRAINING = SoundTraining()
