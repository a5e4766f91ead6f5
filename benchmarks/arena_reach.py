"""What the arena's cells add up to: differences paired over items and seeds, their intervals, Holm
over tasks.

`python benchmarks/arena_reach.py` writes `results/arena.json`, from which the tables of
docs/RESULTS.md and README's figures are taken. A task counts where both sides of its comparison
were measured.
"""

from __future__ import annotations

import json
from typing import TypedDict

import numpy as np
from arena import AUTO_TASKS
from arena_cells import SINGLE, Result, cells_of, fastai_of, plain_of
from arena_tasks import PHOTOS, TEXTS
from common import RESULTS
from numpy.typing import NDArray

from tl_core.evaluate.recommendation import paired_p
from tl_core.evaluate.scores.slices import holm

TARGET = RESULTS / "arena.json"
_DRAWS, _SIGNIFICANT = 5000, 0.05
Floats = NDArray[np.float64]


def shares(cells: list[Result]) -> Floats:
    """By test item, the share of the measured seeds that have it right (items,)."""
    return np.mean([[float(sign) for sign in cell["test"]["right"]] for cell in cells], axis=0)


def resampled(gaps: Floats, seed: int) -> Floats:
    """Means of `gaps` over items drawn with replacement (draws,)."""
    random = np.random.default_rng(seed)
    return gaps[random.integers(0, len(gaps), (_DRAWS, len(gaps)))].mean(axis=1)


class Gap(TypedDict, total=False):
    """A difference in points with its 95 % interval; tasks have the two p values as well."""

    points: float
    low: float
    high: float
    p: float
    p_holm: float


class Comparison(TypedDict):
    """Two sides: by task, and the mean over tasks."""

    tasks: dict[str, Gap]
    mean: Gap | None


def interval(value: float, draws: Floats) -> Gap:
    """A difference in points with its 95 % bootstrap interval."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return {"points": _points(value), "low": _points(low), "high": _points(high)}


def _points(share: float) -> float:
    return round(100 * float(share), 2) + 0.0  # which turns -0.0 into 0.0


def over(sides: dict[str, tuple[list[Result], list[Result]]]) -> Comparison:
    """First side less second, by task and as the mean over tasks.

    Args:
        sides: by task the cells (one a seed) of either side; tasks where one is empty are left out.

    Returns:
        `tasks`, each with `points`, `low`, `high`, `p` and `p_holm`; `mean` with its interval,
        items being drawn anew within each task; None where nothing was measured.
    """
    gaps = {
        task: shares(first) - shares(second)
        for task, (first, second) in sides.items()
        if first and second
    }
    draws = {task: resampled(one, number) for number, (task, one) in enumerate(gaps.items())}
    tasks = {task: interval(float(one.mean()), draws[task]) for task, one in gaps.items()}
    raw = {task: paired_p(shares(sides[task][0]), shares(sides[task][1])) for task in gaps}
    for task, adjusted in zip(gaps, holm(list(raw.values())), strict=True):
        tasks[task] |= {"p": round(raw[task], 4), "p_holm": round(adjusted, 4)}
    mean = (
        interval(
            float(np.mean([one.mean() for one in gaps.values()])),
            np.mean(list(draws.values()), axis=0),
        )
        if gaps
        else None
    )
    return {"tasks": tasks, "mean": mean}


def best_single(task: str) -> list[Result]:
    """Cells of the strategy that turned out best on the test, an upper bound that nobody could have
    chosen.
    """
    measured = [cells for cells in (cells_of(task, strategy) for strategy in SINGLE) if cells]
    return max(measured, key=lambda cells: float(shares(cells).mean()), default=[])


def reach() -> dict[str, Comparison]:
    """Every comparison that the arena is for."""
    tasks = (*PHOTOS, *TEXTS)
    tuned = {task: cells_of(task, "lpft") for task in tasks}
    probe = over({task: (tuned[task], cells_of(task, "probe")) for task in tasks})
    probed = probe["tasks"]
    return {
        "lpft_over_probe": (
            probe
            | {
                "significantly_below": [
                    task
                    for task, one in probed.items()
                    if one["points"] < 0 and one["p_holm"] < _SIGNIFICANT
                ],
                "photo_tasks_two_points_above": [
                    task for task in PHOTOS if task in probed and probed[task]["points"] >= 2
                ],
                "photo_tasks": sum(task in probed for task in PHOTOS),
            }
        ),
        "lpft_over_plain": over({task: (tuned[task], plain_of(task)) for task in tasks}),
        "lpft_over_fastai": over({task: (tuned[task], fastai_of(task)) for task in PHOTOS}),
        "auto_over_best_single": over(
            {task: (cells_of(task, "auto"), best_single(task)) for task in AUTO_TASKS}
        ),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(reach(), indent=1) + "\n")
