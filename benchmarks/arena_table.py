"""What the arena and the comparison on few labels say, as tables; `results_table.py` puts them into docs/RESULTS.md."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from arena import CELLS, GRID, all_cells, plain_name, starter_of
from arena_tasks import PHOTOS, TEXTS
from common import RESULTS

from tl_core.evaluate.compare import exact_mcnemar

_OURS = ("probe", "lpft", "full", "lora", "contrastive", "auto")


def read(name: str) -> dict[str, Any]:
    """A cell, or nothing."""
    path = CELLS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def cells_of(task: str, strategy: str) -> list[dict[str, Any]]:
    """The seeds of a strategy that were measured, with the task's own starter."""
    names = [cell.name for cell in all_cells() if (cell.task, cell.strategy, cell.starter) == (
        task, strategy, starter_of(task))]
    return [found for found in map(read, names) if found]


def plain_of(task: str) -> dict[str, Any]:
    """The plain loop at the grid point that validation chooses; nothing before all points are there."""
    rates, epochs = GRID[task in PHOTOS]
    grid = [cells_of(task, plain_name(rate, count)) for rate in rates for count in epochs]
    if not all(grid):
        return {}
    return max((cells[0] for cells in grid), key=lambda one: (one["val"]["accuracy"], -one["val"]["log_loss"]))


def fastai_of(task: str) -> dict[str, Any]:
    """fastai with the number of epochs that validation chooses."""
    grid = [cells for cells in (cells_of(task, f"fastai_{count}") for count in (5, 10)) if cells]
    return max((cells[0] for cells in grid), key=lambda one: one["val"]["accuracy"], default={})


def arena() -> list[str]:
    """Every task with every strategy, as far as it was measured."""
    lines = ["## Arena: every strategy against a plain loop and fastai", "",
             "Right in 100 test items, mean over the seeds that were measured (their number in brackets where there "
             "are several), with the starter of the task; at most 1,000 training rows, the same files for all. "
             "The plain loop and fastai stand at the point of their grid that the validation items choose. `p`: exact "
             "McNemar of Probe, then fine-tune (seed 0) against its probe. Data: hymenoptera, digits (scikit-learn), "
             "PACS (research use), TREC, Sentiment Labelled Sentences (UCI, CC BY 4.0), two sets written for this "
             "project.", "",
             "| task | " + " | ".join(_OURS) + " | plain loop | fastai | p |", "|---" * (len(_OURS) + 4) + "|"]
    for task in (*PHOTOS, *TEXTS):
        shown = []
        for strategy in _OURS:
            found = cells_of(task, strategy)
            count = f" ({len(found)})" if len(found) > 1 else ""
            shown.append(f"{100 * np.mean([one['test']['accuracy'] for one in found]):.1f}{count}" if found else "")
        for one in (plain_of(task), fastai_of(task)):
            shown.append(f"{100 * one['test']['accuracy']:.1f}" if one else "")
        probe, tuned = cells_of(task, "probe"), cells_of(task, "lpft")
        shown.append(f"{_paired(tuned[0], probe[0]):.3f}" if probe and tuned else "")
        lines.append(f"| {task} | " + " | ".join(shown) + " |")
    cells = all_cells()
    missing = [cell.name for cell in cells if not cell.path.exists()]
    lines += ["", f"Measured: {len(cells) - len(missing)} of {len(cells)} cells. "
              + (f"Missing: {', '.join(missing)}." if missing else ""), ""]
    return lines


def _paired(first: dict[str, Any], second: dict[str, Any]) -> float:
    one, other = (np.array(list(found["test"]["right"])) == "1" for found in (first, second))
    return exact_mcnemar(one, other)[2]


def few_labels() -> list[str]:
    """`contrastive` against SetFit and the probe."""
    path = RESULTS / "few_labels.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    lines = ["## Few labels: contrastive pairs against SetFit and a probe", "",
             "`starter:text`, the same training rows for all, five draws; right in 100 of at most 500 test items, and "
             "differences in points with the 95 % interval over the draws. TREC; the six commonest classes of "
             "GoEmotions (Apache-2.0) without neutral, rows with one label.", "",
             "| data | contrastive | SetFit | probe | over SetFit | over the probe |", "|---|---|---|---|---|---|"]
    for name, one in found.items():
        if name != "machine":
            means = [f"{100 * one['accuracy'][method]:.1f}" for method in ("contrastive", "setfit", "probe")]
            gaps = [f"{gap['mean']:+.1f} ({gap['low']:+.1f} to {gap['high']:+.1f})" if gap else ""
                    for gap in (one["over_setfit"], one["over_probe"])]
            lines.append(f"| {name} | " + " | ".join([*means, *gaps]) + " |")
    return [*lines, ""]
