"""How tremors, the further modality of tests, are read, made worse, and learnt from."""

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


def _crossings(tremor):
    """Loudness, and how often the wave changes its sign."""
    return [np.abs(tremor).mean(), np.mean(np.diff(np.sign(tremor)) != 0)]


class TremorTraining:
    """What a probe and the baseline ask; fine-tuning would ask for `examples`, too."""

    schedule = "linear"
    scratch_rate = 1e-3
    word_space = "none"
    baseline_seconds = 0.001

    def read(self, version, rows):
        tremors = version.table.column("tremor").take(rows).to_pylist()
        return [read_wave(tremor["bytes"]) for tremor in tremors]

    def sizes(self, version, rows):
        return None

    def learning_rate(self, parameters, *, batch_norms, follows):
        return 1e-4

    def tries(self, settings, largest_class):
        return [Try("lpft")]

    def plain_features(self, version, rows, progress):
        features = {
            split: np.array([_crossings(tremor) for tremor in self.read(version, places)])
            for split, places in rows.items()
        }
        return PlainFeatures("loudness and pitch", features, StandardScaler(), 1.0)

    def nuisances(self, version, rows):
        return {}

    def slice_facts(self, version, rows):
        return {"bytes": version.facts()["bytes"][rows].astype(np.float64)}


TREMOR_TRAINING = TremorTraining()
TREMOR_PERTURBATIONS = Perturbations(
    {"noise": lambda tremor, level, random: tremor + random.normal(0, 0.01, len(tremor)) * level}
)
