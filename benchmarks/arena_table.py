"""What the arena and the comparison on few labels say, as tables; `results_table.py` puts them into
docs/RESULTS.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from arena import Cell, all_cells
from arena_cells import SINGLE, cells_of, fastai_of, plain_of
from arena_reach import Gap, reach
from arena_tasks import PHOTOS, TEXTS
from common import RESULTS

_OURS = (*SINGLE, "auto")


def arena() -> list[str]:
    """Every task with every strategy, as far as it was measured."""
    lines = [
        "## Arena: every strategy against a plain loop and fastai",
        "",
        (
            "Right in 100 test items, mean over the seeds that were measured (their number in"
            " brackets where there are several), with the starter of the task; at most 1,000"
            " training rows, the same files for all. The plain loop and fastai stand at the point"
            " of their grid that the validation items choose. Data: hymenoptera, digits"
            " (scikit-learn), PACS (research use), TREC, Sentiment Labelled Sentences (UCI, CC BY"
            " 4.0), two sets written for this project."
        ),
        "",
        "| task | " + " | ".join(_OURS) + " | plain loop | fastai |",
        "|---" * (len(_OURS) + 3) + "|",
    ]
    for task in (*PHOTOS, *TEXTS):
        shown = []
        for strategy in _OURS:
            cells = cells_of(task, strategy)
            count = f" ({len(cells)})" if len(cells) > 1 else ""
            shown.append(
                f"{100 * np.mean([one['test']['accuracy'] for one in cells]):.1f}{count}"
                if cells
                else ""
            )
        for one in (plain_of(task), fastai_of(task)):
            shown.append(f"{100 * one[0]['test']['accuracy']:.1f}" if one else "")
        lines.append(f"| {task} | " + " | ".join(shown) + " |")
    lines += ["", *_differences()]
    cells = all_cells()
    missing = [cell for cell in cells if not cell.path.exists()]
    lines += ["", f"Measured: {len(cells) - len(missing)} of {len(cells)} cells."]
    return [*lines, *_missing(missing), ""]


def _missing(cells: Sequence[Cell]) -> list[str]:
    """What was not measured: a line for each strategy, the seeds of a task in brackets."""
    seeds: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        task = cell.task + ("" if cell.starter.startswith("starter:") else " (MobileNetV2)")
        seeds.setdefault(cell.strategy, {}).setdefault(task, []).append(str(cell.seed))
    return [
        f"- Missing of {strategy}: "
        + ", ".join(f"{task} [{', '.join(found)}]" for task, found in tasks.items())
        for strategy, tasks in seeds.items()
    ]


def _differences() -> list[str]:
    """The comparisons, in points with their intervals."""
    gaps = reach()
    names = {
        "lpft_over_probe": "probe",
        "lpft_over_plain": "plain loop",
        "lpft_over_fastai": "fastai",
    }
    lines = [
        (
            "LP-FT (all measured seeds) less the other, in points: paired over"
            " items, 95 % bootstrap interval, p of the paired test after Holm over the tasks."
        ),
        "",
        "| task | " + " | ".join(f"over {name}" for name in names.values()) + " |",
        "|---" * 4 + "|",
    ]
    for task in (*PHOTOS, *TEXTS):
        shown = [gaps[key]["tasks"].get(task) for key in names]
        lines.append(
            f"| {task} | "
            + " | ".join(f"{_gap(one)}, p {one['p_holm']:.3f}" if one else "" for one in shown)
            + " |"
        )
    lines.append(
        "| **mean over tasks** | " + " | ".join(_gap(gaps[key]["mean"]) for key in names) + " |"
    )
    auto = gaps["auto_over_best_single"]
    if not auto["tasks"]:
        return lines
    listed = "; ".join(f"{task} {_gap(one)}" for task, one in auto["tasks"].items())
    return [
        *lines,
        "",
        (
            "The best within 10 minutes (`auto`) less the single strategy that turned out best on"
            f" the test, which nobody could have chosen: {listed}; mean {_gap(auto['mean'])}."
        ),
    ]


def _gap(one: Gap | None) -> str:
    return f"{one['points']:+.1f} ({one['low']:+.1f} to {one['high']:+.1f})" if one else ""


def few_labels() -> list[str]:
    """`contrastive` against SetFit and the probe."""
    path = RESULTS / "few_labels.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    lines = [
        "## Few labels: contrastive pairs against SetFit and a probe",
        "",
        (
            "`starter:text`, the same training rows for all, five draws; right in 100 of at most"
            " 500 test items, and differences in points with the 95 % interval over the draws."
            " TREC; the six commonest classes of GoEmotions (Apache-2.0) without neutral, rows with"
            " one label."
        ),
        "",
        "| data | contrastive | SetFit | probe | over SetFit | over the probe |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in figures.items():
        if name != "machine":
            means = [
                f"{100 * one['accuracy'][method]:.1f}"
                for method in ("contrastive", "setfit", "probe")
            ]
            gaps = [
                f"{gap['mean']:+.1f} ({gap['low']:+.1f} to {gap['high']:+.1f})" if gap else ""
                for gap in (one["over_setfit"], one["over_probe"])
            ]
            lines.append(f"| {name} | " + " | ".join([*means, *gaps]) + " |")
    return [*lines, ""]
