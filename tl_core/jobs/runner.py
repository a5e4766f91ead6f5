"""Starting workers: the narrow seam between the queue and whatever carries out its runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tl_core.config import RunConfig
from tl_core.registry.processes import start_time

_HEAVY = ("train", "predict", "preflight")  # what needs the libraries that a worker standing by has imported


class JobRunner(Protocol):
    """Carries out one claimed run elsewhere."""

    def submit(self, folder: Path) -> tuple[int, float]:
        """Start the run in `folder`; gives the process id and its start time."""

    def prepare(self) -> None:
        """Get ready for the next run, if that makes it start sooner."""

    def close(self) -> None:
        """Let go of what was prepared; running runs go on."""


class LocalRunner:
    """Worker processes on this machine, each in its own session so that it outlives us.

    `prepare` keeps one process standing by with the heavy libraries imported, which takes ten seconds here; a run
    that finds it starts at once.
    """

    def __init__(self, threads: int, *, standby: bool = True) -> None:
        self._threads, self._wanted = threads, standby
        self._standby: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[bytes]] = []

    def submit(self, folder: Path) -> tuple[int, float]:
        heavy = RunConfig.read(folder).kind in _HEAVY
        waiting = self._hand_to_standby(folder) if heavy else None
        process = waiting or self._start([str(folder)], folder / "worker.log")
        self._children = [child for child in self._children if child.poll() is None] + [process]
        return process.pid, start_time(process.pid)

    def prepare(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]  # reap
        if self._wanted and (self._standby is None or self._standby.poll() is not None):
            self._standby = self._start(["--standby"], None)

    def close(self) -> None:
        if self._standby is not None and self._standby.stdin:
            self._standby.stdin.close()
            self._standby.wait(timeout=30)
            self._standby = None

    def _hand_to_standby(self, folder: Path) -> subprocess.Popen[bytes] | None:
        process, self._standby = self._standby, None
        if process is None or process.poll() is not None or process.stdin is None:
            return None
        try:
            process.stdin.write(f"{folder}\n".encode())
            process.stdin.close()
        except OSError:
            return None
        return process

    def _start(self, arguments: list[str], log: Path | None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": str(self._threads), "PYTHONUNBUFFERED": "1"}
        target = log.open("ab") if log else None
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "tl_core.jobs.worker", *arguments], start_new_session=True, env=environment,
                cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL if log else subprocess.PIPE,
                stdout=target or subprocess.DEVNULL, stderr=subprocess.STDOUT if target else subprocess.DEVNULL)
        finally:
            if target:
                target.close()
