"""The arena's cells as they were measured, and the grid point of a reference that validation
chooses.
"""

from __future__ import annotations

import json
from typing import Any

from arena import CELLS, FAST_EPOCHS, GRID, all_cells, plain_name, starter_of
from arena_tasks import PHOTOS

SINGLE = ("probe", "lpft", "full", "lora", "contrastive")


def read(name: str) -> dict[str, Any]:
    """A cell, or nothing."""
    path = CELLS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def cells_of(task: str, strategy: str) -> list[dict[str, Any]]:
    """The seeds of a strategy that were measured, with the task's own starter."""
    names = [
        cell.name
        for cell in all_cells()
        if (cell.task, cell.strategy, cell.starter) == (task, strategy, starter_of(task))
    ]
    return [found for found in map(read, names) if found]


def plain_of(task: str) -> list[dict[str, Any]]:
    """The plain loop at the grid point that validation chooses; nothing before all points are
    there.
    """
    rates, epochs = GRID[task in PHOTOS]
    return _chosen([cells_of(task, plain_name(rate, count)) for rate in rates for count in epochs])


def fastai_of(task: str) -> list[dict[str, Any]]:
    """fastai with the number of epochs that validation chooses; nothing before all were
    measured.
    """
    return _chosen([cells_of(task, f"fastai_{count}") for count in FAST_EPOCHS])


def _chosen(grid: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    if not all(grid):
        return []
    return max(
        grid, key=lambda cells: (cells[0]["val"]["accuracy"], -cells[0]["val"].get("log_loss", 0.0))
    )
