"""Places where runs are carried out, each with ways to break it, for one suite of executors."""

from __future__ import annotations

import atexit
import importlib.util
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests_support import stepping
from tests_support.fake_slurm import Slurm
from tests_support.local_sshd import Sshd
from tests_support.postgres import new_database
from tests_support.processes import kill_all, of_home
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs.dispatch import Dispatcher, slots_of, training_executor
from tl_core.jobs.events import read_events
from tl_core.jobs.executors import local
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

if TYPE_CHECKING:
    from ray_nodes import Machine, RayNodes


class Place:
    """A studio whose trainings an executor carries out; the queue is turned by `until`.

    Args:
        folder: empty, for what it needs.
        monkeypatch: sets variables of this process.
    """

    name = "local"
    again = False  # whether its machine can be lost; the run then goes on by itself

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder, self.environment = folder, monkeypatch
        stepping.install(folder / "steps")
        monkeypatch.setenv("PYTHONPATH", str(folder / "steps"))
        monkeypatch.setenv("TL_EXECUTOR", self.name)
        monkeypatch.setenv("TL_JOB_PROCESSORS", "2")
        monkeypatch.setenv("TL_WORKERS", "1")
        self.set_up()
        self.settings = read_settings()
        self.engine = open_database(self.settings)
        self.runs = RunStore(self.engine, "local", self.settings.home_path)
        self.restart()

    def set_up(self) -> None:
        """Bring up what the executor needs."""

    def restart(self) -> None:
        """The dispatcher has gone, and another one comes that knows nothing."""
        trains = training_executor(self.settings)
        here = local.LocalExecutor(2, standby=False)
        slots = slots_of(self.settings, trains)
        self.executor = trains or here
        self.dispatcher = Dispatcher(
            self.engine, self.settings.home_path, here, slots, trains=trains
        )

    def queue(self, steps: int):
        """A training of so many steps."""
        options = {"epochs": steps}
        config = RunConfig("train", "local", "d@1", "", "starter:text", "finetune", options)
        return self.runs.create(config)

    def until(self, condition, seconds: float = 150.0):
        """Turn the queue until something holds; gives it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.dispatcher.turn()
            if found := condition():
                return found
            time.sleep(0.1)
        raise AssertionError(f"it did not happen within {seconds:.0f} seconds")

    def until_ended(self, run, status: str):
        """Turn the queue until the run has ended; gives it."""
        found = self.until(
            lambda: (now := self.runs.get(run.id)).status not in ("queued", "running") and now,
            300.0,  # a real Slurm begins what it has requeued after two minutes
        )
        assert found.status == status, (found.reason, self.executor.logs(found.job or found.id))
        return found

    def until_at(self, run, step: int) -> None:
        """Turn the queue until the run has done so many steps."""
        self.until(lambda: self.steps(run) >= step)

    def steps(self, run) -> int:
        """How many steps the events tell, as anybody here reads them."""
        told = [event["done"] for event in read_events(run.folder)[0] if event["type"] == "batch"]
        return max(told, default=0)

    def kill_worker(self, run) -> None:
        """The process that does the work is killed."""
        os.kill(self.runs.get(run.id).pid, signal.SIGKILL)

    def close(self) -> None:
        kill_all(self.settings.home_path)


class SlurmPlace(Place):
    """The fake Slurm; its jobs run on this machine."""

    name, again = "slurm", True

    def set_up(self) -> None:
        self.slurm = Slurm(self.folder / "slurm")
        path = self.slurm.install()
        self.environment.setenv("SLURM_CONF", str(self.slurm.folder))
        self.environment.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")

    def job(self, run):
        """What Slurm knows of the newest job of a run."""
        return [job for job in self.slurm.jobs() if run.id in job["name"]][-1]

    def lose_machine(self, run) -> None:
        self.slurm.lose_node(self.job(run)["id"])

    def close(self) -> None:
        for job in self.slurm.jobs():
            self.slurm.signal(job["id"], signal.SIGKILL)
        super().close()


class SshPlace(Place):
    """Another machine, which is this one behind an SSH server of the test's own."""

    name = "ssh"

    def set_up(self) -> None:
        self.there = self.folder / "there"
        (self.there).mkdir()
        (self.there / "starters").symlink_to((self.folder.parent / "home" / "starters").resolve())
        self.sshd = Sshd(self.folder / "sshd", {"PYTHONPATH": str(self.folder / "steps")})
        for name, value in self.sshd.settings(self.there).items():
            self.environment.setenv(name, value)

    def kill_worker(self, run) -> None:
        for process in of_home(self.there):
            if "tl_core.jobs.worker" in process.cmdline():
                process.kill()

    def close(self) -> None:
        super().close()
        self.sshd.cut()
        kill_all(self.there)


class RealSlurmPlace(Place):
    """A real Slurm of two nodes on this machine, and PostgreSQL; see `benchmarks/real_slurm.py`."""

    name, again = "slurm", True

    def set_up(self) -> None:
        self.environment.syspath_prepend(str(stepping.ROOT / "benchmarks"))
        from real_slurm import RealSlurm

        self.opened = ExitStack()
        url = self.opened.enter_context(new_database())
        self.environment.setenv("TL_DATABASE_URL", url)
        self.environment.setenv("SLURM_CONF", "")  # to be put back afterwards
        self.slurm = RealSlurm(self.folder / "slurm")

    def lose_machine(self, run) -> None:
        now = self.runs.get(run.id)
        self.slurm.lose(self.slurm.node_of(now.job), now.pid)

    def close(self) -> None:
        self.slurm.close()
        super().close()
        self.engine.dispose()
        self.opened.close()


class RayPlace(Place):
    """A real Ray cluster of a head without processors and one machine, and PostgreSQL. The cluster
    is started once for all tests; a machine that is lost is replaced.
    """

    name, again = "ray", True
    _started: list[tuple[RayNodes, Machine]] = []  # the cluster and its machine

    def set_up(self) -> None:
        self.opened = ExitStack()
        self.environment.setenv("TL_DATABASE_URL", self.opened.enter_context(new_database()))
        if not self._started:
            self._started.append(self._start())
        nodes, _ = self._started[0]
        self.environment.setenv("TL_RAY_ADDRESS", nodes.address)
        self.environment.setenv("TL_RAY_TOKEN", nodes.token)

    @staticmethod
    def _start() -> tuple[RayNodes, Machine]:
        benchmarks = str(stepping.ROOT / "benchmarks")
        sys.path.append(benchmarks)
        from ray_nodes import RayNodes

        sys.path.remove(benchmarks)
        steps = Path(tempfile.mkdtemp()) / "steps"  # a cluster has its variables for all runs
        stepping.install(steps)
        nodes = RayNodes({"PYTHONPATH": str(steps)})
        atexit.register(nodes.close)
        nodes.start(0)
        return nodes, nodes.join(2)

    def lose_machine(self, run) -> None:
        nodes, machine = self._started[0]
        nodes.kill(machine.process)
        self._started[0] = nodes, nodes.join(2)

    def close(self) -> None:
        super().close()
        self.engine.dispose()
        self.opened.close()


PLACES = {place.name: place for place in (Place, SlurmPlace, SshPlace)}
if importlib.util.find_spec("ray"):
    PLACES["ray"] = RayPlace
if os.environ.get("TL_TEST_SLURM"):  # by hand: it takes minutes, and its packages
    PLACES["real slurm"] = RealSlurmPlace
