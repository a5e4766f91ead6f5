"""Another domain, and one never seen, by fine-tuned networks:
`python benchmarks/domain_networks.py DATA [--table]`.

DATA holds `pacs` (photo, art_painting, cartoon and sketch, in each the same class folders).
`starter:image` at 96 pixels is fine-tuned from a probe (LP-FT), three seeds. From photo to sketch:
80 in 100 photos are learnt from, half of the sketches are read without their classes, the other
half judges; a probe and plain fine-tuning of the photos, and each way to adapt it. Held out: each
domain in turn, networks of the others by each method (8 epochs), and a probe of the others; a seed
draws 80 in 100 items of each domain. Additions have the strength of their papers; nothing is chosen
on what judges. Each cell is a file of its own below results/domain_networks and is not measured
twice; the table is results/domain_networks.json, which names the cells that are missing.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import RESULTS, machine, write_result
from domains import spread

from tl_core.config import RunConfig
from tl_core.config.domains import HOLDING_OUT
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.domains import Domains, domains_of
from tl_core.data.limits import Limits
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.held_out_networks import PROBE, hold_out_by_networks
from tl_core.train.arrays import Ints

CELLS = RESULTS / "domain_networks"
BACKBONE, SEEDS = "starter:image", 3
TUNED: dict[str, object] = {"strategy": "lpft", "input_size": 96}
ADAPTED = ("probe", "none", "adabn", "deep_coral", "dann", "mcc")
SOURCE, TARGET = "photo", "sketch"
_EPOCHS = 8.0  # where domains are held out, which takes four trainings; SWAD needs as many
_KEPT = 0.8  # share of a domain's items that a seed draws, or learns from
Cell = dict[str, float]


class Study:
    """The dataset, imported once, and its draws by seed."""

    def __init__(self, source: Path, home: Path) -> None:
        folder = home / "version"
        folder.mkdir(parents=True)
        options = ImportOptions(class_level=2)
        opened = open_source(source, folder / "staging", Limits(), options)
        build_version({"": opened}, options, folder, source.name)
        self.version, self.home = DatasetVersion(folder), home
        self.domains: Domains = domains_of(self.version, "domain")
        self.rows = np.flatnonzero(self.version.splits != "removed")

    def of(self, name: str) -> Ints:
        """Rows of a domain."""
        return self.rows[self.domains.rows_in(name)[self.rows]]

    def adapted(self, way: str, seed: int) -> Cell:
        """Accuracy on the half of the target that judges."""
        random = np.random.default_rng(seed)
        here, there = random.permutation(self.of(SOURCE)), random.permutation(self.of(TARGET))
        splits = np.full(len(self.version.labels), "removed", dtype="<U11")
        learnt = int(_KEPT * len(here))
        splits[here[:learnt]], splits[here[learnt:]] = "train", "validation"
        splits[there[: len(there) // 2]], splits[there[len(there) // 2 :]] = "train", "test"
        meant = {"domain_column": "domain", "source_domain": SOURCE, "target_domain": TARGET}
        options: dict[str, object] = {**meant, "seed": seed, "baseline": False}
        if way == "probe":
            options |= {"method": "none", "input_size": TUNED["input_size"]}
        else:
            options |= {**TUNED, "adaptation": way}
        recipe = "adapt" if way == "probe" else "finetune"
        report = run_recipe(
            self._config(f"{way}-{seed}", "train", recipe, options),
            Overlay(self.version, splits=splits),
            self.home / f"{way}-{seed}",
            self.home / "cache",
            Progress(),
        )
        if report["test"] is None:
            raise ValueError("The test score is closed.")
        return {"accuracy": report["test"]["accuracy"]["value"], "items": report["test"]["n"]}

    def unseen(self, method: str, seed: int) -> Cell:
        """Accuracy on each domain of networks of the others, and of a probe of the others."""
        random = np.random.default_rng(seed)
        splits = np.full(len(self.version.labels), "removed", dtype="<U11")
        for name in self.domains.names:
            own = random.permutation(self.of(name))[: int(_KEPT * len(self.of(name)))]
            splits[own], splits[own[: len(own) // 5]] = "train", "validation"
        name = f"unseen-{method}-{seed}"
        options: dict[str, object] = {
            "column": "domain",
            "methods": [method],
            "settings": {**TUNED, "epochs": _EPOCHS, "seed": seed},
        }
        found = hold_out_by_networks(
            self._config(name, "hold_out", "", options),
            Overlay(self.version, splits=splits),
            self.home / name,
            self.home / "cache",
            Progress(),
        )
        return {
            f"{kind}: {one['domain']}": one["scores"][key]["value"]
            for one in found["held_out"]
            for kind, key in (("network", method), ("probe", PROBE))
        }

    def _config(self, name: str, kind: str, recipe: str, options: dict[str, object]) -> RunConfig:
        (self.home / name).mkdir()
        return RunConfig(
            kind, "local", "d@1", str(self.version.folder), BACKBONE, recipe, dict(options)
        )


def path_of(kind: str, way: str, seed: int) -> Path:
    """Where a cell is kept."""
    return CELLS / f"{kind}-{way}-{seed}.json"


def cells_of(kind: str, way: str) -> dict[int, Cell]:
    """The seeds that were measured."""
    paths = {seed: path_of(kind, way, seed) for seed in range(SEEDS)}
    return {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.exists()}


def gain(cells: dict[int, float], plain: dict[int, float]) -> dict[str, float] | None:
    """Points over the plain way on the seeds of both."""
    both = sorted(cells.keys() & plain.keys())
    return spread([cells[seed] - plain[seed] for seed in both]) if both else None


def adapted_rows() -> dict[str, object]:
    """Each way from photo to sketch: its accuracy, and what it gains on the plain one."""
    plain = {seed: one["accuracy"] for seed, one in cells_of("adapted", "none").items()}
    rows: dict[str, object] = {}
    for way in ADAPTED:
        scores = {seed: one["accuracy"] for seed, one in cells_of("adapted", way).items()}
        if scores:
            rows[way] = {
                "accuracy": spread(list(scores.values())),
                "gain": gain(scores, plain) if way != "none" else None,
            }
    return rows


def unseen_rows() -> dict[str, object]:
    """Each method and the probe: accuracy by domain held out, mean and worst, and what the mean
    gains on ordinary fine-tuning (of that: on the probe).
    """
    by_method = {method: cells_of("unseen", method) for method in HOLDING_OUT}
    kinds = {PROBE: ("probe", by_method["erm"])} | {
        method: ("network", cells) for method, cells in by_method.items()
    }
    means: dict[str, dict[int, float]] = {}
    rows: dict[str, object] = {}
    for name, (kind, cells) in kinds.items():
        if not cells:
            continue
        scores = {
            seed: {key.split(": ")[1]: one for key, one in cell.items() if key.startswith(kind)}
            for seed, cell in cells.items()
        }
        means[name] = {seed: float(np.mean(list(own.values()))) for seed, own in scores.items()}
        against = means.get(PROBE if name == "erm" else "erm", {})
        rows[name] = {
            "domains": {
                domain: spread([own[domain] for own in scores.values()])
                for domain in next(iter(scores.values()))
            },
            "mean": spread(list(means[name].values())),
            "worst": spread([min(own.values()) for own in scores.values()]),
            "gain": gain(means[name], against) if name != PROBE else None,
        }
    return rows


def main(data: Path, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    # seed by seed, so that a whole table of one seed comes first; what takes long, last
    wanted = [
        (kind, way, seed)
        for kind, ways in (("adapted", ADAPTED), ("unseen", tuple(HOLDING_OUT)))
        for seed in range(SEEDS)
        for way in ways
    ]
    missing = [one for one in wanted if not path_of(*one).exists()]
    if missing and not only_table:
        with tempfile.TemporaryDirectory() as place:
            study = Study(data / "pacs", Path(place))
            for kind, way, seed in missing:
                started = time.monotonic()
                cell = study.adapted(way, seed) if kind == "adapted" else study.unseen(way, seed)
                path_of(kind, way, seed).write_text(json.dumps(cell) + "\n")
                print(kind, way, seed, cell, f"{time.monotonic() - started:.0f} s", flush=True)
        missing = []
    write_result(
        "domain_networks",
        {
            "machine": machine(),
            "adapted": adapted_rows(),
            "unseen": unseen_rows(),
            "missing": [path_of(*one).stem for one in missing],
        },
    )


if __name__ == "__main__":
    quiet_libraries()
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(Path(words[0]).resolve(), only_table="--table" in sys.argv)
