"""A Ray cluster whose machines are processes of this one, started as an administrator starts them
and closed by a token; any of them can be killed as a whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from common import free_port

from tl_core.errors import UserError
from tl_core.jobs.executors.executor_contract import SilentError
from tl_core.jobs.executors.ray_head import RayHead
from tl_core.settings import Settings

_STORE_BYTES = 80 << 20  # Ray asks for 75 MB at least
_READY_SECONDS = 240.0


@dataclass(frozen=True)
class Machine:
    """One of the cluster: its process with all that it has begun, and Ray's id for it."""

    process: psutil.Process
    id: str


class RayNodes:
    """Starts a head and whatever joins it.

    Args:
        environment: variables that runs find on every machine, beside those of this process but
            for the studio's, of which a cluster knows nothing.
        token: of the cluster; empty for one that is open to everybody.
    """

    def __init__(self, environment: Mapping[str, str], token: str | None = None) -> None:
        self.token = secrets.token_hex(16) if token is None else token
        # sockets lie below it, whose names may have 107 characters
        self._folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
        self._port, self._dashboard = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self._dashboard}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TL_")},
            **environment,
            "RAY_AUTH_MODE": "token" if self.token else "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            **({"RAY_AUTH_TOKEN": self.token} if self.token else {}),
        }
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def inside(self) -> dict[str, str]:
        """Variables by which a process joins the cluster, as a job of it does."""
        return {
            "RAY_ADDRESS": f"127.0.0.1:{self._port}",
            "RAY_AUTH_MODE": self._environment["RAY_AUTH_MODE"],
            "RAY_AUTH_TOKEN": self.token,
        }

    @property
    def head(self) -> RayHead:
        """What the head answers."""
        return RayHead(Settings(ray_address=self.address, ray_token=self.token))

    def start(self, processors: int) -> Machine:
        """Start the head."""
        return self._start(
            processors,
            *("--head", f"--port={self._port}", f"--dashboard-port={self._dashboard}"),
            *("--dashboard-host=127.0.0.1", f"--temp-dir={self._folder}"),
        )

    def join(self, processors: int) -> Machine:
        """Start a further machine."""
        return self._start(processors, f"--address=127.0.0.1:{self._port}")

    def _start(self, processors: int, *options: str) -> Machine:
        """Ray gives up by itself where a machine has not begun within 30 s; busy ones do later."""
        known, end = self._ids(), time.monotonic() + _READY_SECONDS
        process = self._begin(processors, *options)
        while time.monotonic() < end:
            if new := self._ids() - known:
                return Machine(psutil.Process(process.pid), new.pop())
            if process.poll() is not None:
                process = self._begin(processors, *options)
            time.sleep(0.3)
        logs = "\n".join(path.read_text() for path in sorted(self._folder.glob("node-*.log")))
        raise SystemExit(f"Ray did not start in {_READY_SECONDS:.0f} s:\n{logs}")

    def _begin(self, processors: int, *options: str) -> subprocess.Popen[bytes]:
        ports = ("dashboard-agent-listen-port", "metrics-export-port", "runtime-env-agent-port")
        with (self._folder / f"node-{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block"),
                    *("--node-ip-address=127.0.0.1", f"--num-cpus={processors}"),
                    *("--num-gpus=0", f"--object-store-memory={_STORE_BYTES}"),
                    *("--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats"),
                    *(f"--{name}={free_port()}" for name in ports),
                    *options,
                ],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
            )
        self._started.append(process)
        return process

    def _ids(self) -> set[str]:
        """Of all machines that have been seen; empty as long as the head does not answer."""
        with suppress(SilentError, UserError):
            return {node.name.rpartition("(")[2].rstrip(")") for node in self.head.nodes()}
        return set()

    @staticmethod
    def kill(machine: psutil.Process) -> None:
        """A machine loses its power: every process of it at once, runs included."""
        everything = [machine, *machine.children(recursive=True)]
        for process in everything:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(everything, timeout=10)

    def close(self) -> None:
        """End what is left of all machines."""
        for started in reversed(self._started):
            with suppress(psutil.Error):
                self.kill(psutil.Process(started.pid))
            started.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)
