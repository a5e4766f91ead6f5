"""The arena: every strategy on every task against a plain loop and fastai, cell by cell.

`python benchmarks/arena.py DATA MODELS [--only WORDS] [--limit SECONDS] [--fastai PYTHON]`

A cell is a task, a starter, a strategy and a seed; its answers go to results/arena/<cell>.json and
it is never measured twice. `--only` takes cells whose name holds all of these words, `--limit`
begins no cell after so many seconds. The table is written by `arena_table.py` and names the cells
that are missing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from arena_tasks import PHOTOS, TEXTS, write
from common import RESULTS, machine, open_data

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.backbones.sources.starters import usual_size
from tl_core.config import RunConfig
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import read_settings

CELLS = RESULTS / "arena"
SEEDS, MOBILE = 3, "mobilenet_v2_0.35_224"
GRID = {
    True: ((3e-4, 1e-3, 3e-3), (5, 12)),
    False: ((3e-5, 1e-4, 3e-4), (3, 8)),
}  # photos, texts: rates and epochs
FAST_EPOCHS = (5, 10)
AUTO_TASKS, AUTO_MINUTES = ("hymenoptera", "digits", "trec", "messages"), 10.0
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cell:
    """One thing to measure."""

    task: str
    starter: str
    strategy: str
    seed: int

    @property
    def name(self) -> str:
        return "-".join(
            (
                self.task.replace(" ", "_"),
                self.starter.rpartition(":")[2],
                self.strategy,
                f"s{self.seed}",
            )
        )

    @property
    def path(self) -> Path:
        return CELLS / f"{self.name}.json"


def starter_of(task: str) -> str:
    """The starter for a task's items."""
    return (
        "starter:image"
        if task in PHOTOS
        else "starter:multilingual"
        if task == "messages-zh"
        else "starter:text"
    )


def all_cells() -> list[Cell]:
    """Every cell, the most telling ones first."""
    tasks = [*TEXTS, *PHOTOS]
    cells = [
        Cell(task, starter_of(task), strategy, 0)
        for task in tasks
        for strategy in ("probe", "lpft")
    ]
    cells += [
        Cell(task, starter_of(task), plain_name(rate, epochs), 0)
        for task in tasks
        for rate in GRID[task in PHOTOS][0]
        for epochs in GRID[task in PHOTOS][1]
    ]
    cells += [Cell(task, starter_of(task), "auto", 0) for task in AUTO_TASKS]
    cells += [
        Cell(task, starter_of(task), "lpft", seed) for task in tasks for seed in range(1, SEEDS)
    ]
    cells += [
        Cell(task, starter_of(task), f"fastai_{epochs}", 0)
        for task in PHOTOS
        for epochs in FAST_EPOCHS
    ]
    cells += [
        Cell(task, starter_of(task), strategy, seed)
        for seed in range(SEEDS)
        for task in tasks
        for strategy in (("full",) if task in PHOTOS else ("full", "lora", "contrastive"))
    ]
    cells += [
        Cell(task, f"local:{MOBILE}", strategy, seed)
        for task in ("hymenoptera", "digits")
        for strategy in ("probe", "lpft")
        for seed in range(SEEDS if strategy == "lpft" else 1)
    ]
    return cells


def plain_name(rate: float, epochs: int) -> str:
    """What a point of the plain loop's grid is called."""
    return f"plain_{rate:g}_{epochs}"


def measure(
    cell: Cell, data: Path, home: Path, fastai: str, minutes: float = AUTO_MINUTES
) -> dict[str, object]:
    """Accuracy on validation and test, which test items are right, and seconds."""
    place = write(cell.task, data, home / "tasks" / cell.task.replace(" ", "_"))
    folder = resolve_folder(parse_reference(cell.starter), read_settings())
    size = str(usual_size(cell.starter) or 260) if cell.starter == "starter:image" else "128"
    kind, *rest = cell.strategy.split("_")
    if kind == "plain":
        return _child(
            [sys.executable, "plain_loop.py", str(place), str(folder), *rest, str(cell.seed), size]
        )
    if kind == "fastai":
        return _child(
            [fastai, "fastai_reference.py", str(place), str(folder), *rest, str(cell.seed), size]
        )
    return ours(cell, place, home, minutes)


def _child(words: list[str]) -> dict[str, object]:
    """A reference in a process of its own."""
    words[1] = str(ROOT / "benchmarks" / words[1])
    done = subprocess.run(
        words, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}
    )
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def ours(cell: Cell, place: Path, home: Path, minutes: float) -> dict[str, object]:
    """The same by a run of this project."""
    version_folder = home / "versions" / cell.task.replace(" ", "_")
    if not (version_folder / "version.json").is_file():
        shutil.rmtree(version_folder, ignore_errors=True)
        open_data(place, version_folder)
    from tl_core.data.versions.store import DatasetVersion

    version = DatasetVersion(version_folder)
    recipe = cell.strategy if cell.strategy in ("probe", "contrastive", "auto") else "finetune"
    options: dict[str, object] = {"seed": cell.seed, "baseline": False}
    options |= {"strategy": cell.strategy} if recipe == "finetune" else {}
    options |= {"budget_minutes": minutes} if recipe == "auto" else {}
    if cell.task == "digits" and recipe in ("finetune", "auto"):
        options["augment"] = "orientation matters"  # as any analyst would say of digits
    folder = Path(tempfile.mkdtemp(dir=home))
    started = time.perf_counter()
    report = run_recipe(
        RunConfig("train", "local", "d@1", str(version.folder), cell.starter, recipe, options),
        version,
        folder,
        home / "cache",
        Progress(),
    )
    seconds = time.perf_counter() - started
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    if cell.task in PHOTOS:
        rows.sort(key=lambda row: (row["true"], row["row"]))
    shutil.rmtree(folder)
    result = {
        "seconds": round(seconds, 1),
        "val": {
            key: round(report["validation"][key]["value"], 4) for key in ("accuracy", "log_loss")
        },
        "test": {
            "accuracy": round(report["test"]["accuracy"]["value"], 4),
            "log_loss": round(report["test"]["log_loss"]["value"], 4),
            "right": "".join("01"[row["true"] == row["label"]] for row in rows),
        },
    }
    if recipe == "auto":
        result["search"] = {key: report["search"][key] for key in ("minutes", "winner")}
        result["board"] = [
            [row["title"], row.get("part"), row.get("log_loss")]
            for row in report["search"]["board"]
        ]
    return result


def main(options: argparse.Namespace) -> None:
    """Every cell that is missing, as far as time allows."""
    CELLS.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TL_MODELS_DIR", str(options.models.resolve()))
    home = read_settings().home_path / "arena"
    home.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    for cell in all_cells():
        wanted = all(word in cell.name for word in options.only.split())
        if (
            cell.path.exists()
            or not wanted
            or (cell.strategy.startswith("fastai") and not options.fastai)
        ):
            continue
        if time.monotonic() - started > options.limit:
            break
        result = measure(cell, options.data.resolve(), home, options.fastai)
        cell.path.write_text(json.dumps({"machine": machine(), **result}) + "\n")
        sys.stderr.write(f"{cell.name}: {result['test']['accuracy']} in {result['seconds']} s\n")


if __name__ == "__main__":
    quiet_libraries()
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=float, default=8 * 3600.0)
    parser.add_argument("--fastai", default="")
    main(parser.parse_args())
