"""The tasks, in one table; a second one is an entry here and a part for each layer."""

from __future__ import annotations

from typing import cast

from tl_core.errors import ConfigError, nearest
from tl_core.tasks.base import Decision, Task
from tl_core.tasks.single_label import SINGLE_LABEL

__all__ = ["SINGLE_LABEL", "TASKS", "Decision", "Task", "decision_of", "task_of"]

TASKS: dict[str, Task] = {SINGLE_LABEL.name: SINGLE_LABEL}


def task_of(name: str) -> Task:
    """The task of that name.

    Raises:
        ConfigError: when there is none.
    """
    if name not in TASKS:
        raise ConfigError(f"There is no task {name!r}.", "", nearest(name, TASKS))
    return TASKS[name]


def decision_of(name: str) -> Decision:
    """How answers of a task are decided."""
    return cast(Decision, task_of(name).part("decision"))
