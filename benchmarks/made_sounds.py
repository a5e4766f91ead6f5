"""Which starter for sounds that are no speech? `python benchmarks/made_sounds.py`.

Ten kinds of sounds are computed: steady, sliding, warbling and beating tones, hums, clicks, bursts
and colours of noise, at any pitch from 150 to 6,000 hertz, in a background of noise that is nearly
as loud. Twelve of each are learnt from, as many choose, forty are the test; a baseline of cepstral
coefficients and a probe on each starter, over three draws.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import machine, open_data, write_result
from numpy.typing import NDArray

from tl_core.config import RunConfig
from tl_core.export.exported_sounds import wav_of
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe

RATE, DRAWS = 16_000, 3
SPLITS = {"train": 12, "validation": 12, "test": 40}
Random = np.random.Generator
Wave = NDArray[np.float64]


def _turning(pitch: Wave | float, times: Wave) -> Wave:
    """A tone whose pitch in hertz changes over time."""
    return np.sin(2 * np.pi * np.cumsum(np.broadcast_to(pitch, times.shape)) / RATE)


def _coloured(random: Random, count: int, slope: float) -> Wave:
    """Noise whose power falls with pitch by that exponent."""
    spectrum = np.fft.rfft(random.normal(size=count))
    pitch = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    values = np.fft.irfft(spectrum * pitch ** (-slope / 2), count)
    return values / np.abs(values).max()


def _pitch(random: Random, high: float = 6000.0) -> float:
    return float(np.exp(random.uniform(np.log(150), np.log(high))))


def _slide(random: Random, times: Wave, up: bool) -> Wave:
    low, high = sorted((_pitch(random), _pitch(random)))
    way = times / times[-1]
    return _turning(low + (max(high, 1.5 * low) - low) * (way if up else 1 - way), times)


KINDS: dict[str, Callable[[Random, Wave], Wave]] = {
    "steady": lambda random, times: _turning(_pitch(random), times),
    "rising": lambda random, times: _slide(random, times, True),
    "falling": lambda random, times: _slide(random, times, False),
    "warbling": lambda random, times: _turning(
        _pitch(random) * (1 + 0.15 * np.sin(2 * np.pi * random.uniform(4, 9) * times)), times
    ),
    "beating": lambda random, times: (
        _turning(_pitch(random), times) * np.sin(np.pi * random.uniform(4, 12) * times)
    ),
    "hum": lambda random, times: np.mean(
        [_turning(number * _pitch(random, 400), times) for number in (1, 2, 3, 5)], axis=0
    ),
    "clicks": lambda random, times: (
        (np.arange(len(times)) % round(RATE / random.uniform(4, 20)) < 40) * 1.0
    ),
    "bursts": lambda random, times: (
        random.normal(0, 0.4, len(times))
        * (np.sin(2 * np.pi * random.uniform(1, 4) * times + random.uniform(0, 6)) > 0.3)
    ),
    "hiss": lambda random, times: _coloured(random, len(times), random.uniform(-1.0, -0.3)),
    "rumble": lambda random, times: _coloured(random, len(times), random.uniform(1.5, 2.5)),
}


def write(folder: Path, seed: int) -> Path:
    """Folders of splits and kinds."""
    random = np.random.default_rng(seed)
    for split, count in SPLITS.items():
        for kind, make in KINDS.items():
            (folder / split / kind).mkdir(parents=True)
            for number in range(count):
                times = np.arange(round(random.uniform(0.5, 2.0) * RATE)) / RATE
                clear = make(random, times)
                clear = clear / np.sqrt(np.mean(clear**2) + 1e-12)
                behind = _coloured(random, len(times), random.uniform(0, 1))
                behind = behind / np.sqrt(np.mean(behind**2)) * 10 ** (-random.uniform(2, 12) / 20)
                sound = (clear + behind) / np.abs(clear + behind).max() * random.uniform(0.1, 0.9)
                path = folder / split / kind / f"{kind}-{number:02}.wav"
                path.write_bytes(wav_of(sound.astype(np.float32)))
    return folder


def main() -> None:
    """Every way on every draw."""
    ways = {
        "mfcc": ("", "baseline", {}),
        "probe, starter:audio": ("starter:audio", "probe", {"baseline": False, "repeats": 0}),
        "probe, starter:speech": ("starter:speech", "probe", {"baseline": False, "repeats": 0}),
    }
    scores: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(DRAWS):
        with tempfile.TemporaryDirectory() as place:
            home = Path(place)
            version = open_data(write(home / "s", seed), home / "v")
            for name, (backbone, recipe, options) in ways.items():
                folder = Path(tempfile.mkdtemp(dir=home))
                config = RunConfig(
                    "train", "local", "d@1", str(version.folder), backbone, recipe, dict(options)
                )
                report = run_recipe(config, version, folder, home / "cache", Progress())
                scores[name].append(round(report["test"]["accuracy"]["value"], 4))
                print(seed, name, scores[name][-1], flush=True)
    ways_shown = {
        name: {"accuracy": round(float(np.mean(values)), 4), "draws": values}
        for name, values in scores.items()
    }
    write_result(
        "made_sounds",
        {"machine": machine(), "kinds": len(KINDS), "test_items": 400, "ways": ways_shown},
    )


if __name__ == "__main__":
    quiet_libraries()
    main()
