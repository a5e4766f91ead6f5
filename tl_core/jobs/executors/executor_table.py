"""The executors by name."""

from __future__ import annotations

from importlib import import_module

from tl_core.errors import ConfigError, nearest
from tl_core.jobs.executors.executor_contract import Executor
from tl_core.settings import Settings

_HERE = "tl_core.jobs.executors"
EXECUTORS = {
    "local": f"{_HERE}.local",
    "ssh": f"{_HERE}.ssh",
    "slurm": f"{_HERE}.slurm",
    "ray": f"{_HERE}.ray_jobs",
}  # modules, imported when asked for


def executor(name: str, settings: Settings) -> Executor:
    """The executor `name`, made anew; nothing is asked of it yet.

    Raises:
        ConfigError: when there is none of that name, or a setting of it cannot be.
    """
    if name not in EXECUTORS:
        raise ConfigError(
            f"There is no executor {name!r}.",
            f"TL_EXECUTOR and runs name one of {', '.join(EXECUTORS)}.",
            nearest(name, EXECUTORS),
        )
    made: Executor = import_module(EXECUTORS[name]).make(settings)
    return made
