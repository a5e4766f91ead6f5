"""Ways to keep what a pretrained network knows, against plain fine-tuning:
`python benchmarks/towards_source.py DATA_FOLDER [--table]`.

DATA_FOLDER holds `hymenoptera` and `pacs`. `starter:image` at 128 pixels is fine-tuned from a probe
(LP-FT) on 5, 20 and all labels a class, with each addition at the strength of its paper; nothing is
chosen on the test. A probe on the same rows stands beside them. Draws are by seed and the same for
all ways. Each cell is a file of its own below results/towards_source and is not measured twice; the
table is results/towards_source.json, which names the cells that are missing.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

import numpy as np
from arena_tasks import write
from common import RESULTS, machine, open_data, trained, write_result

from tl_core.log import quiet_libraries

CELLS = RESULTS / "towards_source"
BACKBONE, SEEDS, DRAWS = "starter:image", 3, 2000
TUNED: dict[str, object] = {"strategy": "lpft", "input_size": 128}
WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "plain": ("finetune", TUNED),
    "L2-SP": ("finetune", {**TUNED, "penalty": "l2-sp"}),
    "DELTA": ("finetune", {**TUNED, "delta": 1.0}),
    "BSS": ("finetune", {**TUNED, "bss": 0.001}),
    "Co-Tuning": ("finetune", {**TUNED, "co_tuning": 2.3}),
    "LwF": ("finetune", {**TUNED, "lwf": 4.0}),
    "StochNorm": ("finetune", {**TUNED, "stochastic_norm": 0.5}),
    "following": ("finetune", {**TUNED, "batchnorm": "adapt"}),
    "probe": ("probe", {"selection": "validation", "repeats": 0, "input_size": 128}),
}
# what StochNorm rests on, statistics that follow the data, without it: where it lost most
ONLY: dict[str, tuple[tuple[str, int], ...]] = {"following": (("hymenoptera", 0),)}
# labels a class, 0 for all; sketches in full would take as long as all the rest together
TASKS: dict[str, tuple[int, ...]] = {"hymenoptera": (5, 20, 0), "pacs sketch": (5, 20)}


class Cell(TypedDict):
    """One training: `right` is a row of 0 and 1, by test item in the order of the answers."""

    accuracy: float
    right: str
    seconds: float


class Gap(TypedDict):
    """Points over plain fine-tuning, with their 95 % interval over test items."""

    points: float
    low: float
    high: float


def is_wanted(task: str, size: int, way: str) -> bool:
    """Whether this cell belongs to the table."""
    return (task, size) in ONLY.get(way, ((task, size),))


def path_of(task: str, size: int, way: str, seed: int) -> Path:
    """Where a cell is kept."""
    return CELLS / f"{task.replace(' ', '-')}-{size or 'all'}-{way}-{seed}.json"


def draw(photos: Path, size: int, seed: int, target: Path) -> Path:
    """The same validation and test photos, and `size` training photos of each class, or all."""
    random = np.random.default_rng(seed)
    for split in ("val", "test"):
        shutil.copytree(photos / split, target / split)
    for folder in sorted((photos / "train").iterdir()):
        files = sorted(folder.iterdir())
        chosen = random.permutation(len(files))[: size or len(files)]
        (target / "train" / folder.name).mkdir(parents=True)
        for place in sorted(chosen):
            shutil.copy(files[place], target / "train" / folder.name)
    return target


def measure(photos: Path, size: int, way: str, seed: int, home: Path) -> Cell:
    """One training, judged on the test photos."""
    version = open_data(draw(photos, size, seed, home / "drawn"), home / "v")
    right, seconds = trained(version, BACKBONE, WAYS[way], seed, home)
    return {
        "accuracy": round(float(np.mean(right)), 4),
        "right": "".join("01"[one] for one in right),
        "seconds": round(seconds, 1),
    }


def cells_of(task: str, size: int, way: str) -> dict[int, Cell]:
    """The seeds that were measured."""
    paths = {seed: path_of(task, size, way, seed) for seed in range(SEEDS)}
    return {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.exists()}


def gap(cells: dict[int, Cell], plain: dict[int, Cell]) -> Gap | None:
    """A way less plain fine-tuning on the seeds of both: paired over test items, whose differences
    are averaged over the seeds and drawn anew.
    """
    both = sorted(cells.keys() & plain.keys())
    if not both:
        return None
    rows = [
        [[int(sign) for sign in kind[seed]["right"]] for seed in both] for kind in (cells, plain)
    ]
    apart = 100 * (np.array(rows[0]).mean(axis=0) - np.array(rows[1]).mean(axis=0))
    drawn = np.random.default_rng(0).integers(0, len(apart), (DRAWS, len(apart)))
    low, high = np.quantile(apart[drawn].mean(axis=1), (0.025, 0.975))
    return {
        "points": round(float(apart.mean()), 1),
        "low": round(float(low), 1),
        "high": round(float(high), 1),
    }


def table() -> dict[str, object]:
    """Every way at every size, as far as it was measured, and which cells are missing."""
    rows: dict[str, dict[str, object]] = {}
    missing = []
    for task, sizes in TASKS.items():
        for size in sizes:
            plain = cells_of(task, size, "plain")
            name = f"{task}, {f'{size} labels a class' if size else 'all labels'}"
            rows[name] = {}
            for way in WAYS:
                cells = cells_of(task, size, way)
                missing += [
                    path_of(task, size, way, seed).stem
                    for seed in range(SEEDS)
                    if seed not in cells and is_wanted(task, size, way)
                ]
                if cells:
                    rows[name][way] = {
                        "accuracy": round(
                            float(np.mean([one["accuracy"] for one in cells.values()])), 4
                        ),
                        "seeds": [one["accuracy"] for one in cells.values()],
                        "seconds": round(
                            float(np.mean([one["seconds"] for one in cells.values()])), 1
                        ),
                        "items": len(next(iter(cells.values()))["right"]),
                        "over_plain": gap(cells, plain) if way != "plain" else None,
                    }
    return {"rows": rows, "missing": missing}


def main(data: Path, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    # seed by seed, so that a whole table of one seed comes first; all labels, which take long, last
    wanted = [
        (task, size, way, seed)
        for last in (False, True)
        for seed in range(SEEDS)
        for task, sizes in TASKS.items()
        for size in sizes
        if (size == 0) == last
        for way in WAYS
        if is_wanted(task, size, way)
    ]
    with tempfile.TemporaryDirectory() as staging:
        for task, size, way, seed in wanted:
            path = path_of(task, size, way, seed)
            if only_table or path.exists():
                continue
            photos = write(task, data, Path(staging) / task)
            with tempfile.TemporaryDirectory() as home:
                cell = measure(photos, size, way, seed, Path(home))
            path.write_text(json.dumps(cell) + "\n")
            print(path.stem, cell["accuracy"], f"{cell['seconds']:.0f} s", flush=True)
    write_result("towards_source", {"machine": machine(), **table()})


if __name__ == "__main__":
    quiet_libraries()
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(Path(words[0] if words else ".").resolve(), only_table="--table" in sys.argv)
