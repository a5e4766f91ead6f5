"""Facts about each recording from one decoding: length, loudness, silence, clipping, and a
fingerprint that survives another gain, another file format, a little noise and trimmed silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.sounds.decoding import RATE, Recording, Sound
from tl_core.data.sounds.spectrogram import HOP, TRANSFORM, Power, mel_of, power_of

FLOOR = -120.0
"""Loudness of nothing, in dBFS."""
_FRAME = RATE // 50  # 20 ms
_SILENT, _BELOW = -60.0, 40.0  # dBFS, and dB below the loudest frame
_LOUD, _EQUAL = 0.5, 1 / 20_000  # of full scale; how near to the peak a clipped sample lies
_ENERGY = 0.99  # of all of it lies below the bandwidth
_CELLS, _BANDS, _LOW = 16, 16, 8  # of the small copy, and its frequencies that are kept
_FROM, _TO = 100.0, 3400.0  # Hz that even a telephone lets pass
_BEGIN, _END = 0.02, 0.98  # of the energy: what lies outside may have been trimmed
_QUIET, _DEPTH = 1e-2, 10**-2.5  # of the loudest frame and cell: what lies below is noise
_COSINES = np.cos(np.pi / _CELLS * (np.arange(_CELLS) + 0.5) * np.arange(_LOW)[:, None])
_BITS = np.uint64(1) << np.arange(_LOW * _LOW, dtype=np.uint64)


@dataclass(frozen=True)
class SoundFacts:
    """What is known of one recording.

    Args:
        seconds: how long it is.
        rate: samples a second in its file.
        channels: in its file.
        loudness: root mean square, in dB of full scale.
        peak: largest sample of the file, 1 is full scale.
        silence: share of it that is silent: below -60 dBFS or 40 dB below its loudest moment.
        clipped: share of samples that stand at its peak with their neighbours, as where something
            louder was cut off.
        bandwidth: Hz below which 99 % of its energy lies, at most half of 16,000.
        look: 64 bits that are nearly the same for copies of a recording; 0 for silence.
        shape: (256,) a 16 x 16 copy of its spectrogram, from 25 dB below its loudest cell (0) up.
    """

    seconds: float
    rate: int
    channels: int
    loudness: float
    peak: float
    silence: float
    clipped: float
    bandwidth: float
    look: int
    shape: NDArray[np.uint8]


def sound_facts(recording: Recording) -> SoundFacts:
    """Measure a decoded recording."""
    sound, power = recording.sound, power_of(recording.sound)
    copy = _small_copy(power)
    return SoundFacts(
        recording.seconds,
        recording.rate,
        recording.channels,
        decibels(float(np.sqrt(np.square(sound, dtype=np.float64).mean()))),
        float(np.abs(recording.brought).max()),
        _silence(sound),
        _clipped(recording.brought),
        _bandwidth(power),
        _look(copy),
        (255 * copy).round().astype(np.uint8).ravel(),
    )


def decibels(amplitude: float) -> float:
    """An amplitude in dB of full scale, at least `FLOOR`."""
    return max(FLOOR, 20 * float(np.log10(max(amplitude, 1e-9))))


def levels(sound: Sound) -> NDArray[np.float64]:
    """Loudness of each 20 ms in dBFS; what is left at the end counts as one."""
    padded = np.pad(sound.astype(np.float64), (0, -len(sound) % _FRAME))
    power = np.square(padded.reshape(-1, _FRAME)).mean(axis=1)
    loudness: NDArray[np.float64] = np.maximum(10 * np.log10(np.maximum(power, 1e-18)), FLOOR)
    return loudness


def _silence(sound: Sound) -> float:
    loudness = levels(sound)
    return float((loudness < max(_SILENT, float(loudness.max()) - _BELOW)).mean())


def _clipped(brought: Sound) -> float:
    """The share of samples in runs of three or more that all reach the peak."""
    size = np.abs(brought)
    peak = float(size.max())
    if peak < _LOUD or len(size) < 3:
        return 0.0
    at = size >= peak * (1 - _EQUAL)
    run = at[:-2] & at[1:-1] & at[2:]
    marked = np.zeros(len(at), dtype=bool)
    for shift in range(3):
        marked[shift : shift + len(run)] |= run
    return float(marked.mean())


def _bandwidth(power: Power) -> float:
    mean = power[:, 1:].mean(axis=0, dtype=np.float64)
    total = np.cumsum(mean)
    if not total[-1]:
        return 0.0
    place = int(np.searchsorted(total, _ENERGY * total[-1])) + 1
    return place * RATE / TRANSFORM


def _small_copy(power: Power) -> NDArray[np.float64]:
    """(16, 16) times and bands of a spectrogram, 0 to 1 from 25 dB below the loudest up to it; its
    time runs between the moments at which the first and the last fiftieth of the energy have
    passed.
    """
    cells = _cells(mel_of(power, _BANDS, _FROM, _TO).astype(np.float64))
    most = float(cells.max())
    if not most:
        return cells
    loud: NDArray[np.float64] = 1 - np.log10(np.maximum(cells / most, _DEPTH)) / np.log10(_DEPTH)
    return loud


def _look(copy: NDArray[np.float64]) -> int:
    """The signs of the 64 lowest frequencies of a small copy against their median, as in the
    perceptual hash of pictures (Zauner 2010).
    """
    if not copy.any():
        return 0
    frequencies = (_COSINES @ copy @ _COSINES.T).ravel()
    bits = frequencies > np.median(frequencies[1:])
    bits[0] = False
    return int((_BITS * bits).sum(dtype=np.uint64))


def _cells(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """(16, 16) mean power of each band in equal parts of the time in which there is any."""
    energy = bands.sum(axis=1)
    above = np.clip(energy - _QUIET * energy.max(), 0, None)
    passed = np.concatenate([[0.0], np.cumsum(above)])
    times = np.arange(len(passed), dtype=np.float64)
    if not passed[-1]:
        return np.zeros((_CELLS, bands.shape[1]))
    begin, end = np.interp([_BEGIN * passed[-1], _END * passed[-1]], passed, times)
    edges = np.linspace(begin, max(end, begin + _FRAME / HOP), _CELLS + 1)
    sums = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0)])
    at = np.stack([np.interp(edges, times, column) for column in sums.T], axis=1)
    return np.diff(at, axis=0) / np.diff(edges)[:, None]
