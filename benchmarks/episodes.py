"""Fast adaptation over held-out classes: `benchmarks/episodes.py DATA [--only BANK] [--table]`.

DATA holds `trec` and `emotions` (texts), `pacs` (photos, a folder a domain) and `spoken_digits`.
Episodes need many classes, so pacs gives each class in each domain (24) and the digits each digit
of each speaker (50); a class that is held out is so in all domains, and a digit for all speakers.
Of the emotions the comments with exactly one are taken. Five seeds each draw other classes to learn
from, to choose by and to judge by; a bank and a seed is a file of its own below results/episodes
and is not measured twice. The table is results/episodes.json, and is written by episodes_table.py.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from common import RESULTS, machine, open_data, write_result
from scipy import stats

from tl_core.backbones.load import load_backbone
from tl_core.config import ProbeSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.settings import read_settings
from tl_core.train.episodes.learners import Anil, EpisodeReading, Maml, Prototypes
from tl_core.train.episodes.meta_training import (
    OuterLoop,
    accuracies,
    choose_penalty,
    meta_train,
    probe_accuracies,
)
from tl_core.train.episodes.sampling import ClassSet, EpisodeShape, Parts, draw_many
from tl_core.train.probe.probing import Reading

CELLS = RESULTS / "episodes"
SEEDS, JUDGED = 5, 200
SHAPE = EpisodeShape(ways=5, shots=5, queries=10)
LINEAR_STEPS, MAML_STEPS, RATE, INNER, HIDDEN = 300, 150, 1e-3, 5, 256
MOST = 60  # rows of a class; more make no episode harder or easier
HELD, CHOSEN = 0.3, 0.2  # shares of the names that are held out, and that choose


@dataclass(frozen=True)
class Named:
    """A dataset with a class for each row: its name, and the name that is held out as a whole."""

    version: DatasetVersion
    classes: list[str]
    held_by: Callable[[str], str]


@dataclass(frozen=True)
class Bank:
    """Where episodes come from: the starter, and the datasets below DATA."""

    starter: str
    open: Callable[[Path, Path], list[Named]]


def whole(name: str) -> str:
    """A class is held out by itself."""
    return name


def texts(data: Path, home: Path) -> list[Named]:
    """TREC's six classes, and the emotions of the comments that have exactly one."""
    with (data / "emotions" / "train.csv").open(encoding="utf-8") as source:
        rows = [row for row in csv.DictReader(source) if "|" not in row["emotions"]]
    with (home / "emotions.csv").open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["text", "label"])
        writer.writerows([row["text"], row["emotions"]] for row in rows)
    found = []
    for source in (data / "trec" / "train.csv", home / "emotions.csv"):
        version = open_data(source, home / source.parent.name / source.stem)
        names = version.label_names(np.arange(len(version.labels)))
        found.append(Named(version, names, whole))
    return found


def photos(data: Path, home: Path) -> list[Named]:
    """Each class in each domain is a class of its own; all domains are one dataset."""
    root = home / "pacs"
    root.mkdir()
    for path in sorted((data / "pacs").glob("*/*/*")):
        folder = root / f"{path.parts[-3]}~{path.parts[-2]}"
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder / path.name)
    version = open_data(root, home / "photos")
    names = version.label_names(np.arange(len(version.labels)))
    return [Named(version, names, lambda name: name.partition("~")[2])]


def digits(data: Path, home: Path) -> list[Named]:
    """Each digit of each speaker is a class of its own."""
    version = open_data(data / "spoken_digits", home / "digits")
    everything = np.arange(len(version.labels))
    speakers = [Path(name).stem.split("_")[1] for name in version.names(everything)]
    names = [
        f"{digit}~{speaker}" if digit else ""
        for digit, speaker in zip(version.label_names(everything), speakers, strict=True)
    ]
    return [Named(version, names, lambda name: name.partition("~")[0])]


BANKS = {
    "texts": Bank("starter:text", texts),
    "photos": Bank("starter:image", photos),
    "digits": Bank("starter:audio", digits),
}


def read(bank: Bank, data: Path, home: Path) -> list[tuple[ClassSet, list[str], list[str]]]:
    """Features of each dataset of a bank, with the names of its classes and what holds them out."""
    found = []
    backbone = load_backbone(bank.starter, ["one", "other"], read_settings())
    for one in bank.open(data, home):
        random, names = np.random.default_rng(0), sorted(set(one.classes) - {""})
        numbers = np.array([names.index(name) if name else -1 for name in one.classes])
        living = np.asarray(one.version.splits) != "removed"
        rows = np.sort(
            np.concatenate(
                [
                    random.permutation(np.flatnonzero((numbers == number) & living))[:MOST]
                    for number in range(len(names))
                ]
            )
        )
        reading = Reading(
            ProbeSettings(),
            one.version,
            {"all": rows},
            backbone,
            read_settings().home_path / "bench",
        )
        features = reading.read_all(Progress())
        source = ClassSet.of(one.version.folder.name, features, numbers[rows], 2 * SHAPE.shots)
        found.append((source, names, [one.held_by(name) for name in names]))
    return found


def split(sets: list[tuple[ClassSet, list[str], list[str]]], seed: int) -> Parts:
    """Parts that share no name that is held out as a whole, such as a digit for all speakers."""
    parts = Parts([], [], [])
    for source, _names, held_by in sets:
        random = np.random.default_rng(seed)
        whole_names = sorted({held_by[number] for number in source.classes})
        order = random.permutation(whole_names).tolist()
        held = max(1, round(HELD * len(order)))
        chosen = max(1, round(CHOSEN * len(order)))
        for part, some in (
            (parts.judge, order[:held]),
            (parts.choose, order[held : held + chosen]),
            (parts.learn, order[held + chosen :]),
        ):
            classes = tuple(number for number in source.classes if held_by[number] in some)
            if len(classes) > 1:
                part.append(ClassSet(source.name, source.features, source.labels, classes))
    return parts


def measure(parts: Parts, seed: int) -> dict[str, object]:
    """Accuracy on each held-out episode of every method, and seconds of learning."""
    reading = EpisodeReading.of(parts.learn)
    episodes = draw_many(parts.judge, SHAPE, JUDGED, seed + 100)
    c = choose_penalty(parts, SHAPE, ProbeSettings().c_values, seed)
    found: dict[str, list[float]] = {"probe": probe_accuracies(episodes, c, seed).tolist()}
    seconds = {"probe": 0.0}
    makers = {
        "class means": lambda: Prototypes(reading.width),
        "prototypes": lambda: Prototypes(reading.width),
        "ANIL": lambda: Anil(reading.width, INNER),
        "first-order MAML": lambda: Maml(reading.width, HIDDEN, INNER, first_order=True),
        "MAML": lambda: Maml(reading.width, HIDDEN, INNER, first_order=False),
    }
    for name, make in makers.items():
        torch.manual_seed(seed)
        learner, began = make(), time.perf_counter()
        steps = 0 if name == "class means" else MAML_STEPS if "MAML" in name else LINEAR_STEPS
        meta_train(learner, reading, parts, OuterLoop(SHAPE, steps, RATE, seed), Progress())
        seconds[name] = time.perf_counter() - began
        found[name] = accuracies(learner, reading, episodes).tolist()
    return {
        "accuracy": found,
        "seconds": seconds,
        "c": c,
        "ways": float(np.mean([one.ways for one in episodes])),
        "classes": [
            sum(len(one.classes) for one in part)
            for part in (parts.learn, parts.choose, parts.judge)
        ],
    }


def cell_path(bank: str, seed: int) -> Path:
    return CELLS / f"{bank}-s{seed}.json"


def run(data: Path, banks: dict[str, Bank], seeds: int) -> None:
    """Every cell that is not there yet."""
    CELLS.mkdir(parents=True, exist_ok=True)
    for name, bank in banks.items():
        missing = [seed for seed in range(seeds) if not cell_path(name, seed).exists()]
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as home:
            sets = read(bank, data, Path(home))
            for seed in missing:
                content = measure(split(sets, seed), seed)
                half = cell_path(name, seed).with_suffix(".part")
                half.write_text(json.dumps(content) + "\n")
                half.replace(cell_path(name, seed))
                print(
                    name,
                    seed,
                    {
                        key: round(float(np.mean(value)), 3)
                        for key, value in content["accuracy"].items()
                    },
                    flush=True,
                )


def over_seeds(values: list[float]) -> dict[str, float]:
    """Mean over seeds, each with other held-out classes, and its 95 % interval (Student's t)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"value": mean, "low": mean, "high": mean}
    spread = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return {"value": mean, "low": float(mean - spread), "high": float(mean + spread)}


def table(banks: dict[str, Bank], seeds: int) -> dict[str, object]:
    """The figures of all cells that are there, and the names of those that are not."""
    content: dict[str, object] = {
        "machine": machine(),
        "ways": SHAPE.ways,
        "shots": SHAPE.shots,
        "episodes": JUDGED,
        "missing": [
            f"{name}-s{seed}"
            for name in banks
            for seed in range(seeds)
            if not cell_path(name, seed).exists()
        ],
    }
    found = {}
    for name, bank in banks.items():
        cells = [
            json.loads(cell_path(name, seed).read_text())
            for seed in range(seeds)
            if cell_path(name, seed).exists()
        ]
        if not cells:
            continue
        means = {
            method: [float(np.mean(cell["accuracy"][method])) for cell in cells]
            for method in cells[0]["accuracy"]
        }
        found[name] = {
            "starter": bank.starter,
            "classes": cells[0]["classes"],
            "seeds": len(cells),
            "ways": float(np.mean([cell["ways"] for cell in cells])),
            "methods": {
                method: {
                    "accuracy": over_seeds(values),
                    "against_probe": over_seeds(
                        [own - probe for own, probe in zip(values, means["probe"], strict=True)]
                    ),
                    "seconds": float(np.median([cell["seconds"][method] for cell in cells])),
                }
                for method, values in means.items()
            },
        }
    content["banks"] = found
    return content


def main(data: Path, *, only: str = "", only_table: bool = False) -> None:
    """Measure what is missing, and write the table of what is there."""
    quiet_libraries()
    if not only_table:
        run(data, {name: bank for name, bank in BANKS.items() if only in ("", name)}, SEEDS)
    write_result("episodes", table(BANKS, SEEDS))


if __name__ == "__main__":
    words = sys.argv[1:]
    wanted = words[words.index("--only") + 1] if "--only" in words else ""
    main(Path(words[0]), only=wanted, only_table="--table" in words)
