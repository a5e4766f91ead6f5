"""Recordings made on the spot, of kinds that can be told apart by ear."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

RATE = 16_000
KINDS = ("tone", "chirp", "noise", "clicks")


def made(kind: str, number: int, seconds: float = 0.5) -> np.ndarray:
    """One recording (samples,) of a kind; its number decides pitch, loudness and background."""
    random = np.random.default_rng([KINDS.index(kind), number])
    times = np.arange(round(seconds * RATE)) / RATE
    pitch = random.uniform(300, 900)
    clear = {
        "tone": np.sin(2 * np.pi * pitch * times),
        "chirp": np.sin(2 * np.pi * (pitch + 2000 * times) * times),
        "noise": random.normal(0, 0.4, len(times)),
        "clicks": (np.arange(len(times)) % round(RATE / random.uniform(8, 16)) < 20) * 1.0,
    }[kind]
    loud = random.uniform(0.1, 0.5)
    return np.clip(loud * clear + random.normal(0, 0.004, len(times)), -1, 1).astype(np.float32)


def wav(sound: np.ndarray, path: Path) -> Path:
    """One channel of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def write_recordings(
    root: Path, each: int = 12, kinds: tuple[str, ...] = ("tone", "noise", "clicks")
) -> Path:
    """Class folders of such recordings, of .3 to .7 seconds."""
    for kind in kinds:
        for number in range(each):
            sound = made(kind, number, 0.3 + 0.4 * (number % 5) / 4)
            wav(sound, root / kind / f"{number}.wav")
    return root
