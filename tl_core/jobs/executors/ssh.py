"""Workers on another machine by SSH: the executor `ssh`. A run's job is its attendant here, see
`by_ssh/attendant.py`; the other machine needs nothing of the registry.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tl_core import __version__
from tl_core.config import RunConfig
from tl_core.errors import UserError
from tl_core.jobs import sandbox
from tl_core.jobs.executors.by_ssh.line import line_of
from tl_core.jobs.executors.executor_contract import (
    ENDED,
    LOST,
    RUNNING,
    Job,
    Needs,
    Node,
    Resources,
    SilentError,
    run_of,
)
from tl_core.jobs.executors.local import job_of, last_lines, process_of
from tl_core.registry.elsewhere.executor_names import SSH
from tl_core.registry.processes import HOST, is_alive, start_time
from tl_core.settings import Settings

_ROOT = Path(__file__).parents[3]
_THERE = "tl_core.jobs.executors.by_ssh.there"
_LOG = "ssh.log"  # of the attendant, beside the worker's


def make(settings: Settings) -> SshExecutor:
    """The executor of these settings.

    Raises:
        ConfigError: when they do not name a machine and its folders.
    """
    return SshExecutor(settings)


class SshExecutor:
    """Attendants here, workers there.

    Args:
        settings: host, folders and Python there.
    """

    name = SSH

    def __init__(self, settings: Settings) -> None:
        self._settings, self._home = settings, settings.home_path
        self._line = line_of(settings)
        self._children: list[subprocess.Popen[bytes]] = []

    def submit(self, folder: Path, needs: Needs) -> Job:
        """Start the attendant of a run."""
        self._children = [child for child in self._children if child.poll() is None]  # reap
        secrets = sandbox.needs_of(RunConfig.read(folder), self._settings).secrets
        environment = {
            **sandbox.scrubbed(os.environ, frozenset({*secrets, "SSH_AUTH_SOCK"})),
            "OMP_NUM_THREADS": "1",  # it computes nothing
            "PYTHONUNBUFFERED": "1",
        }
        with (folder / _LOG).open("ab") as target:
            process = subprocess.Popen(
                [sys.executable, "-m", "tl_core.jobs.executors.by_ssh.attendant", str(folder)],
                start_new_session=True,
                env=environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT,
            )
        self._children.append(process)
        started = start_time(process.pid)
        return Job(job_of(needs.run, process.pid, started), (process.pid, started))

    def poll(self, job: str) -> str:
        """Running as long as the attendant lives."""
        process = process_of(job)
        if process is None:
            return LOST
        return RUNNING if is_alive(HOST, *process, None, 0.0) else ENDED

    def logs(self, job: str) -> str:
        """What the attendant has said of the line, then what the worker has said there."""
        folder = self._home / "runs" / run_of(job)
        said = (last_lines(folder / _LOG), last_lines(folder / "worker.log"))
        return "\n".join(part for part in said if part)

    def cancel(self, job: str) -> None:
        """Let the attendant end the worker and itself."""
        process = process_of(job)
        if process is not None and self.poll(job) == RUNNING:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process[0], signal.SIGTERM)

    def check(self) -> None:
        """Whether the machine is reached without a question, and has the same program.

        Raises:
            UserError: when not.
        """
        for program in ("ssh", "rsync"):
            if shutil.which(program) is None:
                raise UserError(
                    f"There is no {program} on this machine.",
                    "Runs are brought to the other machine by it.",
                    f"Install {program}, here and there.",
                )
        try:
            self._line.ask("rsync", "--version")
            version = str(self._facts()["version"])
        except SilentError as error:
            raise UserError(
                f"The machine {self._line.host} is not reached.",
                f"{error}.",
                "Look whether it is up; what waits is started when it answers.",
            ) from error
        if version != __version__:
            raise UserError(
                f"The machine {self._line.host} has another version of this program.",
                f"It has {version}, here is {__version__}.",
                "Update the older one.",
            )

    def resources(self) -> Resources:
        """Processors, memory and GPUs there."""
        machine = self._facts()["machine"]
        gpus = len(machine["gpus"])
        slots = self._settings.number("workers") if self._settings.workers else max(1, gpus)
        node = Node(self._line.host, machine["cores"], machine["memory_total"], gpus)
        return Resources(slots, (node,))

    def _facts(self) -> dict[str, Any]:
        told = self._line.ask_module(_THERE, "--facts")
        try:
            facts: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise UserError(
                f"The machine {self._line.host} says what nobody understands.",
                f"{told[:200]!r}.",
                "A shell that prints at each start does that: let it be quiet.",
            ) from error
        return facts
