"""Which places of a sound, in time and pitch, speak for an answer: occlusion (Zeiler and Fergus,
ECCV 2014), which needs nothing but answers, and the gradient times the sound.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tl_core.backbones.classifier import Classifier
from tl_core.backbones.inputs.sound_inputs import SOUND_INPUTS, filled, reads_waves
from tl_core.data.sounds.decoding import RATE, Sound
from tl_core.predict.explanations.relevance import Floats, Maps, log_odds, randomised

if TYPE_CHECKING:
    from scipy.signal import ShortTimeFFT

GRID = 10
"""Cells of a map along time (columns, from the beginning) and along the mel scale up to 8 kHz
(rows, the highest first, as a spectrogram is drawn)."""
_WINDOW = 2  # cells that are silenced at once
_FRAME, _HOP = 512, 128  # samples
_BANDS_FIRST = "WhisperFeatureExtractor"


def sound_maps(classifier: Classifier, sound: Sound, place: int) -> Maps:
    """Maps (GRID, GRID) of a sound for class number `place`."""
    values = gradient(classifier.model, classifier, sound, place)
    noise = gradient(randomised(classifier.model), classifier, sound, place)
    return [
        ("occlusion", occlusion(classifier, sound, place), None),
        ("gradient", values, None),
    ], noise


def occlusion(classifier: Classifier, sound: Sound, place: int) -> Floats:
    """How much the log odds fall when each part of the spectrogram is silenced."""
    corners = [(i, j) for i in range(GRID - _WINDOW + 1) for j in range(GRID - _WINDOW + 1)]
    squares = [
        np.array([(i + di) * GRID + j + dj for di in range(_WINDOW) for dj in range(_WINDOW)])
        for i, j in corners
    ]
    without = [silenced(sound, square) for square in squares]
    drops = log_odds(classifier, [sound], place) - log_odds(classifier, without, place)
    total, count = np.zeros(GRID * GRID), np.zeros(GRID * GRID)
    for square, drop in zip(squares, drops, strict=True):
        total[square] += drop
        count[square] += 1
    mean_drop: Floats = (total / count).reshape(GRID, GRID)
    return mean_drop


def silenced(sound: Sound, parts: NDArray[np.int64]) -> Sound:
    """A sound without some cells of its spectrogram, by their places in a map row by row."""
    if not len(parts):
        return sound
    whole = filled(sound)
    transform = _transform()
    spectrum = transform.stft(whole)
    rows, columns = _cells(spectrum.shape, len(whole))
    gone = np.zeros(GRID * GRID, dtype=bool)
    gone[parts] = True
    spectrum[gone.reshape(GRID, GRID)[rows[:, None], columns[None]]] = 0
    changed = transform.istft(spectrum, k1=len(whole))[: len(sound)]
    return np.asarray(np.clip(changed, -1, 1), np.float32)


def gradient(model: nn.Module, classifier: Classifier, sound: Sound, place: int) -> Floats:
    """How much each cell adds to the logit if that is taken as linear: the gradient with respect to
    what the network reads, times that.

    For networks of waves the product is taken in the short-time Fourier transform, where it adds up
    to that over time; for others on the spectrogram that they read.
    """
    encoded = SOUND_INPUTS.encode(classifier.processor, [sound])
    device = next(model.parameters()).device
    batch = {name: value.to(device) for name, value in encoded.items()}
    name = next(name for name in batch if name in ("input_values", "input_features"))
    batch[name] = batch[name].detach().requires_grad_(True)
    with torch.enable_grad():
        logit = model(**batch).logits[0, place]
        slope = torch.autograd.grad(logit, batch[name])[0]
    read, moved = (value[0].detach().double().cpu().numpy() for value in (batch[name], slope))
    if reads_waves(classifier.processor):
        transform = _transform()
        product = np.real(np.conj(transform.stft(read)) * transform.stft(moved))
        rows, columns = _cells(product.shape, len(read))
    else:
        product = read * moved
        if type(classifier.processor).__name__ != _BANDS_FIRST:
            # time first; some put two spectra side by side
            product = product.reshape(-1, classifier.processor.num_mel_bins).T
        rows, columns = _even_cells(product, len(filled(sound)))
    return _summed(product, rows, columns)


def _summed(values: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Values (pitches, times) added up over cells; a column of -1 lies behind the sound."""
    cells = np.zeros((GRID, GRID))
    inside = columns >= 0
    np.add.at(cells, (rows[:, None], columns[inside][None]), values[:, inside])
    return cells


@cache
def _transform() -> ShortTimeFFT:
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    return ShortTimeFFT(hann(_FRAME, sym=False), hop=_HOP, fs=RATE)


def _cells(shape: tuple[int, ...], samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row of each frequency and the column of each time of a short-time transform."""
    transform = _transform()
    mel = np.log1p(transform.f / 700)
    rows = GRID - 1 - np.minimum((mel / mel[-1] * GRID).astype(np.int64), GRID - 1)
    times = (transform.p_min + np.arange(shape[1])) * _HOP  # samples, some before the sound
    columns = np.clip(times * GRID // samples, 0, GRID - 1)
    return rows, columns


def _even_cells(values: Floats, samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same of a mel spectrogram (bands, times) with 100 spectra a second."""
    rows = GRID - 1 - np.arange(values.shape[0]) * GRID // values.shape[0]
    there = max(1, min(values.shape[1], samples * 100 // RATE))
    columns = np.arange(values.shape[1]) * GRID // there
    columns[there:] = -1
    return rows, columns
