"""A studio that can be broken: server, dispatcher and workers as real processes with whatever has
to start them again, a PostgreSQL of its own behind a wire that can be cut, a small disk, and a
clock that can be set.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import fault_kind
import httpx
import psutil
from common import free_port
from sqlalchemy import Engine, select

from tl_core.database.engine import open_database
from tl_core.database.tables import locks
from tl_core.registry.processes import is_alive
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings

ROOT = Path(__file__).parents[1]
_DISK_MB = 1500


def postgres_binaries() -> Path | None:
    """Where `initdb` and `pg_ctl` of the newest PostgreSQL lie."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Cluster:
    """A PostgreSQL server with its data in `folder`. It refuses to run as root, so there it runs as
    the account that its package brings.
    """

    def __init__(self, folder: Path) -> None:
        binaries = postgres_binaries()
        if binaries is None:
            raise SystemExit("PostgreSQL is not installed: apt-get install postgresql.")
        self._binaries, self._data, self.port = binaries, folder / "data", free_port()
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        self._call("initdb", "-D", str(self._data), "-A", "trust", "-U", "graft", "-N")
        self.start()

    def _call(self, program: str, *arguments: str) -> None:
        before = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*before, str(self._binaries / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )

    def start(self) -> None:
        options = f"-p {self.port} -k {self._data} -c listen_addresses=127.0.0.1"
        log = str(self._data / "server.log")
        self._call("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def stop(self, mode: str) -> None:
        """`fast` ends all sessions; `immediate` is a crash."""
        self._call("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """SIGKILL for the server and all its processes."""
        main = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        for process in [main, *main.children(recursive=True)]:
            with suppress(psutil.Error):
                process.kill()
        main.wait(10)


class Wire:
    """The way to the database: a TCP proxy that passes on, holds everything back, or is cut."""

    def __init__(self, target: int) -> None:
        self._target, self.port = target, free_port()
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())

    def _do(self, what: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._writers.add(back)
        try:
            far, out = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(out)
            await asyncio.gather(self._pass_on(near, out), self._pass_on(far, back))
        except OSError:
            back.close()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                await self._flowing.wait()
                target.write(data)
                await target.drain()
        except OSError:
            pass  # the other side has gone
        finally:
            target.close()
            self._writers.discard(target)

    def cut(self) -> None:
        """All connections end, and new ones are refused."""
        self._do(self._cut())

    async def _cut(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    def mend(self) -> None:
        self._do(self._listen())

    def hold(self) -> None:
        """Connections stand, and nothing comes through."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)

    def close(self) -> None:
        self.cut()
        time.sleep(0.2)  # what was passed on meanwhile ends
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Service:
    """A process that is started again a second after its end, as `restart: unless-stopped` does."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, environment, log
        self._wanted, self.process = True, self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as target:
            return subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=target,
                start_new_session=True,
            )

    def _watch(self) -> None:
        while self._wanted:
            self.process.wait()
            time.sleep(1.0)
            if self._wanted:
                self.process = self._start()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    def end(self) -> None:
        self._wanted = False
        self.kill()


class World:
    """One studio and all that can break in it."""

    def __init__(self, folder: Path, home: Path, *, postgres: bool, small_disk: bool) -> None:
        self.home, self.small_disk, self.port = home, small_disk, free_port()
        self._folder = folder
        self.cluster = Cluster(folder / "postgres") if postgres else None
        self.wire = Wire(self.cluster.port) if self.cluster else None
        url = f"postgresql://graft@127.0.0.1:{self.wire.port}/postgres" if self.wire else ""
        self.settings = Settings(home=str(home), database_url=url)
        environment = {
            **os.environ,
            **fault_kind.install(folder),
            "TL_HOME": str(home),
            "TL_DATABASE_URL": url,
            "TL_WORKERS": "2",
            "TL_DISPATCHER": "external" if postgres else "",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        self.engine: Engine = open_database(self.settings)
        self.runs = RunStore(self.engine, "local", home)
        app = [sys.executable, "-m", "pages.shell.launch", "--port", str(self.port)]
        queue = [sys.executable, "-m", "tl_core.jobs.dispatch", "--forever"]
        self.app = Service(app, environment, folder / "app.log")
        self.queue = Service(queue, environment, folder / "queue.log") if postgres else None

    def set_clock(self, seconds: float) -> None:
        """Let the processes of the studio see a time that is so much later than the true one."""
        fault_kind.set_clock(self._folder, seconds)

    def answers(self) -> bool:
        """Whether the server is ready, its database and disk included, and shows its first page."""
        url = f"http://localhost:{self.port}"
        try:
            return all(
                httpx.get(url + path, timeout=2).status_code == 200 for path in ("/api/ready", "/")
            )
        except httpx.HTTPError:
            return False

    def dispatcher(self) -> int | None:
        """The process that turns the queue, if one lives."""
        with self.engine.connect() as connection:
            row = connection.execute(select(locks)).first()
        alive = row and is_alive(row.host, row.pid, row.pid_started, row.heartbeat, time.time())
        return row.pid if alive else None

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Not a byte is free in the studio's home meanwhile."""
        ballast = self.home / "ballast"
        block = bytes(1 << 20)
        with ballast.open("wb", buffering=0) as target:
            while len(block) > 1:
                try:
                    target.write(block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    block = block[: len(block) // 2]
        try:
            yield
        finally:
            ballast.unlink()

    def processes(self) -> list[psutil.Process]:
        """All of the studio's."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                named = str(self.home) in " ".join(process.cmdline())
                ours = process.environ().get("TL_HOME") == str(self.home)
                if (named or ours) and process.pid != os.getpid():
                    found.append(process)
        return found

    def close(self) -> None:
        self.app.end()
        if self.queue:
            self.queue.end()
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
                process.wait(10)
        self.engine.dispose()
        if self.wire:
            self.wire.close()
        if self.cluster:
            self.cluster.stop("immediate")


@contextmanager
def world(*, postgres: bool) -> Iterator[World]:
    """A studio on a disk of its own that can be filled, where this process may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o755)  # the account of the database has to come through
    home = folder / "home"
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(home)]
    small = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    made = None
    try:
        made = World(folder, home, postgres=postgres, small_disk=small)
        until(made.answers, 60)
        yield made
    finally:
        if made:
            made.close()
        if small:
            subprocess.run(["umount", "-l", str(home)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def until(condition: Callable[[], object], seconds: float) -> float | None:
    """Seconds until something holds; None where it does not in that time."""
    started = time.monotonic()
    while (gone := time.monotonic() - started) < seconds:
        if condition():
            return gone
        time.sleep(0.1)
    return None
