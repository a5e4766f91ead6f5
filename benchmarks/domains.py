"""Another domain, and one never seen: `python benchmarks/domains.py DATA [--table]`.

DATA holds `review_domains` (products.csv, films.csv, restaurants.csv) and `pacs` (photo,
art_painting, cartoon and sketch, in each the same class folders). Everything is a probe on kept
features of the starters, over five seeds: from each domain of reviews to each other, and from photo
to sketch, the plain probe of the source, each way to adapt it, what soft neighbourhood density and
entropy would have taken, and a probe of the target's own labels; on pacs each domain held out in
turn, ERM and CORAL. Each cell is a file of its own below results/domains and is not measured twice;
the table is results/domains.json.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import TypedDict

import numpy as np
from common import RESULTS, machine, write_result
from scipy import stats

from tl_core.adapt.domain_classifier import measure_gap
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.load import load_backbone
from tl_core.config import AdaptSettings, ProbeSettings
from tl_core.config.frozen import WAYS_TO_ADAPT
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.domains import TARGET, Domains, domains_of
from tl_core.data.limits import Limits
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes.analyses.held_out_domains import METHODS as UNSEEN
from tl_core.recipes.analyses.held_out_domains import DomainItems, hold_out_each
from tl_core.recipes.probe import probe_task
from tl_core.recipes.shared import common as recipe_parts
from tl_core.recipes.shared.adapting import Adapted as AdaptedHead
from tl_core.recipes.shared.adapting import adapt, choose, said
from tl_core.settings import read_settings
from tl_core.train.arrays import Features, Ints
from tl_core.train.probe.probing import Reading

CELLS = RESULTS / "domains"
SEEDS = 5
STRENGTHS = ProbeSettings.c_values
STARTERS = {"review_domains": "starter:text", "pacs": "starter:image"}
_KEPT = 0.8  # share of the training domains' items that a seed draws when a domain is held out


class Adapted(TypedDict):
    """A pair of domains with one seed: accuracy by way, what was taken, the ceiling, the gap."""

    accuracy: dict[str, float]
    effective: float
    snd: str
    entropy: str
    ceiling: float
    distance: float


class Unseen(TypedDict):
    """One seed of all domains held out in turn: accuracy by domain and method."""

    rows: dict[str, int]
    accuracy: dict[str, dict[str, float]]
    inside: dict[str, float]


class Study:
    """A dataset of several domains, read once by its starter.

    Args:
        source: what is imported: a table with the columns text, label and domain, or folders.
        home: where version and features are kept.
        starter: reads the items.
    """

    def __init__(self, source: Path, home: Path, starter: str) -> None:
        folder = home / "version"
        folder.mkdir(parents=True)
        options = ImportOptions(class_level=0 if source.is_file() else 2)
        opened = open_source(source, folder / "staging", Limits(), options)
        build_version({"": opened}, options, folder, source.name)
        self.version, self.settings = DatasetVersion(folder), ProbeSettings(precision="float32")
        self.domains: Domains = domains_of(self.version, "domain")
        self.rows = np.flatnonzero(self.version.splits != "removed")
        self.cache = home / "cache"
        self.backbone: Backbone = load_backbone(
            starter, self.version.info.labels, read_settings(), task=self.version.info.task
        )
        reading = Reading(
            self.settings, self.version, {"all": self.rows}, self.backbone, self.cache
        )
        self.features: Features = np.zeros(
            (len(self.version.labels), self.backbone.port.width), dtype=np.float32
        )
        self.features[self.rows] = reading.read_all(Progress())

    def of(self, name: str) -> Ints:
        """Rows of a domain."""
        return self.rows[self.domains.rows_in(name)[self.rows]]

    def adapted(self, source: str, target: str, seed: int) -> Adapted:
        """Half of the target is read without classes, the other half judges."""
        random = np.random.default_rng(seed)
        here, there = random.permutation(self.of(source)), random.permutation(self.of(target))
        read, judges = np.sort(there[: len(there) // 2]), np.sort(there[len(there) // 2 :])
        train = np.sort(here[: int(_KEPT * len(here))])
        found = {name: self._fit(name, train, read, seed) for name in WAYS_TO_ADAPT}
        truth = self.version.targets[judges]

        def right(way: str) -> float:
            answers = said(found[way].fit, self.features[judges])
            return float((answers.argmax(axis=1) == truth).mean())

        ceiling = self._fit("none", read, read, seed)
        own = said(ceiling.fit, self.features[judges])
        groups = self.version.groups[train], self.version.groups[read]
        gap = measure_gap(self.features[train], self.features[read], seed, groups)
        return {
            "accuracy": {name: right(name) for name in WAYS_TO_ADAPT},
            "effective": found["weights"].facts["effective"],
            "snd": choose(found, "snd"),
            "entropy": choose(found, "entropy"),
            "ceiling": float((own.argmax(axis=1) == truth).mean()),
            "distance": gap.distance["value"] if gap else float("nan"),
        }

    def _fit(self, way: str, train: Ints, read: Ints, seed: int) -> AdaptedHead:
        splits = np.full(len(self.version.labels), "apart", dtype="<U11")
        splits[train] = "train"
        seen = Overlay(self.version, splits=splits)
        settings = ProbeSettings(precision="float32", repeats=0, seed=seed, c_values=STRENGTHS)
        space = recipe_parts.label_space(seen)
        task = probe_task(settings, seen, space, self.backbone, self.cache)
        task = replace(task, rows={**task.rows, TARGET: read})
        features = {
            "train": self.features[train],
            "validation": self.features[:0],
            TARGET: self.features[read],
        }
        return adapt(way, task, features, Progress(), AdaptSettings(seed=seed))

    def unseen(self, seed: int) -> Unseen:
        """Each domain held out in turn; every domain gives a drawn share of its items."""
        random = np.random.default_rng(seed)
        rows = np.concatenate(
            [
                np.sort(random.permutation(self.of(name))[: int(_KEPT * len(self.of(name)))])
                for name in self.domains.names
            ]
        )
        items = DomainItems(
            self.features[rows],
            self.version.labels[rows],
            self.domains.numbers[rows],
            self.version.groups[rows],
            self.domains.names,
            "photos",
        )
        settings = ProbeSettings(seed=seed, c_values=STRENGTHS)
        found = hold_out_each(items, settings, "within", Progress())["held_out"]
        return {
            "rows": {one["domain"]: one["rows"] for one in found},
            "accuracy": {
                one["domain"]: {name: score["value"] for name, score in one["scores"].items()}
                for one in found
            },
            "inside": {one["domain"]: one["inside"]["value"] for one in found if one["inside"]},
        }


def joined(folder: Path, path: Path) -> Path:
    """All tables of a folder as one, with the name of each as its domain."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "domain"])
        for table in sorted(folder.glob("*.csv")):
            with table.open(newline="", encoding="utf-8") as rows:
                writer.writerows(
                    [row["text"], row["label"], table.stem] for row in csv.DictReader(rows)
                )
    return path


def measure(data: Path) -> None:
    """All cells that are missing."""
    CELLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        reviews = sorted(path.stem for path in (data / "review_domains").glob("*.csv"))
        pairs = {
            "review_domains": list(permutations(reviews, 2)),
            "pacs": [("photo", "sketch")],
        }
        for name, starter in STARTERS.items():
            wanted = [
                (CELLS / f"{name}-{one}-{other}-{seed}.json", one, other, seed)
                for one, other in pairs[name]
                for seed in range(SEEDS)
            ]
            held = [(CELLS / f"{name}-unseen-{seed}.json", seed) for seed in range(SEEDS)]
            missing = [path for path, *_ in (*wanted, *held) if not path.exists()]
            if not missing:
                continue
            source = data / name
            if name == "review_domains":
                source = joined(source, home / "reviews.csv")
            study = Study(source, home / name, starter)
            for path, one, other, seed in wanted:
                if not path.exists():
                    path.write_text(json.dumps(study.adapted(one, other, seed)) + "\n")
            for path, seed in held:
                if not path.exists():
                    path.write_text(json.dumps(study.unseen(seed)) + "\n")


def spread(values: list[float]) -> dict[str, float]:
    """Mean in per cent with its 95 % interval (t over the values)."""
    shares = 100 * np.array(values)
    half = stats.t.ppf(0.975, len(shares) - 1) * stats.sem(shares) if len(shares) > 1 else 0.0
    return {
        "mean": round(float(shares.mean()), 1),
        "low": round(float(shares.mean() - half), 1),
        "high": round(float(shares.mean() + half), 1),
        "seeds": len(shares),
    }


def pair_row(cells: list[Adapted]) -> dict[str, object]:
    """What one pair of domains shows over its seeds."""
    plain = [cell["accuracy"]["none"] for cell in cells]
    taken = {
        "snd": [cell["snd"] for cell in cells],
        "entropy": [cell["entropy"] for cell in cells],
    }
    return {
        "distance": round(float(np.mean([cell["distance"] for cell in cells])), 2),
        "effective": round(float(np.mean([cell["effective"] for cell in cells]))),
        "accuracy": {
            name: spread([cell["accuracy"][name] for cell in cells]) for name in WAYS_TO_ADAPT
        },
        "gain": {
            name: spread(
                [cell["accuracy"][name] - one for cell, one in zip(cells, plain, strict=True)]
            )
            for name in WAYS_TO_ADAPT
            if name != "none"
        },
        "chosen": {
            rule: spread([cell["accuracy"][way] for cell, way in zip(cells, ways, strict=True)])
            for rule, ways in taken.items()
        },
        "taken": taken,
        "ceiling": spread([cell["ceiling"] for cell in cells]),
    }


def unseen_rows(cells: list[Unseen]) -> dict[str, object]:
    """Each held-out domain, then mean and worst, over the seeds."""
    names = list(cells[0]["rows"])
    return {
        "domains": {
            name: {
                **{way: spread([cell["accuracy"][name][way] for cell in cells]) for way in UNSEEN},
                "inside": spread([cell["inside"][name] for cell in cells]),
            }
            for name in names
        },
        "mean": {
            way: spread(
                [float(np.mean([cell["accuracy"][n][way] for n in names])) for cell in cells]
            )
            for way in UNSEEN
        },
        "worst": {
            way: spread([min(cell["accuracy"][n][way] for n in names) for cell in cells])
            for way in UNSEEN
        },
        "rule": "penalty chosen by cross-validation over the items of the other domains",
    }


def main(data: Path, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    if not only_table:
        measure(data)
    pairs: dict[str, list[Adapted]] = {}
    unseen: dict[str, list[Unseen]] = {}
    for path in sorted(CELLS.glob("*.json")):
        name, _, rest = path.stem.partition("-")
        cell = json.loads(path.read_text())
        if rest.startswith("unseen-"):
            unseen.setdefault(name, []).append(cell)
        else:
            one, other, _ = rest.rsplit("-", 2)
            pairs.setdefault(f"{name}: {one} to {other}", []).append(cell)
    write_result(
        "domains",
        {
            "machine": machine(),
            "pairs": {name: pair_row(cells) for name, cells in pairs.items()},
            "unseen": {name: unseen_rows(cells) for name, cells in unseen.items()},
        },
    )


if __name__ == "__main__":
    quiet_libraries()
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(Path(words[0]).resolve(), only_table="--table" in sys.argv)
