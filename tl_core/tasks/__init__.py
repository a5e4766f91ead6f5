"""The tasks, in one table; a further one is an entry here and a part for each layer."""

from __future__ import annotations

from typing import cast

from tl_core.errors import ConfigError, nearest
from tl_core.tasks.base import Decision, Task
from tl_core.tasks.multi_label import MULTI_LABEL
from tl_core.tasks.single_label import SINGLE_LABEL

__all__ = [
    "MULTI_LABEL",
    "SINGLE_LABEL",
    "TASKS",
    "Decision",
    "Task",
    "decision_of",
    "task_of",
    "task_of_model",
]

TASKS: dict[str, Task] = {one.name: one for one in (SINGLE_LABEL, MULTI_LABEL)}


def task_of(name: str) -> Task:
    """The task of that name.

    Raises:
        ConfigError: when there is none.
    """
    if name not in TASKS:
        raise ConfigError(f"There is no task {name!r}.", "", nearest(name, TASKS))
    return TASKS[name]


def task_of_model(problem_type: object) -> Task:
    """The task of a model whose configuration says that `problem_type`; one class where it says
    nothing.
    """
    return next((one for one in TASKS.values() if one.problem_type == problem_type), SINGLE_LABEL)


def decision_of(name: str) -> Decision:
    """How answers of a task are decided."""
    return cast(Decision, task_of(name).part("decision"))
