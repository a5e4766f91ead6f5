"""Recordings made on the spot: vowels spoken by somebody with a pitch and a throat of their own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
FORMANTS = {"a": (800, 1200), "i": (300, 2300), "u": (350, 800), "e": (500, 1900)}


def encoded(samples, rate=RATE, format="WAV", subtype=None):
    """The bytes of a file with these samples, (samples,) or (samples, channels)."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format, subtype=subtype)
    return buffer.getvalue()


def tone(frequency=440.0, seconds=0.5, rate=RATE, level=0.5):
    """A pure tone."""
    return level * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def vowel(name, pitch=120.0, take=0, rate=RATE, seconds=0.4, around=0.1):
    """One take of a vowel: harmonics of a voice that wavers, formed by a throat, with silence
    before and after; no two takes are alike.
    """
    random = np.random.default_rng([take, int(pitch), sum(map(ord, name))])
    length = seconds * random.uniform(0.8, 1.25)
    times = np.arange(int(length * rate)) / rate
    drift = np.interp(times, np.linspace(0, length, 6), random.normal(0, 0.03, 6))
    phase = 2 * np.pi * np.cumsum(pitch * random.uniform(0.92, 1.08) * (1 + drift)) / rate
    first, second = (one * random.uniform(0.95, 1.05) for one in FORMANTS[name])
    sound = np.zeros(len(times))
    for harmonic in range(1, int(0.45 * rate / pitch)):
        at = harmonic * pitch
        strength = 1 / (1 + ((at - first) / 120) ** 2) + 0.7 / (1 + ((at - second) / 160) ** 2)
        sound += (strength + 0.01) * np.sin(harmonic * phase + random.uniform(0, 2 * np.pi))
    sound *= np.hanning(len(sound)) ** random.uniform(0.4, 0.9)
    silence = np.zeros(int(around * rate))
    whole = np.concatenate([silence, 0.5 * sound / np.abs(sound).max(), silence])
    return whole + random.normal(0, 1e-4, len(whole))


def write(path: Path, samples, rate=RATE, subtype=None):
    """One file in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def write_vowels(root: Path, speakers=("anna", "bert", "carl", "dora"), takes=4, vowels="aiu"):
    """Class folders of vowels, `a_anna_0.wav`, each speaker with a pitch."""
    for number, speaker in enumerate(speakers):
        for name in vowels:
            for take in range(takes):
                file = root / name / f"{name}_{speaker}_{take}.wav"
                write(file, vowel(name, 100 + 30 * number, take))
    return root
