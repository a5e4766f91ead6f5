"""The dispatcher: one process that takes queued runs in turn and starts a worker for each free
slot.

`python -m tl_core.jobs.dispatch [--forever]`. A second one finds the lock held and goes away; with
`--beside` it trains beside the first, on another machine with a home of its own.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil
from sqlalchemy import Engine, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tl_core.access.accounts import clear_sessions
from tl_core.config import RunConfig
from tl_core.config.kinds import TRAIN, lanes
from tl_core.database.away import NO_ANSWER
from tl_core.database.engine import open_database
from tl_core.database.tables import locks
from tl_core.errors import ErrorObject, UserError
from tl_core.jobs import sandbox
from tl_core.jobs.executors import local
from tl_core.jobs.executors.asked import needs_of
from tl_core.jobs.executors.executor_contract import Executor, HereExecutor, Job, Needs, SilentError
from tl_core.jobs.executors.executor_table import executor as executor_of
from tl_core.jobs.executors.watch import SILENT_SECONDS, Watch
from tl_core.jobs.keeper import start_keeper
from tl_core.jobs.notify import Notices
from tl_core.log import setup_logging
from tl_core.registry.elsewhere.executor_names import LOCAL, SPREADING
from tl_core.registry.elsewhere.placed import PlacedRuns
from tl_core.registry.processes import HOST, is_alive, own_identity
from tl_core.registry.queue import QueueChanges, RunWriter, mark_dead, sweep
from tl_core.registry.scheduling.clock_setting import ClockWatch, move_times
from tl_core.registry.scheduling.lane import note_slots
from tl_core.registry.scheduling.run_times import end_overdue
from tl_core.registry.trash import empty_trash, remove_checkpoints
from tl_core.registry.uploads import clear_uploads
from tl_core.settings import Settings, read_settings
from tl_core.storage import remove_expired

_LOCK = "dispatcher"
_TURN_SECONDS = 0.3
_IDLE_SECONDS = 600.0  # a dispatcher that nobody needs goes away; submitting starts another
_CLEAN_SECONDS = 3600.0
_SETTLE_SECONDS = 5.0  # quiet time before a worker is made to stand by
_STANDBY_FREE_BYTES = 4 << 30  # memory that must be free before a worker is kept standing by
_NOT_STARTED: ErrorObject = {
    "code": "start",
    "what": "Its process could not be started.",
    "why": "",
    "try_this": "Resume it. If it happens again, the log of the dispatcher says more.",
}
_started: list[subprocess.Popen[bytes]] = []  # by this process; kept so that they can be reaped
log = logging.getLogger(__name__)


class Dispatcher:
    """Holds the lock and turns the queue; `turn` is one round, without waiting.

    Args:
        engine: of the registry.
        home: TL_HOME.
        here: carries runs out on this machine.
        slots: by lane.
        clock: gives seconds since 1970.
        trains: carries out what trains, and all that has several processes where it spreads them;
            None where that is done here as well.
        started: told the id of each run.
        beside: whether it trains beside another dispatcher, from a home of its own: it has a lock
            of its own and counts what runs on this machine.
    """

    def __init__(
        self,
        engine: Engine,
        home: Path,
        here: HereExecutor,
        slots: dict[str, int],
        clock: Callable[[], float] = time.time,
        *,
        trains: Executor | None = None,
        started: Callable[[str], None] = lambda _run_id: None,
        beside: bool = False,
    ) -> None:
        self._lock, self._beside = lock_beside(home) if beside else _LOCK, beside
        self.engine, self._home, self._here, self._slots = engine, home, here, slots
        self._trains, self._started = trains or here, started
        self._writer, self._clock, self._told = RunWriter(engine, clock), clock, False
        self._placed, self._watch = PlacedRuns(engine, clock), Watch(engine, clock)
        self._silent_until = 0.0  # what trains gave no answer
        self._unnamed: dict[str, tuple[str, Job]] = {}  # jobs whose rows do not name them yet
        self._named: set[str] = set()  # runs that are done in this very process
        self.last_busy = time.monotonic()

    def acquire(self) -> bool:
        """Take the lock, or see that a living dispatcher holds it."""
        host, pid, started = own_identity()
        mine = {"host": host, "pid": pid, "pid_started": started, "heartbeat": time.time()}
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(locks).values(name=self._lock, **mine))
            return True
        except IntegrityError:
            with self.engine.begin() as connection:
                row = connection.execute(select(locks).where(locks.c.name == self._lock)).first()
                if row is None or is_alive(
                    row.host, row.pid, row.pid_started, row.heartbeat, time.time()
                ):
                    return False
                return bool(
                    connection.execute(
                        update(locks)
                        .where(
                            locks.c.name == self._lock,
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
            connection.execute(
                sql_delete(locks).where(locks.c.name == self._lock, locks.c.pid == pid)
            )

    def turn(self) -> None:
        """Mark the dead, end what has had its time, start what fits, show a sign of life."""
        if not self._told and not self._beside:  # on its first turn: only the lock's holder turns
            note_slots(self.engine, self._slots)
            self._told = True
        self._settle_claims()
        for run_id in mark_dead(self.engine, self._clock):
            log.warning("run %s has lost its process", run_id, extra={"run": run_id})
        for run_id in end_overdue(self.engine, read_settings(), self._clock):
            log.warning("run %s has had its time", run_id, extra={"run": run_id})
        self._end_deaf()
        self._watch.look()
        busy = False
        for lane, slots in self._slots.items():
            executor = self._trains if lane == TRAIN else self._here
            while (running := self._running(lane)) < slots and self._answers(executor):
                claimed = self._writer.claim_next(lane)
                if claimed is None:
                    break
                running += self._start(executor, *claimed)
            busy = busy or running > 0
        if busy or self._writer.waiting():  # for its owner's GPU minutes, for example
            self.last_busy = time.monotonic()
        elif self._may_prepare():
            self._here.prepare()
        with self.engine.begin() as connection:
            connection.execute(
                update(locks).where(locks.c.name == self._lock).values(heartbeat=time.time())
            )

    def _running(self, lane: str) -> int:
        """How many runs of a lane use our slots."""
        if self._beside:
            return self._writer.running(lane, hosts=(HOST,))
        with self.engine.connect() as connection:
            query = select(locks.c.host).where(locks.c.name.startswith(f"{_LOCK} "))
            others = set(connection.execute(query).scalars()) - {HOST}
        return self._writer.running(lane, but=others)

    def _answers(self, executor: Executor) -> bool:
        return executor is not self._trains or time.monotonic() >= self._silent_until

    def _start(self, executor: Executor, run_id: str, folder: Path) -> bool:
        """Start a worker for a run that has just been claimed; one that cannot be started has
        failed, and does not keep its slot. Where a scheduler gives no answer it waits on.
        """
        try:
            executor = self._spreading(folder) or executor
            self._unnamed[run_id] = executor.name, self._submit(executor, self._home / folder)
        except SilentError as error:
            log.warning("%s gives no answer: %s", executor.name, error)
            self._silent_until = time.monotonic() + SILENT_SECONDS
            self._placed.put_back(run_id)
            return False
        except UserError as error:
            log.warning("run %s is not taken: %s", run_id, error, extra={"run": run_id})
            self._writer.finish(run_id, "failed", reason=error.as_dict())
            return False
        except Exception as error:
            log.exception("run %s could not be started", run_id, extra={"run": run_id})
            self._fail(run_id, str(error)[:200])
            return False
        log.info("run %s started", run_id, extra={"run": run_id})
        self._name()
        self._started(run_id)
        return True

    def _spreading(self, folder: Path) -> Executor | None:
        """What spreads the processes of a run over several machines, whatever its lane; None where
        nothing does, or gives no answer now: the run is then done where its lane is.
        """
        if self._trains.name not in SPREADING or not self._answers(self._trains):
            return None
        several = int(RunConfig.read(self._home / folder).options.get("processes", 1)) > 1
        return self._trains if several else None

    def _submit(self, executor: Executor, folder: Path) -> Job:
        """Hand a run to an executor. Its row says so before: what happens in between loses nothing,
        and the worker may be quicker than we are.
        """
        if executor is self._here:
            return executor.submit(folder, Needs(folder.name))
        needs = needs_of(folder.name, RunConfig.read(folder), read_settings())
        self._placed.name(folder.name, executor.name, needs.job)
        return executor.submit(folder, needs)

    def _name(self) -> None:
        """Hand what has been started over to its workers; again where the database was away."""
        for run_id, (executor, job) in list(self._unnamed.items()):
            if job.process is None:
                self._placed.place(run_id, job.name)
            else:
                self._writer.hand_over(run_id, *job.process, executor)
                self._named |= {run_id} if job.process[0] == os.getpid() else set[str]()
            del self._unnamed[run_id]

    def _settle_claims(self) -> None:
        """What this process has claimed and never started, since the database or the disk was away
        in that moment, would keep its slot for ever: this process lives.
        """
        self._name()
        for run_id in set(self._writer.claimed()) - self._named:
            self._fail(run_id, "The database was away when it was to be started.")

    def _fail(self, run_id: str, why: str) -> None:
        self._writer.finish(run_id, "failed", reason={**_NOT_STARTED, "why": why})

    def _end_deaf(self) -> None:
        """End workers of this machine that are to end and whose heart has stopped, with all that
        they have started; those whose heart beats end themselves.
        """
        for pid in self._writer.deaf():
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == pid != os.getpid():
                    os.killpg(pid, signal.SIGKILL)

    def _may_prepare(self) -> bool:
        """Whether a worker may stand by: not while the app is just starting, and only with memory
        to spare.
        """
        return (
            time.monotonic() - self.last_busy > _SETTLE_SECONDS
            and psutil.virtual_memory().available > _STANDBY_FREE_BYTES
        )


def lock_beside(home: Path) -> str:
    """The lock of a dispatcher of this machine and home that trains beside others."""
    return f"{_LOCK} {hashlib.sha256(f'{HOST} {home}'.encode()).hexdigest()[:16]}"


def slots_of(settings: Settings, trains: Executor | None = None) -> dict[str, int]:
    """Slots by lane: training takes one per GPU (one without), or as many as the executor `trains`
    has; imports and predictions have one of their own.
    """
    slots = local.train_slots(settings)
    if trains is not None and not settings.workers:
        try:
            slots = trains.resources().slots
        except (SilentError, UserError) as error:  # all else goes on; trainings are told as much
            log.warning("%s does not say how many runs it takes: %s", trains.name, error)
    return {TRAIN: slots, **dict.fromkeys(lanes() - {TRAIN}, 1)}


def training_executor(settings: Settings) -> Executor | None:
    """The executor that TL_EXECUTOR names for what trains; None where that is this machine.

    Raises:
        ConfigError: when there is none of that name.
    """
    return None if settings.executor == LOCAL else executor_of(settings.executor, settings)


def ensure_dispatcher(settings: Settings) -> None:
    """Start a dispatcher in the background if none lives and none is run as a service.

    Raises:
        ConfigError: when TL_EXECUTOR names no executor.
    """
    if settings.dispatcher == "external":
        return
    training_executor(settings)
    _started[:] = [process for process in _started if process.poll() is None]
    engine = open_database(settings)
    with engine.connect() as connection:
        row = connection.execute(select(locks).where(locks.c.name == _LOCK)).first()
    if row and is_alive(row.host, row.pid, row.pid_started, row.heartbeat, time.time()):
        return
    of_store = sandbox.OF_THE_STORE if settings.store else frozenset()
    with (settings.home_path / "dispatcher.log").open("ab") as target:
        _started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tl_core.jobs.dispatch"],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[2],
                env={
                    **sandbox.scrubbed(os.environ, sandbox.OF_A_DISPATCHER | of_store),
                    "TL_HOME": str(settings.home_path),
                },
            )
        )


def main(arguments: list[str]) -> int:
    """Turn the queue until idle (or for ever); 0 also when another dispatcher is at work, 2 where a
    setting forbids it.
    """
    settings = read_settings()
    setup_logging(as_json=settings.json_log)
    try:
        trains = training_executor(settings)
    except UserError as error:
        log.error("no dispatcher: %s", error)
        return error.exit_code
    engine, beside = open_database(settings), "--beside" in arguments
    notices, here = Notices(settings, engine), local.make(settings)
    slots = slots_of(settings, trains)
    dispatcher = Dispatcher(
        *(engine, settings.home_path, here, {TRAIN: slots[TRAIN]} if beside else slots),
        trains=trains,
        started=notices.expect,
        beside=beside,
    )
    if not dispatcher.acquire():
        return 0
    signal.signal(signal.SIGTERM, _leave)
    keeper = start_keeper(engine, settings)
    cleaned, watch, changes = 0.0, ClockWatch(), QueueChanges(engine)
    try:
        while "--forever" in arguments or time.monotonic() - dispatcher.last_busy < _IDLE_SECONDS:
            try:
                if not beside and (by := watch.set_by()):
                    log.warning("the clock was set by %.0f seconds", by)
                    move_times(engine, by)
                    watch.known()
                if changes.due():
                    dispatcher.turn()
                    notices.send()
                if time.monotonic() - cleaned > _CLEAN_SECONDS:
                    cleaned = time.monotonic()
                    _clean_home(engine, settings) if beside else _clean(engine, settings)
            except (*NO_ANSWER, OSError):
                log.exception("the database did not answer, or the disk is full; trying again")
            time.sleep(_TURN_SECONDS)
    finally:
        here.close()
        keeper.close()
        dispatcher.release()
        notices.close()
    return 0


def _clean(engine: Engine, settings: Settings) -> None:
    """Remove what has had its time."""
    _clean_home(engine, settings)
    clear_uploads(engine, settings)
    clear_sessions(engine, settings)
    empty_trash(engine, settings)
    remove_checkpoints(engine, settings)


def _clean_home(engine: Engine, settings: Settings) -> None:
    """The same in a home alone."""
    remove_expired(settings)
    sweep(engine, settings.home_path)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
