"""What commands and pages tell of executors: whether each can work here, and what it has."""

from __future__ import annotations

from typing import TypedDict

from tl_core.errors import UserError
from tl_core.jobs.executors.executor_contract import SilentError
from tl_core.jobs.executors.executor_table import EXECUTORS, executor
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.settings import Settings


class NodeFacts(TypedDict):
    """One machine; memory in bytes, 0 where that is not told."""

    name: str
    processors: int
    memory: int
    gpus: int
    state: str


class ExecutorFacts(TypedDict):
    """An executor as it stands: `problem` is empty where it can work, and the rest is then known.
    `slots` are trainings at the same time.
    """

    name: str
    title: str
    chosen: bool
    problem: str
    slots: int
    nodes: list[NodeFacts]


def facts_of(name: str, settings: Settings) -> ExecutorFacts:
    """Ask one executor; it may take some seconds to answer.

    Raises:
        ConfigError: when there is none of that name.
    """
    found: ExecutorFacts = {
        "name": name,
        "title": title_of(name),
        "chosen": name == settings.executor,
        "problem": "",
        "slots": 0,
        "nodes": [],
    }
    if name not in EXECUTORS:
        executor(name, settings)
    try:
        asked = executor(name, settings)
        asked.check()
        there = asked.resources()
    except (UserError, SilentError) as error:
        return {**found, "problem": str(error)}
    return {
        **found,
        "slots": there.slots,
        "nodes": [
            {
                "name": node.name,
                "processors": node.processors,
                "memory": node.memory,
                "gpus": node.gpus,
                "state": node.state,
            }
            for node in there.nodes
        ],
    }


def log_of(executor_name: str, job: str, settings: Settings) -> str:
    """What a scheduler and the worker have said of a job; in words why that is not known.

    Args:
        executor_name: as the run's row has it; empty for runs of earlier versions.
        job: as the run's row has it, or the run's id where it has none.
        settings: of this process.
    """
    try:
        return executor(executor_name or "local", settings).logs(job)
    except (UserError, SilentError) as error:
        return str(error)
