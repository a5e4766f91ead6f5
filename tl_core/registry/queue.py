"""The queue as workers and dispatchers see it: claiming and owning a running row, and noticing that
its process has gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, Row, and_, func, or_, select, update

from tl_core.config.kinds import kinds_of
from tl_core.database.tables import runs
from tl_core.database.turns import alone
from tl_core.errors import CANCELLED, ErrorObject
from tl_core.registry.processes import (
    HOST,
    STALE_SECONDS,
    Absences,
    is_alive,
    own_identity,
)
from tl_core.registry.quotas import Quotas
from tl_core.registry.run import ACTIVE
from tl_core.registry.scheduling.fair_share import Queued, by_owner, next_run
from tl_core.registry.scheduling.lane import read_lane, window_of
from tl_core.registry.scheduling.ledger import Asked, Need, begin, settle
from tl_core.settings import read_settings
from tl_core.storage import is_left, remove_tree

_DIED = {
    "code": "interrupted",
    "what": "The process that did the work has gone.",
    "why": "It was stopped from outside, or the machine restarted or ran out of memory.",
    "try_this": "Resume it; finished parts are kept.",
}
_AT_ONCE = 500  # folders that are looked up in one query
_LOOK_SECONDS = 1.0  # between two looks at a queue in which nothing has changed
_BY_STATUS = (
    select(runs.c.status, func.count(), func.max(runs.c.queued), func.max(runs.c.started))
    .where(runs.c.status.in_(ACTIVE))
    .group_by(runs.c.status)
    .order_by(runs.c.status)
)
absences = Absences()


class QueueChanges:
    """Whether it is time to look at the whole queue again: something came, began or ended, or the
    last look is a second ago. It asks one small question, so that an idle dispatcher costs little.

    Args:
        engine: of the registry.
        steady: seconds of a clock that nobody sets.
    """

    def __init__(self, engine: Engine, steady: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._steady = engine, steady
        self._seen: list[tuple[object, ...]] = []
        self._next = 0.0

    def due(self) -> bool:
        """True where a look is due; it counts as taken."""
        with self._engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(_BY_STATUS)]
        now = self._steady()
        if found == self._seen and now < self._next:
            return False
        self._seen, self._next = found, now + _LOOK_SECONDS
        return True


class RunWriter:
    """The worker's and dispatcher's side: claiming and owning one running row. No acting user;
    never in pages.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock = engine, clock

    def claim_next(self, lane: str) -> tuple[str, Path] | None:
        """Take the run of a lane whose turn it is by fair share, see `scheduling.fair_share`; None
        where nobody's may start. Gives its id and its folder inside TL_HOME.
        """
        settings = read_settings()
        quotas = Quotas(self._engine, settings, self._clock)
        while True:
            now = self._clock()
            with self._engine.connect() as connection:
                state = read_lane(connection, lane, quotas, settings, now, 1)
            queues = by_owner(state.queued)
            run = next_run(queues, state.stints, now, window_of(settings), state.full)
            if run is None:
                return None
            row = self._take(run, lane, state.most.get(run.owner), now)
            if row is not None:  # else another dispatcher was quicker: the order is another one
                return row.id, Path(row.folder)

    def _take(
        self, run: Queued, lane: str, most: int | None, now: float
    ) -> Row[tuple[object, ...]] | None:
        """Make a waiting run a running one, unless it waits no more or its owner has enough."""
        host, pid, started = own_identity()
        about = [runs.c.id == run.run, runs.c.status == "queued"]
        if most is not None:
            others = runs.alias()
            about.append(
                select(func.count())
                .select_from(others)
                .where(
                    others.c.owner == runs.c.owner,
                    others.c.status == "running",
                    others.c.kind.in_(kinds_of(lane)),
                )
                .scalar_subquery()
                < most
            )
        values = {"status": "running", "started": now, "heartbeat": now, "moved": now}
        identity = {"host": host, "pid": pid, "pid_started": started}
        with self._engine.begin() as connection:
            alone(connection, f"lane {lane}")
            if not connection.execute(
                update(runs).where(*about).values(**values, **identity)
            ).rowcount:
                return None
            row = connection.execute(select(runs).where(runs.c.id == run.run)).one()
            asked = Asked(row.id, row.owner, row.kind, row.recipe)
            begin(connection, asked, Need(run.seconds, run.known, run.gpus), now)
        return row

    def running(self, lane: str, *, hosts: Collection[str] = (), but: Collection[str] = ()) -> int:
        """How many runs of a lane are running; on some hosts alone, or on all but some."""
        about = [runs.c.status == "running", runs.c.kind.in_(kinds_of(lane))]
        if hosts:
            about.append(runs.c.host.in_(hosts))
        if but:
            about.append(or_(runs.c.host.is_(None), runs.c.host.not_in(but)))
        with self._engine.connect() as connection:
            return int(
                connection.execute(
                    select(func.count()).select_from(runs).where(*about)
                ).scalar_one()
            )

    def waiting(self) -> bool:
        """Whether any run waits, in any lane."""
        with self._engine.connect() as connection:
            query = select(runs.c.id).where(runs.c.status == "queued").limit(1)
            return connection.execute(query).first() is not None

    def deaf(self) -> list[int]:
        """Processes of this machine that live and are to end, but have shown no sign of life for
        as long as would count as death elsewhere.
        """
        now = self._clock()
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(runs).where(
                    runs.c.status == "running",
                    runs.c.cancel_requested,
                    runs.c.host == HOST,
                    runs.c.job == "",  # else its scheduler ends it
                    runs.c.heartbeat < now - STALE_SECONDS,
                )
            ).all()
        return [
            row.pid
            for row in rows
            if is_alive(row.host, row.pid, row.pid_started, row.heartbeat, now)
        ]

    def hand_over(self, run_id: str, pid: int, started: float, executor: str = "local") -> None:
        """Name the worker process as the one that must be alive."""
        values = {"pid": pid, "pid_started": started, "heartbeat": self._clock()}
        self._set(run_id, **values, executor=executor, job="")

    def claimed(self) -> list[str]:
        """Runs that this process has claimed and not handed over."""
        host, pid, _ = own_identity()
        about = (runs.c.status == "running", runs.c.host == host, runs.c.pid == pid)
        with self._engine.connect() as connection:
            return list(connection.execute(select(runs.c.id).where(*about)).scalars())

    def take_over(self, run_id: str) -> bool:
        """Name this process as the one that does a run; False where the run is not, or no more,
        this process's or its parent's: it was given to somebody else meanwhile.
        """
        _, pid, started = own_identity()
        values = {"pid": pid, "pid_started": started, "heartbeat": self._clock()}
        with self._engine.begin() as connection:
            query = update(runs).where(*_own(run_id)).values(**values)
            return bool(connection.execute(query).rowcount)

    def beat(self, run_id: str, progress: float, moved: float | None = None) -> str:
        """Sign of life with progress (0-1) and the time of the last event (seconds since 1970, None
        for now); gives what somebody asked for: cancel, stop (and keep the best), or nothing. Who
        does a run that is somebody else's by now is told to cancel.
        """
        now = self._clock()
        with self._engine.begin() as connection:
            query = update(runs).where(*_own(run_id))
            connection.execute(
                query.values(
                    heartbeat=now, progress=progress, moved=now if moved is None else moved
                )
            )
            row = connection.execute(
                select(runs.c.cancel_requested, runs.c.stop_requested).where(*_own(run_id))
            ).first()
        if row is None or row.cancel_requested:
            return "cancel"
        return "stop" if row.stop_requested else ""

    def stop_reason(self, run_id: str) -> ErrorObject | None:
        """Why this server asked a run to end; None where it did not."""
        with self._engine.connect() as connection:
            reason: ErrorObject | None = connection.execute(
                select(runs.c.stop_reason).where(runs.c.id == run_id)
            ).scalar()
        return reason

    def rename_dataset(self, run_id: str, reference: str, project: str) -> None:
        """Name the dataset that a run on a sample has made for itself, and its project: from now
        on the run is found, shared and deleted with it.
        """
        self._set(run_id, dataset=reference, project=project)

    def became(self, run_id: str, recipe: str, backbone: str) -> None:
        """Name what an automatic search has chosen: the run is one of that recipe from now on."""
        self._set(run_id, recipe=recipe, backbone=backbone)

    def finish(
        self,
        run_id: str,
        status: str,
        *,
        reason: ErrorObject | None = None,
        headline: str = "",
        summary: Mapping[str, object] | None = None,
    ) -> bool:
        """End a running row of this process, and settle what it took; False where it is that no
        more. Where this server itself asked for the end, its reason is kept. Work that is done
        counts even where a reader took this process for dead meanwhile.
        """
        now = self._clock()
        values = {"headline": headline, "summary": summary, "finished": now}
        if status in ("done", "cancelled"):
            reason = self.stop_reason(run_id) or reason
        if status == "done":
            values["progress"] = 1.0
        with self._engine.begin() as connection:
            about = _own(run_id, "running", *(["interrupted"] if status == "done" else []))
            query = update(runs).where(*about).values(status=status, reason=reason, **values)
            ended = bool(connection.execute(query).rowcount)
            if ended:
                settle(connection, run_id, now)
        return ended

    def _set(self, run_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(runs).where(runs.c.id == run_id, runs.c.status == "running").values(**values)
            )


def is_busy(engine: Engine) -> bool:
    """Whether any run waits or runs, so that a dispatcher is needed."""
    with engine.connect() as connection:
        query = select(runs.c.id).where(runs.c.status.in_(ACTIVE)).limit(1)
        return connection.execute(query).first() is not None


def _own(run_id: str, *statuses: str) -> list[ColumnElement[bool]]:
    """That a run is running (or of one of these statuses), and by this process, or by its parent,
    which has not named it yet.

    Without it two could do one run: a worker whose dispatcher was killed before it could name it,
    and the one of the resumed run.
    """
    mine = (os.getpid(), os.getppid())
    return [
        runs.c.id == run_id,
        runs.c.status.in_(statuses or ("running",)),
        runs.c.host == HOST,
        runs.c.pid.in_(mine),
    ]


def sweep(engine: Engine, home: Path) -> int:
    """Remove folders of runs that have had no row for a day, which a deletion could not remove;
    gives how many.
    """
    folders, removed = (home / "runs").glob("*"), 0
    while some := {folder.name: folder for folder in islice(folders, _AT_ONCE)}:
        with engine.connect() as connection:
            known = connection.execute(select(runs.c.id).where(runs.c.id.in_(list(some)))).scalars()
            left = some.keys() - set(known)
        removed += sum(remove_tree(some[name]) for name in left if is_left(some[name]))
    return removed


def _is_dead(row: Row[tuple[object, ...]], now: float) -> bool:
    """Whether the process of a row has gone. On another host it counts as gone when it has shown no
    sign of life for as long as this process has been looking.
    """
    if row.host != HOST:
        return absences.seconds(f"{row.id} {row.started}", row.heartbeat) >= STALE_SECONDS
    return not is_alive(row.host, row.pid, row.pid_started, row.heartbeat, now)


def mark_dead(engine: Engine, clock: Callable[[], float] = time.time) -> list[str]:
    """Find running rows whose process has gone, mark them interrupted and return their ids.

    Every reader does this, so no server need be alive to see that a run has died. What it took is
    settled up to its last sign of life, whenever that is noticed. Runs whose job another scheduler
    keeps are left to the dispatcher, which asks that one.
    """
    now = clock()
    with engine.connect() as connection:
        here = (runs.c.status == "running", runs.c.job == "")
        rows = connection.execute(select(runs).where(*here)).all()
    dead = [row for row in rows if _is_dead(row, now)]
    for row in dead:
        with engine.begin() as connection:
            if connection.execute(
                update(runs)
                .where(and_(runs.c.id == row.id, runs.c.status == "running", runs.c.pid == row.pid))
                .values(
                    status="cancelled" if row.cancel_requested else "interrupted",
                    finished=now,
                    reason=_DIED if not row.cancel_requested else row.stop_reason or CANCELLED,
                )
            ).rowcount:
                settle(connection, row.id, min(now, row.heartbeat or now))
    return [row.id for row in dead]
