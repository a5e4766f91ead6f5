"""Sounds without a pretrained network: how their mel-frequency cepstral coefficients lie and move.

The coefficients are those of Davis and Mermelstein (1980): the cosine transform of the logarithm of
the power in each band of the mel scale, here in the scale of O'Shaughnessy (1987) as HTK has it,
with the orthonormal transform.
"""

from __future__ import annotations

import numpy as np

from tl_core.data.sounds.decoding import Sound
from tl_core.data.sounds.spectrogram import mel_of, power_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.features.waves import read_sounds

_BANDS, _COEFFICIENTS = 40, 20
_LOWEST, _HIGHEST = 20.0, 7600.0  # hertz
_QUIETEST = 1e-10
_STEP = 64


def sound_matrix(version: DatasetVersion, rows: Ints, progress: Progress) -> Floats:
    """`sound_features` of each row (rows, 120)."""
    features: list[Floats] = []
    for start in range(0, len(rows), _STEP):
        features += map(sound_features, read_sounds(version, rows[start : start + _STEP]))
        progress.batch(len(features), len(rows))
    return np.array(features) if features else np.zeros((0, 1))


def sound_features(sound: Sound) -> Floats:
    """Mean and spread over time of 20 coefficients, of their slopes, and of the slopes of these:
    120 numbers.
    """
    values = mfcc(sound)
    moving = np.gradient(values, axis=0) if len(values) > 1 else np.zeros_like(values)
    turning = np.gradient(moving, axis=0) if len(values) > 1 else np.zeros_like(values)
    return np.concatenate(
        [part for each in (values, moving, turning) for part in (each.mean(0), each.std(0))]
    )


def mfcc(sound: Sound) -> Floats:
    """Coefficients over time (frames, 20); a sound shorter than a window is filled with silence."""
    from scipy.fft import dct

    power = mel_of(power_of(sound), _BANDS, _LOWEST, _HIGHEST).astype(np.float64)
    levels = np.log(np.maximum(power, _QUIETEST))
    coefficients: Floats = dct(levels, axis=1, norm="ortho")[:, :_COEFFICIENTS]
    return coefficients
