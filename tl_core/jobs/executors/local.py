"""Workers on this machine: the executor `local`. A run's job is the process that does it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.jobs import sandbox
from tl_core.jobs.courier import is_needed
from tl_core.jobs.executors.executor_contract import (
    ENDED,
    LOST,
    RUNNING,
    Job,
    Needs,
    Node,
    Resources,
    run_of,
)
from tl_core.jobs.monitor import gpu_count, read_machine
from tl_core.registry.elsewhere.executor_names import LOCAL
from tl_core.registry.processes import HOST, is_alive, start_time
from tl_core.settings import Settings, read_settings

_TOLD_BYTES = 64 << 10  # of a log, its last ones
_ROOT = Path(__file__).parents[3]


def train_slots(settings: Settings) -> int:
    """Runs that train at the same time on this machine: one per GPU, one without."""
    return settings.number("workers") if settings.workers else max(1, gpu_count())


def make(settings: Settings) -> LocalExecutor:
    """The executor of these settings; its workers share the processors."""
    threads = max(1, _processors() // train_slots(settings))
    return LocalExecutor(threads, home=settings.home_path)


def _processors() -> int:
    """How many there are for computing: as many as OMP_NUM_THREADS says, else all of this
    machine. Threads that wait for processors which others use would turn in circles.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() else os.cpu_count() or 1


def job_of(run_id: str, pid: int, started: float) -> str:
    """The name of the job whose process is known."""
    return f"{run_id}-{pid}-{started}"


def last_lines(path: Path) -> str:
    """The end of a log; empty where there is none."""
    try:
        with path.open("rb") as handle:
            handle.seek(0, os.SEEK_END)
            handle.seek(max(0, handle.tell() - _TOLD_BYTES))
            return handle.read().decode("utf-8", "replace")
    except OSError:
        return ""


class LocalExecutor:
    """Worker processes on this machine, each in its own session so that it outlives us, and with no
    secret but those that its run needs.

    `prepare` keeps one process standing by with the heavy libraries imported, which takes ten
    seconds here; a run that finds it starts at once.

    Args:
        threads: for the computing of each.
        standby: whether one is kept.
        home: TL_HOME, for what workers have said.
    """

    name = LOCAL

    def __init__(self, threads: int, *, standby: bool = True, home: Path | None = None) -> None:
        self._threads, self._wanted = threads, standby
        self._home = home or read_settings().home_path
        self._standby: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self._gpus: dict[int, str] = {}

    def submit(self, folder: Path, needs: Needs) -> Job:
        """Start a worker, or give the run to the one that stands by; it needs nothing beside what
        this process has itself.
        """
        if is_needed(folder, read_settings()):
            return self._send_courier(folder, needs.run)
        config = RunConfig.read(folder)
        self._children = [child for child in self._children if child.poll() is None]  # reap
        gpu = self._pick_gpu(config)
        granted = sandbox.needs_of(config, read_settings())
        heavy = RUN_KINDS[config.kind].heavy
        waiting = self._hand_to_standby(folder, gpu, granted) if heavy else None
        process = waiting or self._start([str(folder)], folder / "worker.log", granted, gpu)
        return self._started(process, needs.run, gpu)

    def _started(self, process: subprocess.Popen[bytes], run_id: str, gpu: str) -> Job:
        self._children.append(process)
        self._gpus[process.pid] = gpu
        started = start_time(process.pid)
        return Job(job_of(run_id, process.pid, started), (process.pid, started))

    def _send_courier(self, folder: Path, run_id: str) -> Job:
        """Start what fetches the run and what it reads, and then becomes its worker."""
        folder.mkdir(parents=True, exist_ok=True)
        self._children = [child for child in self._children if child.poll() is None]
        gpu = self._least_used_gpu()
        module, log = "tl_core.jobs.courier", folder / "worker.log"
        keep = sandbox.OF_A_DISPATCHER | sandbox.OF_THE_STORE
        environment = sandbox.scrubbed(os.environ, keep)
        process = self._open([module, str(folder)], log, environment, gpu)
        return self._started(process, run_id, gpu)

    def poll(self, job: str) -> str:
        """Running as long as the process is the one that was started."""
        process = process_of(job)
        if process is None:
            return LOST
        return RUNNING if is_alive(HOST, *process, None, 0.0) else ENDED

    def logs(self, job: str) -> str:
        """What the worker has said."""
        return last_lines(self._home / "runs" / run_of(job) / "worker.log")

    def cancel(self, job: str) -> None:
        """Kill the process with all that it has started."""
        process = process_of(job)
        if process is None or self.poll(job) != RUNNING:
            return
        pid, _ = process
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == pid != os.getpid():
                os.killpg(pid, signal.SIGKILL)

    def check(self) -> None:
        """This machine is always there."""

    def resources(self) -> Resources:
        """Processors, memory and GPUs of this machine."""
        machine = read_machine()
        about = (machine["cores"], machine["memory_total"], len(machine["gpus"]))
        return Resources(train_slots(read_settings()), (Node(socket.gethostname(), *about),))

    def _pick_gpu(self, config: RunConfig) -> str:
        """The number of the GPU that fewest of our running workers use; empty for all of them, or
        for none.
        """
        return "" if config.options.get("processes", 1) != 1 else self._least_used_gpu()

    def _least_used_gpu(self) -> str:
        count = gpu_count()
        if count < 2:
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
        environment = sandbox.without_store(sandbox.scrubbed(os.environ, needs.secrets))
        return self._open(["tl_core.jobs.worker", *arguments], log, environment, gpu)

    def _open(
        self, module: list[str], log: Path | None, environment: dict[str, str], gpu: str
    ) -> subprocess.Popen[bytes]:
        environment = {
            **environment,
            "OMP_NUM_THREADS": str(self._threads),
            "PYTHONUNBUFFERED": "1",
            **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}),
        }
        target = log.open("ab") if log else None
        try:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                start_new_session=True,
                env=environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL if log else subprocess.PIPE,
                stdout=target or subprocess.DEVNULL,
                stderr=subprocess.STDOUT if target else subprocess.DEVNULL,
            )
        finally:
            if target:
                target.close()


def process_of(job: str) -> tuple[int, float] | None:
    """The process that a job is; None where its name tells none."""
    parts = job.split("-")
    try:
        return int(parts[1]), float(parts[2])
    except (IndexError, ValueError):
        return None
