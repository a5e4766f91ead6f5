"""Another domain of texts by fine-tuned networks:
`python benchmarks/review_networks.py DATA [--table]`.

DATA holds `review_domains`, a table for each domain. `starter:text` is fine-tuned from a probe
(LP-FT, 3 epochs, 64 tokens), three seeds, on the draws of `domains.py`: 80 in 100 sentences of the
source are learnt from and the others choose the state, half of the target is read without its
classes, the other half judges. Plain, with each addition that networks without batch normalisation
can have, at the strength of its paper, and as a ceiling a network of the half that is read, with
its classes. Each cell is a file of its own below results/review_networks and is not measured twice;
the table is results/review_networks.json, which names the cells that are missing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from itertools import permutations
from pathlib import Path

import numpy as np
from common import RESULTS, machine, open_data, write_result
from domains import joined, spread

from tl_core.config import RunConfig
from tl_core.data.domains import domains_of
from tl_core.data.overlays.overlay import Overlay
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.train.arrays import Ints

CELLS = RESULTS / "review_networks"
BACKBONE, SEEDS = "starter:text", 3
TUNED: dict[str, object] = {"strategy": "lpft", "epochs": 3.0, "max_length": 64, "baseline": False}
WAYS, CEILING = ("none", "deep_coral", "dann", "mcc"), "ceiling"
_KEPT = 0.8  # share of the items that are learnt from; the others choose the state
Key = tuple[str, str, str, int]


class Study:
    """All domains as one version, and its draws by seed."""

    def __init__(self, data: Path, home: Path) -> None:
        self.home = home
        self.version = open_data(
            joined(data / "review_domains", home / "all.csv"), home / "version"
        )
        self._domains = domains_of(self.version, "domain")
        self._rows = np.flatnonzero(self.version.splits != "removed")

    def _of(self, name: str) -> Ints:
        return self._rows[self._domains.rows_in(name)[self._rows]]

    def accuracy(self, source: str, target: str, way: str, seed: int) -> float:
        """On the half of the target that judges."""
        random = np.random.default_rng(seed)
        here, there = random.permutation(self._of(source)), random.permutation(self._of(target))
        read, judges = np.split(there, [len(there) // 2])
        splits = np.full(len(self.version.labels), "removed", dtype="<U11")
        learnt = read if way == CEILING else here
        train, validation = np.split(learnt, [int(_KEPT * len(learnt))])
        splits[train], splits[validation], splits[judges] = "train", "validation", "test"
        options: dict[str, object] = {**TUNED, "seed": seed}
        if way != CEILING:
            splits[read] = "train"
            options |= {
                "adaptation": way,
                "domain_column": "domain",
                "source_domain": source,
                "target_domain": target,
            }
        folder = self.home / f"{source}-{target}-{way}-{seed}"
        folder.mkdir()
        config = RunConfig(
            "train", "local", "d@1", str(self.version.folder), BACKBONE, "finetune", options
        )
        seen = Overlay(self.version, splits=splits)
        report = run_recipe(config, seen, folder, self.home / "cache", Progress())
        if report["test"] is None:
            raise ValueError("The test score is closed.")
        return report["test"]["accuracy"]["value"]


def path_of(key: Key) -> Path:
    """Where a cell is kept."""
    return CELLS / f"{'-'.join(map(str, key))}.json"


def wanted(data: Path) -> list[Key]:
    """Every cell, seed by seed, so that a whole table of one seed comes first."""
    names = sorted(path.stem for path in (data / "review_domains").glob("*.csv"))
    return [
        (source, target, way, seed)
        for seed in range(SEEDS)
        for source, target in permutations(names, 2)
        for way in (*WAYS, CEILING)
    ]


def table(keys: list[Key]) -> dict[str, object]:
    """Each pair: the plain network, what each addition gains on it, and the ceiling."""
    found = {
        key: float(json.loads(path_of(key).read_text())["accuracy"])
        for key in keys
        if path_of(key).exists()
    }
    rows: dict[str, dict[str, object]] = {}
    for source, target in dict.fromkeys(key[:2] for key in found):
        own = {key[2:]: value for key, value in found.items() if key[:2] == (source, target)}
        row = rows[f"{source} to {target}"] = {}
        for way in (*WAYS, CEILING):
            scores = {seed: one for (name, seed), one in own.items() if name == way}
            plain = [own["none", seed] for seed in scores if ("none", seed) in own]
            if way in ("none", CEILING) and scores:
                row[way] = spread(list(scores.values()))
            elif scores and len(plain) == len(scores):
                row[way] = spread([a - b for a, b in zip(scores.values(), plain, strict=True)])
    missing = [path_of(key).stem for key in keys if key not in found]
    return {"rows": rows, "cells": len(keys) // SEEDS, "missing": missing}


def main(data: Path, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    keys = wanted(data)
    missing = [key for key in keys if not path_of(key).exists()]
    if missing and not only_table:
        with tempfile.TemporaryDirectory() as place:
            study = Study(data, Path(place))
            for key in missing:
                if path_of(key).exists():
                    continue  # by another process meanwhile
                right = study.accuracy(*key)
                path_of(key).write_text(json.dumps({"accuracy": round(right, 4)}) + "\n")
                print(path_of(key).stem, round(right, 4), flush=True)
    write_result("review_networks", {"machine": machine(), **table(keys)})


if __name__ == "__main__":
    quiet_libraries()
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(Path(words[0]).resolve(), only_table="--table" in sys.argv)
