"""The power of a sound by time and pitch, for facts about it and for pictures of it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tl_core.data.sounds.decoding import RATE, Sound

Power = NDArray[np.float32]

WINDOW, HOP, TRANSFORM = 400, 160, 512
"""Samples of a frame (25 ms), from one to the next (10 ms), and those of its Fourier transform."""


def power_of(sound: Sound, hop: int = HOP) -> Power:
    """(frames, 257) power of each frequency in frames of 25 ms, a Hann window over each; a sound
    shorter than a frame is one frame with silence behind it.

    Args:
        sound: (samples,) at 16,000 a second.
        hop: samples from one frame to the next.
    """
    if len(sound) < WINDOW:
        sound = np.pad(sound, (0, WINDOW - len(sound)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::hop]
    window = np.hanning(WINDOW).astype(np.float32)
    spectrum = np.fft.rfft(frames * window, TRANSFORM, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def mel_of(power: Power, bands: int, low: float = 20.0, high: float = RATE / 2) -> Power:
    """(frames, bands) power in triangular bands that are equally wide on the mel scale.

    Args:
        power: (frames, 257) as `power_of` gives it.
        bands: how many, the lowest first.
        low: where the first one begins, in Hz.
        high: where the last one ends, in Hz.
    """
    return power @ _bands(bands, low, high)


@cache
def _bands(bands: int, low: float, high: float) -> NDArray[np.float32]:
    """(257, bands) weights of each frequency in each band."""
    edges = hertz(np.linspace(mel(low), mel(high), bands + 2))
    bins = np.linspace(0, RATE / 2, TRANSFORM // 2 + 1)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.clip(np.minimum(rise, fall), 0, None)
    narrow = weights.sum(axis=0) == 0  # a band between two bins takes the nearest one
    nearest = np.abs(bins - edges[1:-1]).argmin(axis=0)
    weights[nearest[narrow], np.flatnonzero(narrow)] = 1.0
    return weights.astype(np.float32)


def mel(frequency: float) -> float:
    """Hz on the mel scale (O'Shaughnessy 1987)."""
    return float(2595 * np.log10(1 + frequency / 700))


def hertz(pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Back from the mel scale."""
    frequencies: NDArray[np.float64] = 700 * (10 ** (pitch / 2595) - 1)
    return frequencies
