"""Does it pay to choose what is labelled? `python benchmarks/labelling.py DATA [--table]`.

DATA holds `trec` and `emotions` (train.csv, test.csv) and `hymenoptera` (class folders in train and
val); the customer messages come with the program. A labelling is simulated from nothing: rounds of
a batch, chosen by the program itself with its random share, answered by the known classes; after
each a probe on the labels so far is judged on test rows that no strategy sees: by the share of
right answers, or where an item may have several labels by mean average precision. Five seeds draw
five pools. Each cell (data, strategy, seed) is a file below results/labelling and is not measured
twice; `--table` measures nothing. The summary is results/labelling.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, machine, open_data, write_result
from scipy import stats
from sklearn.metrics import average_precision_score

from tl_core.backbones.load import load_backbone
from tl_core.config import ProbeSettings
from tl_core.config.specs import ProposeSpec
from tl_core.data.label_sets import said_of
from tl_core.data.labelling.rounds import History, Round
from tl_core.data.sources.samples import sample_source
from tl_core.data.versions.store import DatasetVersion
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes.analyses.label_scores import Labels, honest_score
from tl_core.recipes.analyses.label_state import State, labels_among
from tl_core.recipes.analyses.next_labels import Seen, chosen, settled
from tl_core.settings import read_settings
from tl_core.tasks import Decision
from tl_core.train.arrays import Bools, Features, Floats, Ints, same
from tl_core.train.probe.linear_probe import fit_and_judge
from tl_core.train.probe.logistic import Head
from tl_core.train.probe.probing import Reading

CELLS = RESULTS / "labelling"
SEEDS = 5
MOST, SHARE = 1875, 0.8  # rows that are read, and the share of them that is a pool
STRATEGIES = ("random", "typical", "margin", "entropy", "diversity", "auto")
JUDGED = ("random", "margin")  # whose honest score is compared with the truth
Cell = tuple[str, str, int]


@dataclass(frozen=True)
class Task:
    """A data set, its backbone, and how it is labelled."""

    source: str
    backbone: str
    batch: int
    rounds: int


TASKS = {
    "hymenoptera": Task("hymenoptera", "starter:image", 10, 6),
    "messages": Task("sample:messages", "starter:text", 20, 6),
    "trec": Task("trec", "starter:text", 30, 6),
    "emotions": Task("emotions", "starter:text", 60, 6),
}


@dataclass(frozen=True)
class Known:
    """Everything about one data set: features and classes of the rows to be labelled and of the
    test rows, (rows,) or where an item may have several (rows, classes).
    """

    task: str
    names: list[str]
    pool: Features
    truth: Ints
    groups: Ints
    test: Features
    answers: Ints


def read(task: Task, data: Path, home: Path) -> Known:
    """The data set with all features."""
    kind, _, name = task.source.partition(":")
    source = sample_source(name, home) if kind == "sample" else data / task.source
    version = open_data(source, home / "version")
    learnt = version.rows_of("train", "validation")
    learnt = np.sort(np.random.default_rng(0).permutation(learnt)[:MOST])
    rows = {"pool": learnt, "test": version.rows_of("test")}
    features = _features(task, version, rows, home)
    cut = len(rows["pool"])
    targets = version.sets.targets(version.labels)
    return Known(
        version.info.task,
        version.info.labels,
        features[:cut],
        targets[rows["pool"]],
        version.groups[rows["pool"]],
        features[cut:],
        targets[rows["test"]],
    )


def score(known: Known, said: Floats) -> float:
    """Share of the test rows that are right, or mean average precision over the labels that occur
    among them; `said` are probabilities (rows, classes).
    """
    if known.answers.ndim == 1:
        return float((said.argmax(axis=1) == known.answers).mean())
    occur = known.answers.any(axis=0)
    return float(average_precision_score(known.answers[:, occur], said[:, occur], average="macro"))


def _features(task: Task, version: DatasetVersion, rows: dict[str, Ints], home: Path) -> Features:
    backbone = load_backbone(task.backbone, ["one", "another"], read_settings())
    reading = Reading(ProbeSettings(), version, rows, backbone, home / "cache")
    return reading.read_all(Progress())


def simulate(known: Known, task: Task, strategy: str, seed: int) -> list[dict[str, Any]]:
    """Each round: labels, accuracy on test rows, and where it is compared the honest score beside
    the accuracy on all rows of the pool, which it is to tell.
    """
    random = np.random.default_rng(seed)
    count = int(SHARE * len(known.pool))
    rows = np.sort(random.choice(len(known.pool), count, replace=False)).astype(np.int64)
    features, groups = known.pool[rows], known.groups[rows]
    spec = ProposeSpec(strategy=strategy, batch=task.batch, seed=seed)
    everything = np.concatenate([features, known.test])
    given: dict[int, str] = {}
    rounds: list[Round] = []
    points: list[dict[str, Any]] = []
    for _ in range(task.rounds + 1):
        past = History(list(rounds), [])
        state = State(known.names, {}, rows, dict(given), set(), past, seed, task=known.task)
        labels = labels_among(state, rows, features, groups)
        head, decision = labels.head(), labels.decision()
        said = None
        if given:
            both = fit_and_judge(features[labels.all], labels.labels[labels.all], everything, head)
            said = both[:count]
            points.append({"labels": len(given), "accuracy": round(score(known, both[count:]), 4)})
            if strategy in JUDGED:
                right = same(decision.labels(said), known.truth[rows])
                points[-1] |= {
                    "honest": honest_score(labels, head, decision),
                    "pool": unseen(labels, head, decision, right),
                }
        used, _ = settled(spec, state, labels)
        view = Seen(state, rows, features, said if labels.learnt else None, decision)
        batch = chosen(spec, used, view)
        rounds.append(batch.as_round({}))
        answers = said_of(known.names, known.truth[batch.rows])
        given |= dict(zip(batch.rows.tolist(), answers, strict=True))
    return points


def unseen(labels: Labels, head: Head, decision: Decision, right: Bools) -> float:
    """Share of all rows of a pool that are right for a probe that has not seen them: labelled ones
    by cross-validation, the others (`right`, rows) by the probe itself.
    """
    crossed = honest_score(replace(labels, sample=labels.queue), head, decision)
    share = crossed["value"] if crossed else 0.0
    waiting = np.setdiff1d(np.arange(len(right)), labels.queue)
    total = share * len(labels.queue) + float(right[waiting].sum())
    return round(total / len(right), 4)


def cells() -> Iterator[Cell]:
    """Every cell, by data and seed."""
    for name in TASKS:
        for seed in range(SEEDS):
            for strategy in STRATEGIES:
                yield name, strategy, seed


def path_of(cell: Cell) -> Path:
    """Where a cell is kept."""
    name, strategy, seed = cell
    return CELLS / f"{name}-{strategy}-{seed}.json"


def measure(wanted: list[Cell], data: Path) -> None:
    """The cells that are missing; each data set is read once."""
    for name in dict.fromkeys(cell[0] for cell in wanted):
        with tempfile.TemporaryDirectory() as place:
            known = read(TASKS[name], data, Path(place))
            for cell in wanted:
                if cell[0] == name:
                    started = time.process_time()
                    points = simulate(known, TASKS[name], cell[1], cell[2])
                    spent = round(time.process_time() - started, 1)
                    content = {"points": points, "seconds": spent}
                    path_of(cell).write_text(json.dumps(content) + "\n")


def area(points: list[dict[str, Any]]) -> float:
    """Mean score over the labels of a curve: the area under it by trapezoids, over its width."""
    labels = np.array([one["labels"] for one in points], dtype=np.float64)
    scores = np.array([one["accuracy"] for one in points])
    widths = np.diff(labels)
    return float((widths * (scores[1:] + scores[:-1]) / 2).sum() / widths.sum())


def interval(gaps: list[float]) -> dict[str, float]:
    """Mean and 95 % interval of Student's t over seeds, in points."""
    half = stats.t.ppf(0.975, len(gaps) - 1) * stats.sem(gaps) if len(gaps) > 1 else float("nan")
    mean = float(np.mean(gaps))
    return {
        "mean": round(100 * mean, 2),
        "low": round(100 * (mean - half), 2),
        "high": round(100 * (mean + half), 2),
    }


def summary() -> dict[str, Any]:
    """Each strategy against random on the same pools, and how often honest intervals were right."""
    found = {
        cell: json.loads(path_of(cell).read_text())["points"]
        for cell in cells()
        if path_of(cell).exists()
    }
    tasks: dict[str, Any] = {}
    for name in TASKS:
        ways: dict[str, Any] = {}
        for strategy in STRATEGIES:
            curves = {
                seed: found[name, strategy, seed]
                for seed in range(SEEDS)
                if {(name, strategy, seed), (name, "random", seed)} <= found.keys()
            }
            if len(curves) > 1:
                ways[strategy] = _way(name, curves, found)
        if ways:
            tasks[name] = ways
    missing = ["-".join(map(str, cell)) for cell in cells() if cell not in found]
    return {"machine": machine(), "missing": missing, "tasks": tasks, "honest": coverage(found)}


def _way(
    name: str, curves: dict[int, list[dict[str, Any]]], found: dict[Cell, Any]
) -> dict[str, Any]:
    """One strategy on one data set: its area, its last point, and both against random."""
    others = {seed: found[name, "random", seed] for seed in curves}
    return {
        "seeds": len(curves),
        "labels": curves[min(curves)][-1]["labels"],
        "area": round(100 * float(np.mean([area(one) for one in curves.values()])), 2),
        "end": round(100 * float(np.mean([one[-1]["accuracy"] for one in curves.values()])), 2),
        "area_over_random": interval([area(curves[seed]) - area(others[seed]) for seed in curves]),
        "end_over_random": interval(
            [curves[seed][-1]["accuracy"] - others[seed][-1]["accuracy"] for seed in curves]
        ),
    }


def coverage(found: dict[Cell, Any]) -> dict[str, float]:
    """Of all rounds that told a score: how many intervals held the accuracy on the whole pool, and
    how far the score lay from it on average, in points.
    """
    told = [
        (one["honest"], one["pool"])
        for points in found.values()
        for one in points
        if one.get("honest")
    ]
    held = [score["low"] <= pool <= score["high"] for score, pool in told]
    gaps = [score["value"] - pool for score, pool in told]
    return {
        "intervals": len(told),
        "held": round(float(np.mean(held)), 4) if told else 0.0,
        "gap": round(100 * float(np.mean(gaps)), 2) if told else 0.0,
    }


def main(data: Path, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the summary."""
    CELLS.mkdir(parents=True, exist_ok=True)
    wanted = [cell for cell in cells() if not path_of(cell).exists()]
    if not only_table:
        measure(wanted, data)
    write_result("labelling", summary())


if __name__ == "__main__":
    quiet_libraries()
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(Path(words[0] if words else ".").resolve(), only_table="--table" in sys.argv)
