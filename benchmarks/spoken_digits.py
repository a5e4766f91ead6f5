"""Spoken digits by people who were never heard: `benchmarks/spoken_digits.py DATA [--table]`.

DATA holds a folder for each digit with files called digit_speaker_take.wav (Free Spoken Digit
Dataset). Each speaker is the test once. Of the other four one chooses settings and epochs, three
are learnt from; for each speaker who is the test that is another one. What a split by takes, which
puts every speaker on both sides, would have claimed stands beside it. Each cell is a file of its
own below results/spoken_digits and is not measured twice; the table is results/spoken_digits.json.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
from common import RESULTS, machine, open_data, write_result
from scipy import stats

from tl_core.config import RunConfig
from tl_core.evaluate.compare import exact_mcnemar
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe

CELLS = RESULTS / "spoken_digits"
PROBE = {"selection": "validation", "repeats": 0, "baseline": False}
TUNED = {"baseline": False, "batch_size": 32, "epochs": 3.0}


@dataclass(frozen=True)
class Way:
    """One way to learn: a backbone, a recipe, and the settings of which the validation speaker
    chooses one.
    """

    backbone: str
    recipe: str
    options: tuple[dict[str, object], ...]


def _tuned(strategy: str, *rates: float) -> tuple[dict[str, object], ...]:
    return tuple({**TUNED, "strategy": strategy, "learning_rate": rate} for rate in rates)


WAYS = {
    "mfcc": Way("", "baseline", ({"c": 1.0}, {"c": 0.1})),
    "probe, starter:speech": Way("starter:speech", "probe", (PROBE,)),
    "fine-tuned, starter:speech": Way("starter:speech", "finetune", _tuned("lpft", 0.0)),
    "scratch, starter:speech": Way("starter:speech", "finetune", _tuned("scratch", 0.0)),
    "probe, starter:audio": Way("starter:audio", "probe", (PROBE,)),
}
CLAIMED = ("mfcc", "probe, starter:speech", "fine-tuned, starter:speech")  # by takes as well
BEST = "fine-tuned, starter:speech"


class Cell(TypedDict):
    """One training: `right` is a row of 0 and 1, by test file in the order of their names."""

    validation: float
    validation_loss: float
    accuracy: float
    right: str
    seconds: float


def speakers_of(data: Path) -> list[str]:
    """Who is heard, in the order of their names."""
    return sorted({path.stem.split("_")[1] for path in data.rglob("*.wav")})


def by_speaker(data: Path, speaker: str) -> dict[Path, str]:
    """Which split each file belongs to when `speaker` is the test; the next one chooses."""
    everybody = speakers_of(data)
    chooses = everybody[(everybody.index(speaker) + 1) % len(everybody)]
    named = {speaker: "test", chooses: "validation"}
    return {path: named.get(path.stem.split("_")[1], "train") for path in files_of(data)}


def by_takes(data: Path, number: int) -> dict[Path, str]:
    """The same by takes: a fifth of the files is the test, another one chooses."""
    files = files_of(data)
    order = np.random.default_rng(0).permutation(len(files))
    parts = np.array_split(order, 5)
    split = np.full(len(files), "train", dtype=object)
    split[parts[number]] = "test"
    split[parts[(number + 1) % 5]] = "validation"
    return dict(zip(files, split.tolist(), strict=True))


def files_of(data: Path) -> list[Path]:
    """All recordings, in the order of their names."""
    return sorted(data.rglob("*.wav"))


def lay_out(splits: dict[Path, str], folder: Path) -> Path:
    """Folders of splits and classes with links to the files."""
    for path, split in splits.items():
        place = folder / split / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        os.link(path, place / path.name) if _same_disk(path, place) else (
            place / path.name
        ).write_bytes(path.read_bytes())
    return folder


def _same_disk(path: Path, folder: Path) -> bool:
    return path.stat().st_dev == folder.stat().st_dev


def train(version, way: Way, options: dict[str, object], home: Path) -> Cell:  # noqa: ANN001
    """One training, judged on the speaker that chooses and on the one that is the test."""
    folder = Path(tempfile.mkdtemp(dir=home))
    started = time.monotonic()
    report = run_recipe(
        RunConfig(
            "train", "local", "d@1", str(version.folder), way.backbone, way.recipe, dict(options)
        ),
        version,
        folder,
        home / "cache",
        Progress(),
    )
    seconds = time.monotonic() - started
    answers = pd.read_csv(folder / "predictions.csv", dtype=str)
    right = (answers.true == answers.label).tolist()
    judged = report["validation"]
    return {
        "validation": round(judged["accuracy"]["value"], 4),
        "validation_loss": round(judged["log_loss"]["value"], 4),
        "accuracy": round(float(np.mean(right)), 4),
        "right": "".join("01"[one] for one in right),
        "seconds": round(seconds, 1),
    }


def measure(name: str, splits: dict[Path, str], place: str) -> list[Cell]:
    """A way with each of its settings on one split, as far as it is not there yet."""
    way = WAYS[name]
    slug = "".join(sign if sign.isalnum() else "-" for sign in name)
    paths = [CELLS / f"{place}-{slug}-{number}.json" for number in range(len(way.options))]
    if all(path.exists() for path in paths):
        return [json.loads(path.read_text()) for path in paths]
    with tempfile.TemporaryDirectory() as home:
        version = open_data(lay_out(splits, Path(home) / "sounds"), Path(home) / "v")
        for path, options in zip(paths, way.options, strict=True):
            if not path.exists():
                path.write_text(json.dumps(train(version, way, options, Path(home))) + "\n")
                print(path.stem, path.read_text()[:90], flush=True)
    return [json.loads(path.read_text()) for path in paths]


def chosen(cells: list[Cell]) -> Cell:
    """The one that the validation speaker likes best."""
    return min(cells, key=lambda cell: cell["validation_loss"])


def summary(cells: dict[str, Cell]) -> dict[str, object]:
    """Mean over speakers with the interval of Student's t over them, and each speaker's own."""
    values = np.array([cell["accuracy"] for cell in cells.values()])
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return {
        "accuracy": round(float(values.mean()), 4),
        "low": round(float(max(0.0, values.mean() - half)), 4),
        "high": round(float(min(1.0, values.mean() + half)), 4),
        "by_speaker": {name: cell["accuracy"] for name, cell in cells.items()},
        "seconds": round(float(np.mean([cell["seconds"] for cell in cells.values()])), 1),
    }


def main(data: Path, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    speakers, table, kept = speakers_of(data), {}, {}
    for name in WAYS:
        cells = {}
        for speaker in speakers:
            if only_table and not list(CELLS.glob(f"{speaker}-*")):
                continue
            cells[speaker] = chosen(measure(name, by_speaker(data, speaker), speaker))
        kept[name] = cells
        table[name] = summary(cells)
    for name in CLAIMED:
        takes = {
            str(number): chosen(measure(name, by_takes(data, number), f"takes{number}"))
            for number in range(5 if name != BEST else 1)
        }
        table[name]["claimed_by_takes"] = round(
            float(np.mean([cell["accuracy"] for cell in takes.values()])), 4
        )
    base, best = (
        np.array([one == "1" for cell in kept[name].values() for one in cell["right"]])
        for name in ("mfcc", BEST)
    )
    write_result(
        "spoken_digits",
        {
            "machine": machine(),
            "clips": len(files_of(data)),
            "speakers": speakers,
            "ways": table,
            "p_best_against_mfcc": float(exact_mcnemar(best, base)[2]),
        },
    )


if __name__ == "__main__":
    quiet_libraries()
    main(Path(sys.argv[1]).resolve(), only_table="--table" in sys.argv)
