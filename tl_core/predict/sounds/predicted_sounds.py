"""Sounds on their way to an answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import decoded
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import DataError
from tl_core.predict.one_item import Inputs, ModelInput
from tl_core.predict.predicted_items import PredictedItems
from tl_core.predict.sounds.sound_files import sound_files
from tl_core.predict.sources import Source
from tl_core.predict.tensors import Cut

if TYPE_CHECKING:
    from tl_core.backbones.classifier import Classifier
    from tl_core.backbones.encoding import Processor
    from tl_core.data.sounds.decoding import Sound
    from tl_core.predict.explanations.relevance import Maps
    from tl_core.predict.serving.contract import Asked


class PredictedSounds:
    """Files of sound; explained by places in time and pitch. See `PredictedItems`."""

    def inputs(self, source: Source, kept: Preparation | None) -> Inputs:
        """Every file that is no table or note."""
        return sound_files(source, kept)

    def trained_columns(self, _info: VersionInfo) -> tuple[str, ...]:
        """None: files have no columns."""
        return ()

    def unlabelled(self, version: DatasetVersion, kept: Preparation) -> tuple[Path, Preparation]:
        """They lie in the version itself."""
        return version.folder, kept

    def batches(self, processor: Processor, device: str) -> Cut:
        """In their order."""
        from tl_core.predict.sounds.sound_batches import SoundBatches

        return SoundBatches(processor, device)

    def from_json(self, body: Asked, _preparation: Preparation) -> list[ModelInput]:
        """Files written as letters (base64)."""
        from tl_core.predict.serving.contract import sounds_of

        return [*sounds_of(body)]

    def from_files(
        self, files: list[tuple[bytes, str]], _preparation: Preparation
    ) -> list[ModelInput]:
        """One answer for each."""
        return [decoded(data) for data, _suffix in files]

    def as_given(self, given: str | bytes, _preparation: Preparation) -> ModelInput:
        """A file, or what a microphone gave; words are none, and are said to be none."""
        if isinstance(given, str):
            raise DataError("This model reads recordings.", "", "Bring a file, or record one.")
        return decoded(given)

    def parts(self, _item: ModelInput) -> list[str]:
        """None: places in a spectrogram have no names."""
        return []

    def relevance(self, classifier: Classifier, item: ModelInput, place: int) -> Maps:
        """Occlusion and gradients on a grid of time and pitch."""
        from tl_core.predict.explanations.sound_relevance import sound_maps

        return sound_maps(classifier, cast("Sound", item), place)

    def without(self, item: ModelInput, parts: NDArray[np.int64]) -> ModelInput:
        """Cells are silenced."""
        from tl_core.predict.explanations.sound_relevance import silenced

        return silenced(cast("Sound", item), parts)


PREDICTED_SOUNDS: PredictedItems = PredictedSounds()
