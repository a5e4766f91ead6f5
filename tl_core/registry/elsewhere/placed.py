"""Runs whose job another scheduler keeps: named before they are submitted, waiting there, taken
over by their worker, and what the dispatcher learns of them.

Such a row holds the name of its job (`runs.job`), which proves a worker to be the run's own: it is
written before the job is submitted, so that nothing that happens in between loses it. Until a
worker has taken it over the row names no process, and no time of a slot is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, select, update

from tl_core.database.tables import runs, stints
from tl_core.errors import ErrorObject
from tl_core.registry.processes import own_identity
from tl_core.registry.scheduling.estimates import UNKNOWN_SECONDS
from tl_core.registry.scheduling.ledger import Asked, Need, begin, hold, settle

_NOBODY = {"host": None, "pid": None, "pid_started": None, "started": None}


@dataclass(frozen=True)
class Placed:
    """A running run whose job another scheduler keeps.

    Args:
        id: of the run.
        executor: that keeps it.
        job: its name there.
        taken: whether a worker has taken it over; else it waits there, or has just begun.
        heartbeat: of its worker, in seconds since 1970.
        cancelled: whether somebody, or this server, wants it to end.
        reason: why this server wants that; None where it does not.
        losses: how often its machine was lost.
    """

    id: str
    executor: str
    job: str
    taken: bool
    heartbeat: float | None
    cancelled: bool
    reason: ErrorObject | None
    losses: int


class PlacedRuns:
    """The rows of such runs, for dispatcher and worker. No acting user; never in pages."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock = engine, clock

    def all(self) -> list[Placed]:
        """Every one that runs or waits there."""
        query = select(runs).where(runs.c.status == "running", runs.c.job != "")
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(runs.c.id)).all()
        return [
            Placed(
                *(row.id, row.executor, row.job, row.pid is not None, row.heartbeat),
                *(row.cancel_requested, row.stop_reason, row.losses),
            )
            for row in rows
        ]

    def name(self, run_id: str, executor: str, job: str) -> None:
        """Write down which job a run that this process has claimed is about to become."""
        host, pid, _ = own_identity()
        mine = (runs.c.id == run_id, runs.c.status == "running")
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(*mine, runs.c.host == host, runs.c.pid == pid)
                .values(executor=executor, job=job)
            )

    def place(self, run_id: str, job: str) -> None:
        """The job is submitted: from now on the run waits there, unless its worker was quicker."""
        host, pid, _ = own_identity()
        with self._engine.begin() as connection:
            about = (*_of(run_id, job), runs.c.host == host, runs.c.pid == pid)
            if connection.execute(
                update(runs).where(*about).values(**_NOBODY, heartbeat=self._clock())
            ).rowcount:
                connection.execute(
                    update(stints)
                    .where(stints.c.run == run_id, stints.c.ended.is_(None))
                    .values(started=None)
                )

    def take_over(self, run_id: str, job: str) -> bool:
        """Name this process as the one that does a run; False where the run is not, or no more,
        that of this job. A job that was begun again takes over from its former process.
        """
        now = self._clock()
        host, pid, started = own_identity()
        with self._engine.begin() as connection:
            row = connection.execute(select(runs).where(*_of(run_id, job))).first()
            if row is None:
                return False
            values = {"host": host, "pid": pid, "pid_started": started, "moved": now}
            values["started"] = now if row.started is None else row.started
            query = update(runs).where(*_of(run_id, job)).values(**values, heartbeat=now)
            if not connection.execute(query).rowcount:
                return False
            if row.started is None:
                asked = Asked(row.id, row.owner, row.kind, row.recipe)
                begin(connection, asked, _last_need(connection, run_id), now)
        return True

    def let_go(self, run_id: str, job: str, *, own: bool = False) -> bool:
        """The job waits again, and will be begun again by its scheduler; False where it is not
        the run's. A worker says so of its `own` run, which may be another process's by now.
        """
        host, pid, _ = own_identity()
        about = [*_of(run_id, job), *([runs.c.host == host, runs.c.pid == pid] if own else [])]
        with self._engine.begin() as connection:
            row = connection.execute(select(runs).where(*about)).first()
            if row is None:
                return False
            connection.execute(
                update(runs).where(*about).values(**_NOBODY, heartbeat=self._clock())
            )
            if row.started is not None:
                settle(connection, run_id, _last_sign(row.heartbeat, self._clock()))
        return True

    def put_back(self, run_id: str, job: str | None = None) -> bool:
        """Queue a run again, at its former place, since its machine was lost; or, without `job`,
        since its scheduler would not take now what this process has claimed. False where it is
        that no more.
        """
        host, pid, _ = own_identity()
        claimed = [runs.c.host == host, runs.c.pid == pid]
        running = [runs.c.id == run_id, runs.c.status == "running"]
        about = [*running, *(claimed if job is None else [runs.c.job == job])]
        with self._engine.begin() as connection:
            row = connection.execute(select(runs).where(*about)).first()
            if row is None:
                return False
            values = {"status": "queued", "executor": "", "job": "", **_NOBODY, "heartbeat": None}
            values["losses"] = row.losses + (job is not None)
            if not connection.execute(update(runs).where(*about).values(**values)).rowcount:
                return False
            need = _last_need(connection, run_id)
            settle(connection, run_id, _last_sign(row.heartbeat, self._clock()))
            asked = Asked(row.id, row.owner, row.kind, row.recipe)
            hold(connection, asked, need, row.queued)
        return True

    def end(self, run: Placed, status: str, reason: ErrorObject) -> bool:
        """End a run whose job has ended; False where its worker had done so before."""
        now = self._clock()
        with self._engine.begin() as connection:
            ended = bool(
                connection.execute(
                    update(runs)
                    .where(*_of(run.id, run.job))
                    .values(status=status, reason=reason, finished=now)
                ).rowcount
            )
            if ended:
                settle(connection, run.id, _last_sign(run.heartbeat, now))
        return ended


def _of(run_id: str, job: str) -> list[ColumnElement[bool]]:
    """That a run is running, and is that of a job."""
    return [runs.c.id == run_id, runs.c.status == "running", runs.c.job == job]


def _last_sign(heartbeat: float | None, now: float) -> float:
    return min(now, heartbeat or now)


def _last_need(connection: Connection, run_id: str) -> Need:
    """What a run was last expected to take."""
    row = connection.execute(
        select(stints).where(stints.c.run == run_id).order_by(stints.c.id.desc()).limit(1)
    ).first()
    return Need(row.held, row.known, row.gpus) if row else Need(UNKNOWN_SECONDS, False)
