"""The arena's cells as they were measured, and the grid point of a reference that validation
chooses.
"""

from __future__ import annotations

import json
from typing import TypedDict

from arena import CELLS, FAST_EPOCHS, GRID, all_cells, plain_name, starter_of
from arena_tasks import PHOTOS


class Scores(TypedDict, total=False):
    """One split: accuracy, log loss where it is known, and by item 0 or 1 for right."""

    accuracy: float
    log_loss: float
    right: str


class Result(TypedDict, total=False):
    """A cell as it was measured; `search` and `board` are of `auto` alone."""

    machine: dict[str, object]
    seconds: float
    val: Scores
    test: Scores
    search: dict[str, object]
    board: list[list[object]]


SINGLE = ("probe", "lpft", "full", "lora", "contrastive")


def read(name: str) -> Result:
    """A cell, or nothing."""
    path = CELLS / f"{name}.json"
    cell: Result = json.loads(path.read_text()) if path.exists() else {}
    return cell


def cells_of(task: str, strategy: str) -> list[Result]:
    """The seeds of a strategy that were measured, with the task's own starter."""
    names = [
        cell.name
        for cell in all_cells()
        if (cell.task, cell.strategy, cell.starter) == (task, strategy, starter_of(task))
    ]
    return [cell for cell in map(read, names) if cell]


def plain_of(task: str) -> list[Result]:
    """The plain loop at the grid point that validation chooses; nothing before all points are
    there.
    """
    rates, epochs = GRID[task in PHOTOS]
    return _chosen([cells_of(task, plain_name(rate, count)) for rate in rates for count in epochs])


def fastai_of(task: str) -> list[Result]:
    """fastai with the number of epochs that validation chooses; nothing before all were
    measured.
    """
    return _chosen([cells_of(task, f"fastai_{count}") for count in FAST_EPOCHS])


def _chosen(grid: list[list[Result]]) -> list[Result]:
    if not all(grid):
        return []
    return max(
        grid, key=lambda cells: (cells[0]["val"]["accuracy"], -cells[0]["val"].get("log_loss", 0.0))
    )
