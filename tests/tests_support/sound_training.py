"""How sounds, the third modality of tests, are read, made worse, and learnt from."""

from __future__ import annotations

import io
import wave

import numpy as np
from sklearn.preprocessing import StandardScaler

from tl_core.evaluate.perturbations.item_perturbations import Perturbations
from tl_core.train.items.item_training import PlainFeatures, Try

RATE = 16_000


def write_wave(path, values):
    """One channel of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(values, -1, 1) * 32767).astype("<i2").tobytes())


def read_wave(data):
    """The wave of a file's bytes, between -1 and 1."""
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def _crossings(sound):
    """Loudness, and how often the wave changes its sign."""
    return [np.abs(sound).mean(), np.mean(np.diff(np.sign(sound)) != 0)]


class SoundTraining:
    """What a probe and the baseline ask; fine-tuning would ask for `examples`, too."""

    schedule = "linear"
    scratch_rate = 1e-3
    word_space = "none"
    baseline_seconds = 0.001

    def read(self, version, rows):
        sounds = version.table.column("sound").take(rows).to_pylist()
        return [read_wave(sound["bytes"]) for sound in sounds]

    def sizes(self, version, rows):
        return None

    def learning_rate(self, parameters, *, batch_norms, follows):
        return 1e-4

    def tries(self, settings, largest_class):
        return [Try("lpft")]

    def plain_features(self, version, rows, progress):
        features = {
            split: np.array([_crossings(sound) for sound in self.read(version, places)])
            for split, places in rows.items()
        }
        return PlainFeatures("loudness and pitch", features, StandardScaler(), 1.0)

    def nuisances(self, version, rows):
        return {}

    def slice_facts(self, version, rows):
        return {"bytes": version.facts()["bytes"][rows].astype(np.float64)}


SOUND_TRAINING = SoundTraining()
SOUND_PERTURBATIONS = Perturbations(
    {"noise": lambda sound, level, random: sound + random.normal(0, 0.01, len(sound)) * level}
)
