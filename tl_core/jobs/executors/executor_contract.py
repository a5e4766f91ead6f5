"""What every executor offers: the narrow seam between the queue and whatever carries out its runs.

The registry stays the only queue and the only policy (fair share, quotas, limits of time). An
executor is handed one run at a time, and says where the process of it is. There are two sorts:

- its job *is* a process of this machine (`local`, `ssh`): `Job.process` names it, the row of the
  run names it as well, and every reader sees at once when it has gone;
- its job is kept by another scheduler (`slurm`, `ray`): `Job.process` is None, the row holds the
  job's name, and the dispatcher alone asks the executor what has become of it. The worker takes the
  run over by the name of its job, which it finds in `TL_JOB` (one of `Needs.environment`), and
  needs the registry's database (PostgreSQL) and TL_HOME (a shared path) where it runs. A scheduler
  that begins a job again by itself sets `TL_YIELD=1` for it: a worker that is asked to go
  (SIGTERM) then lets the run wait for that, instead of ending it.

A new one is a module with `make(settings) -> Executor`, a line in `executor_table.py`, and its
title in `registry/elsewhere/executor_names.py`.

`tests/executors` tries every executor on the same list of mishaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

WAITING = "waiting"  # it has not begun, or its scheduler will begin it again by itself
RUNNING = "running"
ENDED = "ended"  # its process is over, however it ended: what the run came to is in its row
LOST = "lost"  # the machine is gone, or nobody knows the job: it is submitted again by the queue
STATES = (WAITING, RUNNING, ENDED, LOST)


@dataclass(frozen=True)
class Needs:
    """What a worker must find where it runs.

    Args:
        job: the name that the job is to bear: the id of its run, a hyphen, and something that no
            other attempt has. An executor whose jobs have names of their own keeps it beside them,
            so that `poll`, `logs` and `cancel` find the job by it.
        gpus: how many it can use; 0 where it computes with none. It also runs where there are
            none.
        processors: how many threads it should compute with.
        memory: bytes that it is expected to need; 0 where nobody knows.
        environment: variables that must be set for it, `TL_HOME` and `TL_JOB` among them. Some are
            secrets (`tl_core.jobs.sandbox.is_secret`): they may stand in no command line, log or
            list of jobs that others can read.
    """

    job: str
    gpus: int = 0
    processors: int = 1
    memory: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The id of the run."""
        return run_of(self.job)


def run_of(job: str) -> str:
    """The id of the run that a job is of."""
    return job.partition("-")[0]


@dataclass(frozen=True)
class Job:
    """A submitted run.

    Args:
        name: what `poll`, `logs` and `cancel` take. `Needs.job`, except where the job is a process
            of this machine.
        process: its id and its start time (`registry.processes.start_time`) where the job is a
            process of this machine, else None.
    """

    name: str
    process: tuple[int, float] | None = None


@dataclass(frozen=True)
class Node:
    """One machine of an executor.

    Args:
        name: of the machine.
        processors: that there are.
        memory: bytes that there are; 0 where that is not told.
        gpus: that there are.
        state: in the executor's own word, such as `idle`.
    """

    name: str
    processors: int
    memory: int = 0
    gpus: int = 0
    state: str = ""


@dataclass(frozen=True)
class Resources:
    """What an executor has.

    Args:
        slots: runs that train there at the same time.
        nodes: the machines, those that are away among them.
    """

    slots: int
    nodes: tuple[Node, ...] = ()

    @property
    def processors(self) -> int:
        """Of all nodes together."""
        return sum(node.processors for node in self.nodes)

    @property
    def memory(self) -> int:
        """Bytes of all nodes together."""
        return sum(node.memory for node in self.nodes)

    @property
    def gpus(self) -> int:
        """Of all nodes together."""
        return sum(node.gpus for node in self.nodes)


class SilentError(Exception):
    """The scheduler gives no answer now: patience, nothing has died. `submit` may raise it only
    where nothing was submitted, or where a job that was submitted all the same does no harm: its
    worker finds that the run is not its own and goes away.
    """


class Executor(Protocol):
    """Says where the process of a run lives.

    Every method may raise `SilentError`; none may take longer than half a minute, since the
    dispatcher waits for it.
    """

    name: str

    def submit(self, folder: Path, needs: Needs) -> Job:
        """Start `python -m tl_core.jobs.worker FOLDER` there; what it prints goes to `worker.log`
        in the folder.

        Raises:
            UserError: where it is refused; the run has then failed, with these words.
        """

    def poll(self, job: str) -> str:
        """One of `STATES`."""

    def logs(self, job: str) -> str:
        """What the process and the scheduler have said so far, the scheduler first; the last lines
        where it is long. Empty where there is nothing (yet).
        """

    def cancel(self, job: str) -> None:
        """End it there; a job that is over, or that nobody knows, is no error."""

    def check(self) -> None:
        """Look whether it can work.

        Raises:
            UserError: what is missing, why that is needed, and what to try.
        """

    def resources(self) -> Resources:
        """What there is, as it is now."""


class HereExecutor(Executor, Protocol):
    """An executor on this machine, which can keep a process ready."""

    def prepare(self) -> None:
        """Get ready for the next run, if that makes it start sooner."""

    def close(self) -> None:
        """Let go of what was prepared; running runs go on."""
