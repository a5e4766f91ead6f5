"""Learning without labels: `python benchmarks/without_labels.py DATA [--quick] [--table]`.

DATA holds `trec` (train.csv, test.csv) and `hymenoptera` (train, val). Each cell is a file of its
own below results/without_labels and is not measured twice; a table of means and differences is
results/without_labels.json, with the cells that are missing.

- self-training: 4, 16 and 64 labels a class, the other training rows without one, five draws, on
  the starters' kept features; the plain probe learns from the same labels.
- pretraining: on all rows but those of the test, photos of 128 pixels, three draws; the probe
  before and after, with 16 labels a class and with all. Of photos, where it took something away,
  also at a tenth of the learning rate.
- distillation: a starter, fine-tuned on all labels, teaches a much faster one (for texts, word
  vectors); beside it that one fine-tuned without a teacher. Photos of 128 pixels, three seeds.

`--quick` leaves out the cells in which a network is trained.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import RESULTS, machine, open_data, write_result
from numpy.typing import NDArray
from scipy import stats

from tl_core.backbones.load import load_backbone
from tl_core.config import ProbeSettings, RunConfig, SelfTrainingSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report import Report
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import read_settings
from tl_core.train.arrays import Features, Ints
from tl_core.train.probe.probing import ProbeTask, Reading
from tl_core.train.unlabelled.pseudo_labels import Trust, self_train

CELLS = RESULTS / "without_labels"
STARTERS = {"trec": "starter:text", "hymenoptera": "starter:image"}
BIG_AND_SMALL = {
    "trec": ("starter:text", "static:starter:text"),
    "hymenoptera": ("starter:image", "starter:image-small"),
}
PIXELS: dict[str, dict[str, object]] = {"hymenoptera": {"input_size": 128}}  # of networks
SIZES, DRAWS, SEEDS = (4, 16, 64), 5, 3
PRETRAINED = ("16", "all")
SLOW, SLOW_RATE = "pretraining slowly", 3e-5


class Few(DatasetVersion):
    """A version of which only so many training rows of each class have a label, drawn by a seed;
    its validation rows are training rows like the others, so that labels are as few as they say.
    """

    def __init__(self, version: DatasetVersion, each: int, seed: int) -> None:
        super().__init__(version.folder)
        self._known, self._places = np.array(version.labels), np.array(version.splits)
        rows = version.rows_of("train", "validation")
        random = np.random.default_rng(seed)
        kept = np.concatenate(
            [
                random.permutation(rows[version.labels[rows] == label])[:each]
                for label in range(len(version.info.labels))
            ]
        )
        hidden = np.setdiff1d(rows, kept)
        self._places[kept], self._places[hidden] = "train", "unlabelled"
        self._known[hidden] = -1

    @property
    def labels(self) -> Ints:
        return self._known

    @property
    def splits(self) -> NDArray[np.str_]:
        return self._places

    @property
    def folds(self) -> Ints:
        return np.full(len(self._known), -1)


class Bench:
    """The versions of both tasks and the starters' features of all their rows."""

    def __init__(self, data: Path, home: Path) -> None:
        self._data, self.home = data, home
        self._versions: dict[str, DatasetVersion] = {}
        self._features: dict[str, tuple[Features, Reading]] = {}
        self._pretrained: dict[str, tuple[Report, float]] = {}

    def version(self, task: str) -> DatasetVersion:
        """The whole of a task; its own test rows are the test."""
        if task not in self._versions:
            source = self._data / task
            if task == "trec":
                source = _one_table(source, self.home / "trec.csv")
            self._versions[task] = open_data(source, self.home / f"v-{task}")
        return self._versions[task]

    def features(self, task: str) -> tuple[Features, Reading]:
        """Of all rows (rows, width), and how they were read."""
        if task not in self._features:
            version = self.version(task)
            names = version.info.labels
            backbone = load_backbone(STARTERS[task], names, read_settings(), seed=0)
            rows = {"all": np.arange(version.info.rows)}
            own = ProbeSettings(precision="float32")
            reading = Reading(own, version, rows, backbone, self.home / "cache")
            self._features[task] = reading.read_all(Progress()), reading
        return self._features[task]

    def pretrained(self, task: str, seed: int, rate: float) -> tuple[Report, str, float]:
        """A starter that has read all rows but those of the test, at this learning rate (0: the
        usual one): the report of the probes before and after with 16 labels a class, the backbone,
        and the seconds it took.
        """
        name = f"pretrain-{task}-{seed}-{rate}"
        if name not in self._pretrained:
            started = time.monotonic()
            few = Few(self.version(task), int(PRETRAINED[0]), seed)
            own = PIXELS.get(task, {})
            report = self.run(
                few, STARTERS[task], "pretrain", name, seed=seed, learning_rate=rate, **own
            )
            self._pretrained[name] = report, time.monotonic() - started
        report, seconds = self._pretrained[name]
        return report, f"local:{self.home / 'runs' / name / 'model'}", seconds

    def run(
        self, version: DatasetVersion, backbone: str, recipe: str, name: str, **options: object
    ) -> Report:
        """A run of a recipe in a folder of its own below the bench's home."""
        folder = self.home / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        config = RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            backbone,
            recipe,
            {"baseline": False, **options},
        )
        config.write(folder)
        return run_recipe(config, version, folder, self.home / "cache", Progress())


def _one_table(source: Path, target: Path) -> Path:
    """TREC's two files as one table with the columns text, label and split."""
    with target.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "split"])
        for split in ("train", "test"):
            with (source / f"{split}.csv").open(newline="", encoding="utf-8") as given:
                writer.writerows([*row[:2], split] for row in list(csv.reader(given))[1:])
    return target


def self_training(bench: Bench, task: str, size: str, seed: int) -> dict[str, float]:
    """Right in the test: the plain probe and the self-trained one, from the same labels."""
    features, reading = bench.features(task)
    version = Few(bench.version(task), int(size), seed)
    started = time.monotonic()
    rows = {
        "train": version.rows_of("train"),
        "validation": version.rows_of("validation"),
        "unlabelled": version.rows_of("unlabelled"),
    }
    task_of = ProbeTask(
        ProbeSettings(precision="float32", repeats=0, seed=seed),
        version,
        rows,
        reading.backbone,
        reading.cache,
        version.labels,
        len(version.info.labels),
    )
    own = {split: features[places] for split, places in rows.items()}
    plain = task_of.fit(own, Progress())
    usual = SelfTrainingSettings()
    trust = Trust(usual.threshold, usual.rounds, usual.balanced)
    taught = self_train(task_of, own, plain, trust, Progress())
    tests = version.rows_of("test")
    shares = {}
    for name, fit in (("plain", plain), ("taught", taught.fit)):
        logits = features[tests] @ fit.weight.T + fit.bias
        said = logits.argmax(axis=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(int)
        shares[name] = float((said == version.labels[tests]).mean())
    kept = taught.rounds[taught.kept]
    return {
        **shares,
        "kept_round": float(taught.kept),
        "pseudo_labels": float(kept.labels.sum()),
        "seconds": time.monotonic() - started,
    }


def pretraining(
    bench: Bench, task: str, size: str, seed: int, rate: float = 0.0
) -> dict[str, float]:
    """Right in the test by the probe before and after the backbone has read all rows but those."""
    report, learnt, seconds = bench.pretrained(task, seed, rate)
    before, after = _beside(report, "the probe of the backbone as it was"), _accuracy(report)
    if size == "all":
        own = {"precision": "float32", "repeats": 0, "seed": seed, **PIXELS.get(task, {})}
        before, after = (
            _accuracy(bench.run(bench.version(task), backbone, "probe", name, **own))
            for backbone, name in (
                (STARTERS[task], f"before-{task}-{seed}-{rate}"),
                (learnt, f"after-{task}-{seed}-{rate}"),
            )
        )
    return {"plain": before, "taught": after, "seconds": seconds}


def distillation(bench: Bench, task: str, size: str, seed: int) -> dict[str, float]:
    """Right in the test: the teacher, the student, and the student without a teacher."""
    version, (big, small) = bench.version(task), BIG_AND_SMALL[task]
    started = time.monotonic()
    name = f"{task}-{size}-{seed}"
    own: dict[str, object] = {"seed": seed, **PIXELS.get(task, {})}
    bench.run(version, big, "finetune", f"teacher-{name}", **own)
    alone = bench.run(version, small, "finetune", f"alone-{name}", **own)
    report = bench.run(
        version,
        small,
        "distillation",
        f"student-{name}",
        teacher=f"local:{bench.home / 'runs' / f'teacher-{name}' / 'model'}",
        **own,
    )
    facts = report["distillation"]
    big_cost, small_cost = facts["teacher_cost"], facts["student_cost"]
    return {
        "teacher": _beside(report, "the teacher"),
        "plain": _accuracy(alone),
        "taught": _accuracy(report),
        "times_faster": small_cost["items_per_second"] / big_cost["items_per_second"],
        "times_smaller": big_cost["bytes"] / small_cost["bytes"],
        "seconds": time.monotonic() - started,
    }


def _accuracy(report: Report) -> float:
    section = report["test"]
    if section is None:
        raise ValueError("The test score is closed.")
    return section["accuracy"]["value"]


def _beside(report: Report, name: str) -> float:
    return report["beside"][name]["accuracy"]["value"]


Cell = Callable[[Bench, str, str, int], dict[str, float]]
KINDS: dict[str, tuple[Cell, tuple[str, ...], int]] = {
    "self-training": (self_training, tuple(map(str, SIZES)), DRAWS),
    "distillation": (distillation, ("all",), SEEDS),
    "pretraining": (pretraining, PRETRAINED, SEEDS),  # which takes longest
    SLOW: (partial(pretraining, rate=SLOW_RATE), PRETRAINED, SEEDS),
}


def summary(cells: list[dict[str, float]]) -> dict[str, object]:
    """Means of the cells of a row, and what the method gains on the plain way in points, with the
    95 % interval of Student's t over the draws.
    """
    means = {key: round(float(np.mean([one[key] for one in cells])), 4) for key in cells[0]}
    gains = [100 * (one["taught"] - one["plain"]) for one in cells]
    found: dict[str, object] = {"draws": len(cells), **means, "gain": round(np.mean(gains), 2)}
    if len(gains) > 1:
        half = stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
        found |= {
            "low": round(float(np.mean(gains) - half), 2),
            "high": round(float(np.mean(gains) + half), 2),
        }
    return found


def _path(kind: str, task: str, size: str, seed: int) -> Path:
    """Where a cell is kept."""
    return CELLS / f"{kind.replace(' ', '-')}-{task}-{size}-{seed}.json"


def _measure(bench: Bench, rows: list[tuple[str, str, str]], *, quick: bool) -> None:
    """All cells that are missing, seed by seed, so that a whole table of one seed comes first."""
    for seed in range(max(draws for _, _, draws in KINDS.values())):
        for kind, task, size in rows:
            measure, _, draws = KINDS[kind]
            path = _path(kind, task, size, seed)
            if seed >= draws or path.exists() or (quick and kind != "self-training"):
                continue
            path.write_text(json.dumps(measure(bench, task, size, seed)) + "\n")
            print(path.stem, flush=True)


def main(data: Path, *, quick: bool, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    rows = [
        (kind, task, size)
        for kind, (_, sizes, _) in KINDS.items()
        for task in STARTERS
        if kind != SLOW or task == "hymenoptera"
        for size in sizes
    ]
    if not only_table:
        with tempfile.TemporaryDirectory() as place:
            _measure(Bench(data, Path(place)), rows, quick=quick)
    table: dict[str, object] = {}
    missing: list[str] = []
    for kind, task, size in rows:
        paths = [_path(kind, task, size, seed) for seed in range(KINDS[kind][2])]
        missing += [path.stem for path in paths if not path.exists()]
        cells = [json.loads(path.read_text()) for path in paths if path.exists()]
        if cells:
            table[f"{kind}|{task}|{size}"] = summary(cells)
    write_result("without_labels", {"machine": machine(), "rows": table, "missing": missing})


if __name__ == "__main__":
    quiet_libraries()
    main(
        Path(next(word for word in sys.argv[1:] if not word.startswith("--"))).resolve(),
        quick="--quick" in sys.argv,
        only_table="--table" in sys.argv,
    )
