"""Variations of training sounds: where they begin, how fast and loud they are, noise, and silenced
stretches of time and of pitch (SpecAugment, Park et al., 2019), all drawn on the sound itself, so
that they serve networks of waves and of spectrograms alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.data.sounds.decoding import RATE, Sound
from tl_core.data.sounds.spectrogram import hertz, mel


@dataclass(frozen=True)
class Variation:
    """How far sounds vary.

    Args:
        shift: most seconds of silence that are put before one.
        speed: largest change of its speed, pitch included, as a share.
        gain: largest change of its loudness in decibels.
        noise: chance of noise, between 10 and 40 decibels below the sound.
        time: largest share of its length that is silenced.
        band: largest share of the mel scale that is silenced.
        masks: how many stretches of each are.
    """

    shift: float
    speed: float
    gain: float
    noise: float
    time: float
    band: float
    masks: int = 1


VARIATIONS: dict[str, Variation | None] = {
    "none": None,
    "light": Variation(0.05, 0.05, 3.0, 0.1, 0.1, 0.1),
    "standard": Variation(0.1, 0.1, 6.0, 0.3, 0.15, 0.2),
    "strong": Variation(0.2, 0.15, 9.0, 0.5, 0.2, 0.25, 2),
    # sounds are never turned round; what matters in time stays in its place
    "orientation matters": Variation(0.0, 0.0, 6.0, 0.3, 0.0, 0.2),
    # the colour of a sound is its pitch and timbre
    "colour matters": Variation(0.1, 0.0, 6.0, 0.3, 0.15, 0.0),
}


def vary(sound: Sound, variation: Variation, longest: int, draw: np.random.Generator) -> Sound:
    """A sound (samples,) as a training hears it once: at most `longest` samples, another part of a
    longer one each time.
    """
    if len(sound) > longest:
        start = int(draw.integers(0, len(sound) - longest + 1))
        sound = sound[start : start + longest]
    sound = _faster(sound, draw.uniform(1 - variation.speed, 1 + variation.speed))
    sound = np.pad(sound, (int(draw.uniform(0, variation.shift) * RATE), 0))[:longest]
    for _ in range(variation.masks):
        sound = without_band(sound, *_stretch(variation.band, draw))
    for _ in range(variation.masks):
        sound = without_time(sound, *_stretch(variation.time, draw))
    sound = sound * np.float32(10 ** (draw.uniform(-variation.gain, variation.gain) / 20))
    if draw.random() < variation.noise:
        sound = with_noise(sound, draw.uniform(10, 40), draw)
    return sound.astype(np.float32, copy=False)


def _stretch(most: float, draw: np.random.Generator) -> tuple[float, float]:
    """Where a silenced stretch begins and ends, as shares of the whole."""
    size = draw.uniform(0, most)
    start = draw.uniform(0, 1 - size)
    return start, start + size


def _faster(sound: Sound, factor: float) -> Sound:
    if factor == 1 or len(sound) < 2:
        return sound
    places = np.arange(0, len(sound) - 1, factor)
    return np.asarray(np.interp(places, np.arange(len(sound)), sound), np.float32)


def without_time(sound: Sound, start: float, end: float) -> Sound:
    """A sound silenced between two places, shares of its length."""
    first, last = round(start * len(sound)), round(end * len(sound))
    if first == last:
        return sound
    silenced = sound.copy()
    silenced[first:last] = 0
    return silenced


def without_band(sound: Sound, start: float, end: float) -> Sound:
    """A sound without the pitches between two places, shares of the mel scale up to half the
    rate.
    """
    if start == end or not len(sound):
        return sound
    low, high = hertz(np.array([start, end]) * mel(RATE / 2))
    spectrum = np.fft.rfft(sound)
    pitches = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(pitches >= low) & (pitches < high)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def with_noise(sound: Sound, below: float, draw: np.random.Generator) -> Sound:
    """A sound with white noise that is so many decibels weaker than its mean power."""
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    scale = np.sqrt(power * 10 ** (-below / 10))
    return sound + draw.normal(0, scale, len(sound)).astype(np.float32)


def cut_in(sound: Sound, other: Sound, share: float, start: float) -> Sound:
    """A sound in which a stretch of that share of its length is another's.

    Args:
        sound: (samples,).
        other: its part at the same place; silence beyond its end.
        share: of the length of `sound`.
        start: where the stretch begins, as a share of the places where it fits.
    """
    size = round(share * len(sound))
    first = round(start * (len(sound) - size))
    changed = sound.copy()
    part = other[first : first + size]
    changed[first : first + size] = 0
    changed[first : first + len(part)] = part
    return changed
