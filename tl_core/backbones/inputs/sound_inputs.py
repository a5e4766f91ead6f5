"""How backbones for sounds are fed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.inputs.input_kind import Answer, Finding, Items, Opened, in_batches
from tl_core.errors import BackboneError
from tl_core.modalities.audio import AUDIO
from tl_core.surgery.model_json import read_json

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, SequenceFeatureExtractor

    from tl_core.backbones.encoding import Batch, Inputs, Processor

RATE = 16_000
"""Samples a second of every sound here, as in `tl_core.data.sounds`."""
LEAST = 1_600
"""Samples below which a sound is filled up with silence: the convolutions of speech networks answer
nothing to less than a few hundredths of a second."""
Wave: TypeAlias = NDArray[np.float32]
_FILES = ("preprocessor_config.json", "feature_extractor_config.json")
_SPEECH, _SPEAKER = "starter:speech", "speaker"
_OWN = ("sound_picture", "speech_embedding")  # the `model_type` of this program's networks
_GROUP = "group"  # wav2vec2's first normalisation, over all of a sound's time
_LEAKING = "data2vec-audio"  # several convolutions for positions, between which nothing is masked
_TABLES = ("mel_filters", "window")  # of a processor; they follow from its other settings


class SoundInputs:
    """Mono waves at 16,000 samples a second, each as long as it is.

    Networks that read waves come in two kinds. Most large ones take a mask of what is padding.
    The base versions of wav2vec2, HuBERT and others normalise over the whole time of a sound and
    were trained without a mask: silence behind a shorter sound of a batch would change its answer,
    so only sounds of one length go together there. Networks that read spectrograms bring all
    sounds to one length by themselves.
    """

    processor = "feature extractor"
    auto_processor = "AutoFeatureExtractor"

    def classifies(self, family: str) -> bool:
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES,
        )

        return family in _OWN or family in MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES

    def is_in(self, folder: Path) -> bool:
        """Only a feature extractor of sounds has a rate."""
        return any("sampling_rate" in read_json(folder / name) for name in _FILES)

    def examples(self) -> Inputs:
        """Of two lengths."""
        times = np.arange(RATE, dtype=np.float32) / RATE
        low, high = (np.sin(2 * np.pi * pitch * times) / 4 for pitch in (220, 880))
        return [low.astype(np.float32), high[: RATE // 2].astype(np.float32)]

    def encode(self, processor: Processor, inputs: Inputs, max_length: int = 0) -> Batch:
        del max_length
        waves = [filled(wave) for wave in cast("Sequence[Wave]", inputs)]
        if reads_waves(processor):
            batch = processor(waves, sampling_rate=RATE, padding=True, return_tensors="pt")
        else:
            batch = processor(waves, sampling_rate=RATE, return_tensors="pt")
        return dict(batch)

    def batches(self, processor: Processor, inputs: Inputs, size: int) -> list[list[int]]:
        """The longest first; of one length where padding would change the answer."""
        lengths = np.array([max(len(wave), LEAST) for wave in cast("Sequence[Wave]", inputs)])
        order = np.argsort(-lengths, kind="stable")
        alike = [order]
        if self.needs_equal_sizes(processor):
            alike = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
        return [part for group in alike for part in in_batches(group.tolist(), size)]

    def needs_equal_sizes(self, processor: Processor) -> bool:
        """Those that read waves without a mask."""
        return reads_waves(processor) and not processor.return_attention_mask

    def identity(self, processor: Processor, max_length: int) -> Mapping[str, object]:
        del max_length
        settings: dict[str, object] = json.loads(processor.to_json_string())
        return {name: value for name, value in settings.items() if name not in _TABLES}

    def arrange(self, model: PreTrainedModel) -> None:
        """Convolutions over pictures like another layout; waves do not mind."""
        import torch

        model.to(memory_format=torch.channels_last)

    def fit(self, opened: Opened, input_size: int, *, meta: bool) -> Opened:
        """The masks that transformers draws over hidden states are switched off: they come from a
        generator of their own, cannot be repeated, and refuse short sounds. Ours are drawn on the
        sounds themselves. The most that is heard of a sound is counted in samples.
        """
        del input_size, meta
        processor, config = opened.processor, opened.model.config
        if (rate := getattr(processor, "sampling_rate", RATE)) != RATE:
            raise BackboneError(
                f"This backbone hears {rate:,} samples a second.",
                f"Recordings are kept with {RATE:,}; played at another rate they would sound"
                " too high or too low to it.",
                f"Choose a backbone for {RATE:,} samples a second, such as {AUDIO.starter}.",
            )
        if hasattr(config, "apply_spec_augment"):
            config.apply_spec_augment = False
        if reads_waves(processor):
            by_group = getattr(config, "feat_extract_norm", "") == _GROUP
            processor.return_attention_mask = not by_group and config.model_type != _LEAKING
        return replace(opened, max_length=_most(processor))

    def own_pooling(self, folder: Path, family: str, wanted: str) -> tuple[str, str]:
        """All but the Audio Spectrogram Transformer average over time by themselves."""
        del folder
        if wanted == "mean" and family == "audio-spectrogram-transformer":
            return "mean", "mean"
        return "native", ""

    def save(self, processor: Processor, max_length: int, target: Path) -> None:
        del max_length
        processor.save_pretrained(target)

    def ask_pipeline(
        self, model: PreTrainedModel, processor: Processor, inputs: Inputs, classes: int
    ) -> Iterable[Sequence[Answer]]:
        """Arrays are given, one by one: for files transformers would start the program ffmpeg."""
        from transformers import pipeline

        run = pipeline(AUDIO.hub_tasks[0], model=model, feature_extractor=processor)
        waves = [filled(wave) for wave in cast("Sequence[Wave]", inputs)]
        answers: Iterable[Sequence[Answer]] = run(waves, top_k=classes, batch_size=1)
        return answers

    def word_vectors(
        self, words: list[str], folder: Path, features: Callable[[Inputs], NDArray[np.float32]]
    ) -> tuple[Tensor, float]:
        """None of them knows words."""
        del words, folder, features
        raise BackboneError(
            "Backbones for recordings cannot compare them with words.",
            "They have never read any, so a class cannot be described to them.",
            "Label a few recordings of each class and choose Probe.",
        )

    def check(
        self, opened: Opened, reference: str, version: Items, rows: NDArray[np.int64]
    ) -> list[Finding]:
        """How many recordings are longer than what the backbone hears."""
        del reference
        most = opened.max_length / RATE
        seconds = np.asarray(version.facts()["seconds"], dtype=np.float64)[rows]
        share = float((seconds > most).mean()) if len(rows) else 0.0
        if not share:
            return []
        return [
            {
                "id": "truncated",
                "severity": "warning",
                "count": max(1, round(share * 100)),
                "items": [],
                "text": f"About {share:.0%} of the recordings are longer than the {most:.1f} s that"
                " the backbone hears; the rest of them is cut off.",
                "fix": "Cut them into shorter clips, or choose a backbone that hears them whole,"
                f" such as {AUDIO.starter}.",
            }
        ]

    def starters(self, version: Items, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """The one for speech first where the import could tell who speaks; the one that has seen
        pictures serves every kind of sound.
        """
        del rows
        speaks = _SPEAKER in version.table.column_names
        return (_SPEECH, AUDIO.starter) if speaks else (AUDIO.starter,)


def filled(wave: Wave) -> Wave:
    """A sound of at least `LEAST` samples, with silence at its end."""
    return np.pad(wave, (0, LEAST - len(wave))) if len(wave) < LEAST else wave


def _most(processor: SequenceFeatureExtractor) -> int:
    """Samples beyond which the processor cuts a sound; one more than any recording has where it
    never does.
    """
    if spectra := getattr(processor, "max_length", 0):
        return int(spectra) * RATE // 100
    return int(getattr(processor, "n_samples", 60 * RATE + 1))


def reads_waves(processor: SequenceFeatureExtractor) -> bool:
    """Whether the network gets waves, not spectrograms of one length."""
    return type(processor).__name__ == "Wav2Vec2FeatureExtractor"


SOUND_INPUTS = SoundInputs()
