"""Sounds made worse: what another room, microphone or line does to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.perturbations.item_perturbations import Perturbations, Random

_RATE = 16_000  # samples a second of every sound that a model hears
Sound = NDArray[np.float32]


def _noise(sound: Sound, level: int, random: Random) -> Sound:
    """White noise 20, 10 or 0 decibels below the sound's mean power."""
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    scale = np.sqrt(power / 10 ** ((20, 10, 0)[level] / 10))
    return _whole(sound + random.normal(0, scale, len(sound)))


def _quieter(sound: Sound, level: int, _random: Random) -> Sound:
    """By 10, 20 or 40 decibels, kept in 16 bits."""
    softer = sound * 10 ** (-(10, 20, 40)[level] / 20)
    return _whole(np.round(softer * 32767) / 32767)


def _clipped(sound: Sound, level: int, _random: Random) -> Sound:
    """Turned up until it bursts: by 6, 12 or 24 decibels over its own loudest place."""
    loudest = float(np.abs(sound).max(initial=0)) or 1.0
    return _whole(np.clip(sound / loudest * 10 ** ((6, 12, 24)[level] / 20), -1, 1))


def _faster(sound: Sound, level: int, _random: Random) -> Sound:
    return _at_speed(sound, (1.1, 1.25, 1.5)[level])


def _slower(sound: Sound, level: int, _random: Random) -> Sound:
    return _at_speed(sound, (0.9, 0.8, 0.67)[level])


def _muffled(sound: Sound, level: int, _random: Random) -> Sound:
    """Without what lies above 3,400, 2,000 or 1,000 hertz; a telephone ends at the first."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / _RATE) > (3400, 2000, 1000)[level]] = 0
    return _whole(np.fft.irfft(spectrum, len(sound)))


def _thin(sound: Sound, level: int, _random: Random) -> Sound:
    """Without what lies below 300, 600 or 1,200 hertz, as through a small speaker."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / _RATE) < (300, 600, 1200)[level]] = 0
    return _whole(np.fft.irfft(spectrum, len(sound)))


def _echo(sound: Sound, level: int, random: Random) -> Sound:
    """In a room whose echo dies away by 60 decibels within .2, .5 or 1 second."""
    seconds = (0.2, 0.5, 1.0)[level]
    times = np.arange(1, round(seconds * _RATE) + 1) / _RATE
    tail = random.normal(size=len(times)) * 10 ** (-3 * times / seconds)
    answer = np.concatenate([[1.0], tail / np.sqrt(np.square(tail).sum()) / 2])
    size = len(sound) + len(answer) - 1
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(answer, size), size)
    return _whole(heard[: len(sound)])


def _cut(sound: Sound, level: int, random: Random) -> Sound:
    """A tenth, a quarter or half of it is lost at one end."""
    lost = round((0.1, 0.25, 0.5)[level] * len(sound))
    kept = sound[lost:] if random.random() < 0.5 else sound[: len(sound) - lost]
    return kept if len(kept) else sound


def _at_speed(sound: Sound, factor: float) -> Sound:
    """Played faster or slower, pitch included."""
    places = np.arange(0, max(len(sound) - 1, 1), factor)
    return _whole(np.interp(places, np.arange(len(sound)), sound))


def _whole(values: NDArray[np.float64]) -> Sound:
    """Within full scale, as a microphone would give it."""
    return np.clip(values, -1, 1).astype(np.float32)


SOUND_PERTURBATIONS: Perturbations[Sound] = Perturbations(
    {
        "noise": _noise,
        "quieter": _quieter,
        "clipped": _clipped,
        "faster": _faster,
        "slower": _slower,
        "muffled": _muffled,
        "thin": _thin,
        "echo": _echo,
        "cut off": _cut,
    }
)
