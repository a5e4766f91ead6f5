"""Few labels for texts: `python benchmarks/few_labels.py DATA [PYTHON_WITH_SETFIT] [--table]`.

DATA holds `trec` and `emotions` (train.csv, test.csv). With 8 and 16 labels a class, over the same
five draws: recipe `contrastive`, a probe on the same rows, and SetFit itself with the same encoder
and budget. Each draw is a file of its own below results/few_labels and is not measured twice; the
table of differences is results/few_labels.json.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TypedDict

import numpy as np
from common import RESULTS, machine, open_data, trained, write_result
from scipy import stats

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.log import quiet_libraries
from tl_core.settings import read_settings

SIZES, DRAWS, VALIDATION, TEST = (8, 16), 5, 4, 500
CELLS = RESULTS / "few_labels"
BACKBONE = "starter:text"
METHODS: dict[str, tuple[str, dict[str, object]]] = {
    "contrastive": ("contrastive", {}),
    "probe": ("probe", {"selection": "validation", "repeats": 0}),
}


def read(task: str, data: Path) -> dict[str, list[tuple[str, str]]]:
    """Texts and labels of both files; of `emotions` the six commonest classes but neutral, rows
    with one label.
    """
    splits = {}
    for split in ("train", "test"):
        with (data / task / f"{split}.csv").open(newline="", encoding="utf-8") as handle:
            rows = [tuple(row.values())[:2] for row in csv.DictReader(handle)]
        splits[split] = [(str(text), str(label)) for text, label in rows]
    if task == "emotions":
        counts = Counter(
            label for _, label in splits["train"] if "|" not in label and label != "neutral"
        )
        kept = {label for label, _ in counts.most_common(6)}
        splits = {split: [row for row in rows if row[1] in kept] for split, rows in splits.items()}
    return splits


def draw(rows: dict[str, list[tuple[str, str]]], size: int, seed: int, path: Path) -> None:
    """A table with `size` training and four validation rows of each class, and at most 500 test
    rows.
    """
    random = np.random.default_rng(seed)
    labels = np.array([label for _, label in rows["train"]])
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "split"])
        for label in sorted(set(labels)):
            some = random.permutation(np.flatnonzero(labels == label))[: size + VALIDATION]
            for place, row in enumerate(some):
                writer.writerow([*rows["train"][row], "train" if place < size else "validation"])
        for text, label in rows["test"][:TEST]:
            writer.writerow([text, label, "test"])


def cell(task: str, size: int, seed: int, data: Path, python: str) -> dict[str, Shown]:
    """One draw: of each method the share that is right, the seconds, and the answers as a row of 0
    and 1.
    """
    scores: dict[str, Shown] = {}
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        draw(read(task, data), size, seed, home / "rows.csv")
        version = open_data(home / "rows.csv", home / "v")
        for method in METHODS:
            right, seconds = trained(version, BACKBONE, METHODS[method], seed, home)
            scores[method] = shown(right, seconds)
        if python:
            encoder = resolve_folder(parse_reference(BACKBONE), read_settings())
            subprocess.run(
                [
                    python,
                    str(Path(__file__).with_name("setfit_reference.py")),
                    str(encoder),
                    str(home / "rows.csv"),
                    str(home / "answers.json"),
                    str(seed),
                ],
                check=True,
            )
            reply = json.loads((home / "answers.json").read_text())
            with (home / "rows.csv").open(newline="", encoding="utf-8") as handle:
                truth = [row["label"] for row in csv.DictReader(handle) if row["split"] == "test"]
            scores["setfit"] = shown(
                [a == b for a, b in zip(reply["answers"], truth, strict=True)], reply["seconds"]
            )
    return scores


class Shown(TypedDict):
    """A method's part of a cell: `right` is a row of 0 and 1, by test item."""

    accuracy: float
    seconds: float
    right: str


def shown(right: list[bool], seconds: float) -> Shown:
    """A method's part of a cell."""
    return {
        "accuracy": round(float(np.mean(right)), 4),
        "seconds": round(seconds, 1),
        "right": "".join("01"[one] for one in right),
    }


def difference(cells: list[dict[str, Shown]], other: str) -> dict[str, float] | None:
    """Contrastive minus another method: mean over draws with its 95 % interval (t over the
    draws).
    """
    gains = [
        100 * (one["contrastive"]["accuracy"] - one[other]["accuracy"])
        for one in cells
        if other in one
    ]
    if len(gains) < 2:
        return None
    half = stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
    return {
        "mean": round(float(np.mean(gains)), 2),
        "low": round(float(np.mean(gains) - half), 2),
        "high": round(float(np.mean(gains) + half), 2),
        "draws": len(gains),
    }


def main(data: Path, python: str, *, only_table: bool) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    table = {}
    for task in ("trec", "emotions"):
        for size in SIZES:
            cells = []
            for seed in range(DRAWS):
                path = CELLS / f"{task}-{size}-{seed}.json"
                if not path.exists() and not only_table:
                    path.write_text(json.dumps(cell(task, size, seed, data, python)) + "\n")
                if path.exists():
                    cells.append(json.loads(path.read_text()))
            if not cells:
                continue
            means = {
                method: round(float(np.mean([one[method]["accuracy"] for one in cells])), 4)
                for method in cells[0]
                if all(method in one for one in cells)
            }
            table[f"{task}, {size} labels a class"] = {
                "accuracy": means,
                "over_setfit": difference(cells, "setfit"),
                "over_probe": difference(cells, "probe"),
            }
    write_result("few_labels", {"machine": machine(), **table})


if __name__ == "__main__":
    quiet_libraries()
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(
        Path(words[0]).resolve(),
        words[1] if len(words) > 1 else "",
        only_table="--table" in sys.argv,
    )
