"""Starting workers: the narrow seam between the queue and whatever carries out its runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.jobs import sandbox
from tl_core.jobs.monitor import gpu_count
from tl_core.registry.processes import start_time
from tl_core.settings import read_settings


class JobRunner(Protocol):
    """Carries out one claimed run elsewhere."""

    def submit(self, folder: Path) -> tuple[int, float]:
        """Start the run in `folder`; gives the process id and its start time."""

    def prepare(self) -> None:
        """Get ready for the next run, if that makes it start sooner."""

    def close(self) -> None:
        """Let go of what was prepared; running runs go on."""


class LocalRunner:
    """Worker processes on this machine, each in its own session so that it outlives us, and with no
    secret but those that its run needs.

    `prepare` keeps one process standing by with the heavy libraries imported, which takes ten
    seconds here; a run that finds it starts at once.

    Args:
        threads: for the computing of each.
        standby: whether one is kept.
        started: told the id of each run.
    """

    def __init__(
        self,
        threads: int,
        *,
        standby: bool = True,
        started: Callable[[str], None] = lambda _run_id: None,
    ) -> None:
        self._threads, self._wanted, self._started = threads, standby, started
        self._standby: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self._gpus: dict[int, str] = {}

    def submit(self, folder: Path) -> tuple[int, float]:
        config = RunConfig.read(folder)
        self._children = [child for child in self._children if child.poll() is None]  # reap
        gpu = self._pick_gpu(config)
        needs = sandbox.needs_of(config, read_settings())
        heavy = RUN_KINDS[config.kind].heavy
        waiting = self._hand_to_standby(folder, gpu, needs) if heavy else None
        process = waiting or self._start([str(folder)], folder / "worker.log", needs, gpu)
        self._children.append(process)
        self._gpus[process.pid] = gpu
        self._started(folder.name)
        return process.pid, start_time(process.pid)

    def _pick_gpu(self, config: RunConfig) -> str:
        """The number of the GPU that fewest of our running workers use; empty for all of them, or
        for none.
        """
        count = gpu_count()
        if count < 2 or config.options.get("processes", 1) != 1:
            return ""
        busy = [self._gpus.get(child.pid, "") for child in self._children]
        return min((str(number) for number in range(count)), key=lambda gpu: busy.count(gpu))

    def prepare(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]
        if self._wanted and (self._standby is None or self._standby.poll() is not None):
            self._standby = self._start(["--standby"], None, sandbox.needs_of_any(read_settings()))

    def close(self) -> None:
        if self._standby is not None and self._standby.stdin:
            self._standby.stdin.close()
            self._standby.wait(timeout=30)
            self._standby = None

    def _hand_to_standby(
        self, folder: Path, gpu: str, needs: sandbox.Needs
    ) -> subprocess.Popen[bytes] | None:
        process, self._standby = self._standby, None
        if process is None or process.poll() is not None or process.stdin is None:
            return None
        secrets = sandbox.granted(os.environ, needs)
        task = {"folder": str(folder), "gpu": gpu, "secrets": secrets}
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.close()
        except OSError:
            return None
        return process

    def _start(
        self, arguments: list[str], log: Path | None, needs: sandbox.Needs, gpu: str = ""
    ) -> subprocess.Popen[bytes]:
        environment = {
            **sandbox.scrubbed(os.environ, needs.secrets),
            "OMP_NUM_THREADS": str(self._threads),
            "PYTHONUNBUFFERED": "1",
            **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}),
        }
        target = log.open("ab") if log else None
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "tl_core.jobs.worker", *arguments],
                start_new_session=True,
                env=environment,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL if log else subprocess.PIPE,
                stdout=target or subprocess.DEVNULL,
                stderr=subprocess.STDOUT if target else subprocess.DEVNULL,
            )
        finally:
            if target:
                target.close()
