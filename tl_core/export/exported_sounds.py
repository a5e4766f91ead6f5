"""Sounds in a bundle."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core import errors
from tl_core.backbones.inputs.sound_inputs import LEAST
from tl_core.data import limits
from tl_core.data.preparation import Preparation
from tl_core.data.sounds import decoding
from tl_core.data.sounds.decoding import RATE, Sound, decoded
from tl_core.data.versions.store import DatasetVersion
from tl_core.export.exported_items import CardWords, Example, ExportedItems, Tracing
from tl_core.predict.one_item import ModelInput

if TYPE_CHECKING:
    from transformers import SequenceFeatureExtractor

    from tl_core.backbones.encoding import Processor

_TABLES = ("mel_filters", "window")  # of a processor; they follow from its other settings
_LOUDNESS = 0.3


class ExportedSounds:
    """Mono waves at 16 kHz that a feature extractor takes. See `ExportedItems`."""

    tracing = Tracing(
        examples=tuple(
            (_LOUDNESS * np.sin(np.arange(2 * RATE) * pitch)).astype(np.float32)
            for pitch in (0.1, 0.3)
        ),
        axes={
            "input_values": ("items", "length"),
            "input_features": ("items", "length"),
            "attention_mask": ("items", "length"),
        },
        exact=1,
        calibration=32,
        first=2,
        lengths=(LEAST, limits.LIMITS.sound_seconds * RATE),
    )

    def longest(self, _processor: Processor) -> None:
        """They have a length in seconds, no tokens."""

    def preprocessing(self, processor: Processor) -> dict[str, object]:
        """Class and settings of the feature extractor."""
        extractor = cast("SequenceFeatureExtractor", processor)
        settings = json.loads(extractor.to_json_string())
        return {
            "class": type(extractor).__name__,
            **{
                name: value
                for name, value in settings.items()
                if not name.startswith("_") and name not in _TABLES and "extractor" not in name
            },
        }

    def packages(self, family: str) -> list[str]:
        """What decodes and resamples them, and timm for the network that looks at spectrograms."""
        return ["soundfile", "scipy"] + (["timm"] if family == "sound_picture" else [])

    def modules(self) -> list[ModuleType]:
        """What decodes them, with its bounds and its words."""
        return [decoding, limits, errors]

    def card_words(self, _preparation: Preparation) -> CardWords:
        """Recordings, as files; pipelines get arrays."""
        return {
            "reads": "Recordings (WAV, FLAC, OGG, MP3) of up to"
            f" {limits.LIMITS.sound_seconds} seconds, mixed to one channel at {RATE:,} samples a"
            " second. `predict.py` decodes them; a pipeline of transformers gets such samples as a"
            " NumPy array.",
            "example": "recording.wav",
            "item": "samples",
        }

    def of_rows(
        self, version: DatasetVersion, rows: NDArray[np.int64], _preparation: Preparation
    ) -> list[ModelInput]:
        """Decoded as in training."""
        column = version.table.column("audio")
        return [decoded(column[int(row)].as_py()["bytes"]) for row in rows]

    def golden(
        self,
        own: list[ModelInput],
        count: int,
        _preparation: Preparation,
        _longest: int | None,
    ) -> list[ModelInput]:
        """Drawn ones are tones, chirps, clicks and noises of several lengths."""
        return own or [*_drawn(count)]

    def keep(self, item: ModelInput, folder: Path, number: int) -> Example:
        """As WAV of floats, so that nothing is rounded."""
        name = f"{number:02}.wav"
        (folder / name).write_bytes(wav_of(cast("Sound", item)))
        return {"file": name}

    def kept(self, example: Example, folder: Path) -> ModelInput:
        """From its file."""
        return decoded((folder / example["file"]).read_bytes())


def wav_of(sound: Sound) -> bytes:
    """A sound as the bytes of a WAV file of 32-bit floats."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, sound, RATE, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def _drawn(count: int) -> list[Sound]:
    """Sounds of .2 to 3 seconds: each a tone, a chirp, clicks or noise, with a little noise."""
    random, sounds = np.random.default_rng(0), []
    for number in range(count):
        times = np.arange(int(random.uniform(0.2, 3.0) * RATE)) / RATE
        low, high = random.uniform(100, 1000), random.uniform(1000, 6000)
        clear = (
            np.sin(2 * np.pi * low * times),
            np.sin(2 * np.pi * times * (low + (high - low) * times / times[-1] / 2)),
            (np.arange(len(times)) % round(RATE / random.uniform(4, 20)) == 0).astype(np.float64),
            random.normal(0, 0.4, len(times)),
        )[number % 4]
        values = _LOUDNESS * clear + random.normal(0, 0.003, len(times))
        sounds.append(np.clip(values - values.mean(), -1, 1).astype(np.float32))
    return sounds


EXPORTED_SOUNDS: ExportedItems = ExportedSounds()
