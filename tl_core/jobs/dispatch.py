"""The dispatcher: one process that takes queued runs in turn and starts a worker for each free
slot.

`python -m tl_core.jobs.dispatch [--forever]`. A second one finds the lock held and goes away.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import psutil
from sqlalchemy import Engine, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError, OperationalError

from tl_core.config.kinds import TRAIN, lanes
from tl_core.database.engine import open_database
from tl_core.database.tables import locks
from tl_core.jobs.monitor import gpu_count
from tl_core.jobs.runner import JobRunner, LocalRunner
from tl_core.log import setup_logging
from tl_core.registry.processes import is_alive, own_identity
from tl_core.registry.queue import RunWriter, mark_dead, sweep
from tl_core.registry.trash import expired
from tl_core.settings import Settings, read_settings
from tl_core.storage import remove_expired, remove_tree

_LOCK = "dispatcher"
_TURN_SECONDS = 0.3
_IDLE_SECONDS = 600.0  # a dispatcher that nobody needs goes away; submitting starts another
_CLEAN_SECONDS = 3600.0
_SETTLE_SECONDS = 5.0  # quiet time before a worker is made to stand by
_STANDBY_FREE_BYTES = 4 << 30  # memory that must be free before a worker is kept standing by
_started: list[
    subprocess.Popen[bytes]
] = []  # by this process; kept so that ended ones can be reaped
log = logging.getLogger(__name__)


class Dispatcher:
    """Holds the lock and turns the queue; `turn` is one round, without waiting."""

    def __init__(
        self, engine: Engine, home: Path, runner: JobRunner, slots: dict[str, int]
    ) -> None:
        self.engine, self._home, self._runner, self._slots = engine, home, runner, slots
        self._writer = RunWriter(engine)
        self.last_busy = time.monotonic()

    def acquire(self) -> bool:
        """Take the lock, or see that a living dispatcher holds it."""
        host, pid, started = own_identity()
        mine = {"host": host, "pid": pid, "pid_started": started, "heartbeat": time.time()}
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(locks).values(name=_LOCK, **mine))
            return True
        except IntegrityError:
            with self.engine.begin() as connection:
                row = connection.execute(select(locks).where(locks.c.name == _LOCK)).first()
                if row is None or is_alive(
                    row.host, row.pid, row.pid_started, row.heartbeat, time.time()
                ):
                    return False
                return bool(
                    connection.execute(
                        update(locks)
                        .where(
                            locks.c.name == _LOCK,
                            locks.c.pid == row.pid,
                            locks.c.pid_started == row.pid_started,
                        )
                        .values(**mine)
                    ).rowcount
                )

    def release(self) -> None:
        """Give the lock back if it is ours."""
        _, pid, _ = own_identity()
        with self.engine.begin() as connection:
            connection.execute(sql_delete(locks).where(locks.c.name == _LOCK, locks.c.pid == pid))

    def turn(self) -> None:
        """Mark the dead, start what fits, show a sign of life."""
        for run_id in mark_dead(self.engine):
            log.warning("run %s has lost its process", run_id)
        busy = False
        for lane, slots in self._slots.items():
            while (running := self._writer.running(lane)) < slots:
                claimed = self._writer.claim_next(lane)
                if claimed is None:
                    break
                run_id, folder = claimed
                self._writer.hand_over(run_id, *self._runner.submit(self._home / folder))
                log.info("run %s started", run_id)
                running += 1
            busy = busy or running > 0
        if busy:
            self.last_busy = time.monotonic()
        elif self._may_prepare():
            self._runner.prepare()
        with self.engine.begin() as connection:
            connection.execute(
                update(locks).where(locks.c.name == _LOCK).values(heartbeat=time.time())
            )

    def _may_prepare(self) -> bool:
        """Whether a worker may stand by: not while the app is just starting, and only with memory
        to spare.
        """
        return (
            time.monotonic() - self.last_busy > _SETTLE_SECONDS
            and psutil.virtual_memory().available > _STANDBY_FREE_BYTES
        )


def slots_of(settings: Settings) -> dict[str, int]:
    """Slots by lane: training takes one per GPU (one without); imports and predictions have one of
    their own.
    """
    return {
        TRAIN: settings.number("workers") if settings.workers else max(1, gpu_count()),
        **dict.fromkeys(lanes() - {TRAIN}, 1),
    }


def ensure_dispatcher(settings: Settings) -> None:
    """Start a dispatcher in the background if none lives and none is run as a service."""
    if settings.dispatcher == "external":
        return
    _started[:] = [process for process in _started if process.poll() is None]
    engine = open_database(settings)
    with engine.connect() as connection:
        row = connection.execute(select(locks).where(locks.c.name == _LOCK)).first()
    if row and is_alive(row.host, row.pid, row.pid_started, row.heartbeat, time.time()):
        return
    with (settings.home_path / "dispatcher.log").open("ab") as target:
        _started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tl_core.jobs.dispatch"],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[2],
                env={**os.environ, "TL_HOME": str(settings.home_path)},
            )
        )


def main(arguments: list[str]) -> int:
    """Turn the queue until idle (or for ever); 0 also when another dispatcher is at work."""
    setup_logging()
    settings = read_settings()
    slots = slots_of(settings)
    runner = LocalRunner(max(1, (os.cpu_count() or 1) // slots["train"]))
    dispatcher = Dispatcher(open_database(settings), settings.home_path, runner, slots)
    if not dispatcher.acquire():
        return 0
    signal.signal(signal.SIGTERM, _leave)
    cleaned = 0.0
    try:
        while "--forever" in arguments or time.monotonic() - dispatcher.last_busy < _IDLE_SECONDS:
            try:
                dispatcher.turn()
            except OperationalError:
                log.exception("the database did not answer; trying again")
            if time.monotonic() - cleaned > _CLEAN_SECONDS:
                cleaned = time.monotonic()
                remove_expired(settings)
                sweep(dispatcher.engine, settings.home_path)
                empty_trash(dispatcher.engine, settings)
            time.sleep(_TURN_SECONDS)
    finally:
        runner.close()
        dispatcher.release()
    return 0


def empty_trash(engine: Engine, settings: Settings) -> int:
    """Remove for good what has lain in the trash for `TL_TRASH_DAYS` days; gives how much."""
    limit = time.time() - settings.number("trash_days") * 86_400
    return sum(remove_tree(folder) for folder in expired(engine, settings.home_path, limit))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
