"""The other side of the line: a studio of its own with one run in it.

`python -m tl_core.jobs.executors.by_ssh.there RUN` speaks lines of JSON. It is told variables and
how much of the growing files is known, says how the run stands here, waits for `start` where it
does not run, and tells what happens until the line ends. The worker outlives it. `--facts` tells of
the machine and goes away.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from tl_core import __version__
from tl_core.database.engine import open_database
from tl_core.database.tables import metadata, runs
from tl_core.jobs.executors.by_ssh.cargo import TOLD
from tl_core.jobs.executors.executor_contract import Needs
from tl_core.jobs.executors.local import LocalExecutor
from tl_core.jobs.monitor import read_machine
from tl_core.registry.processes import own_identity
from tl_core.registry.queue import RunWriter, mark_dead
from tl_core.registry.run import ACTIVE
from tl_core.settings import read_settings

_TICK_SECONDS = 0.4
_MOST_BYTES = 1 << 20  # of a file in one line
_END = ""  # the line has ended
BEGUN = ("running", "done")  # what needs no start
_FACTS = ("status", "reason", "headline", "summary", "progress", "recipe", "backbone", "dataset")


def main(arguments: list[str]) -> int:
    """Entry point; see the module."""
    if arguments == ["--facts"]:
        _say({"version": __version__, "machine": read_machine()})
        return 0
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    os.environ.update(told["environment"])
    settings = read_settings()
    engine, home, run = open_database(settings), settings.home_path, arguments[0]
    mark_dead(engine)
    known = (_facts(engine, run) or {"status": "none"})["status"]
    _say({"known": known})
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    _Telling(engine, home, run, told["have"], begun=known in BEGUN).tell(lines)
    return 0


def _listen(lines: queue.Queue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put(_END)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _facts(engine: Engine, run: str) -> dict[str, Any] | None:
    """How the run stands here; None for one that was never here."""
    with engine.connect() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run)).first()
    if row is None:
        return None
    facts = {name: getattr(row, name) for name in _FACTS}
    return {**facts, "still": (row.heartbeat or 0.0) - (row.moved or row.heartbeat or 0.0)}


class _Telling:
    """Tells what happens to one run, and hears what is wanted of it."""

    def __init__(
        self, engine: Engine, home: Path, run: str, have: dict[str, int], *, begun: bool
    ) -> None:
        self._engine, self._home, self._run, self._have = engine, home, run, have
        self._begun = begun  # else what is known is how it ended the last time
        self._folder = home / "runs" / run

    def tell(self, lines: queue.Queue[str]) -> None:
        """Until the line ends."""
        while True:
            with suppress(queue.Empty):
                line = lines.get(timeout=_TICK_SECONDS)
                if line == _END:
                    return
                self._hear(json.loads(line))
            mark_dead(self._engine)
            facts = _facts(self._engine, self._run)  # first: what is told then is all there is
            for name in TOLD:
                self._tell_file(name)
            if facts is not None and self._begun:
                _say({"facts": facts})

    def _tell_file(self, name: str) -> None:
        with suppress(FileNotFoundError), (self._folder / name).open("rb") as handle:
            handle.seek(self._have.get(name, 0))
            while data := handle.read(_MOST_BYTES):
                self._have[name] = self._have.get(name, 0) + len(data)
                _say({"file": name, "text": data.decode("latin-1")})

    def _hear(self, wish: dict[str, Any]) -> None:
        if "start" in wish:
            self._start(wish["start"])
        elif wish["ask"] == "end":
            self._end()
        else:
            with self._engine.begin() as connection:
                connection.execute(
                    update(runs)
                    .where(runs.c.id == self._run, runs.c.status == "running")
                    .values({f"{wish['ask']}_requested": True})
                )

    def _start(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        """Write the rows that the run needs, and start its worker."""
        host, pid, started = own_identity()
        now = time.time()
        with self._engine.begin() as connection:
            for name, wanted in rows.items():
                table = metadata.tables[name]
                for row in wanted:
                    if name == "runs" and row["status"] in ACTIVE and row["id"] != self._run:
                        continue
                    connection.execute(delete(table).where(table.c.id == row["id"]))
                    connection.execute(insert(table).values(row))
            connection.execute(
                update(runs)
                .where(runs.c.id == self._run)
                .values(
                    status="running",
                    host=host,
                    pid=pid,
                    pid_started=started,
                    job="",
                    started=now,
                    heartbeat=now,
                    moved=now,
                    cancel_requested=False,
                    stop_requested=False,
                    reason=None,
                )
            )
        here = LocalExecutor(int(os.environ["OMP_NUM_THREADS"]), standby=False, home=self._home)
        job = here.submit(self._folder, Needs(self._run))
        if job.process is not None:
            RunWriter(self._engine).hand_over(self._run, *job.process)
        self._begun = True

    def _end(self) -> None:
        """The system of the other side is going down: the worker hears it as if it were ours."""
        with self._engine.connect() as connection:
            pid = connection.execute(select(runs.c.pid).where(runs.c.id == self._run)).scalar()
        if pid and pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
