"""The queue as workers and dispatchers see it: claiming and owning a running row, and noticing that
its process has gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine, and_, func, select, update

from tl_core.config.kinds import kinds_of
from tl_core.database.tables import runs
from tl_core.errors import ErrorObject
from tl_core.registry.processes import is_alive, own_identity
from tl_core.storage import is_left, remove_tree

_DIED = {
    "code": "interrupted",
    "what": "The process that did the work has gone.",
    "why": "It was stopped from outside, or the machine restarted or ran out of memory.",
    "try_this": "Resume it; finished parts are kept.",
}


class RunWriter:
    """The worker's and dispatcher's side: claiming and owning one running row. No acting user;
    never in pages.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim_next(self, lane: str) -> tuple[str, Path] | None:
        """Take the oldest queued run of a lane, fairly: the owner with the fewest running ones
        first. Gives its id and its folder inside TL_HOME.
        """
        kinds = kinds_of(lane)
        with self._engine.connect() as connection:
            busy: dict[str, int] = {
                row[0]: row[1]
                for row in connection.execute(
                    select(runs.c.owner, func.count())
                    .where(runs.c.status == "running")
                    .group_by(runs.c.owner)
                )
            }
            waiting = connection.execute(
                select(runs.c.id, runs.c.owner, runs.c.folder)
                .where(runs.c.status == "queued", runs.c.kind.in_(kinds))
                .order_by(runs.c.queued)
            ).all()
        for row in sorted(waiting, key=lambda row: busy.get(row.owner, 0)):
            host, pid, started = own_identity()
            now = time.time()
            with self._engine.begin() as connection:
                if connection.execute(
                    update(runs)
                    .where(runs.c.id == row.id, runs.c.status == "queued")
                    .values(
                        status="running",
                        started=now,
                        host=host,
                        pid=pid,
                        pid_started=started,
                        heartbeat=now,
                    )
                ).rowcount:
                    return row.id, Path(row.folder)
        return None

    def running(self, lane: str) -> int:
        """How many runs of a lane are running."""
        kinds = kinds_of(lane)
        with self._engine.connect() as connection:
            return int(
                connection.execute(
                    select(func.count())
                    .select_from(runs)
                    .where(runs.c.status == "running", runs.c.kind.in_(kinds))
                ).scalar_one()
            )

    def hand_over(self, run_id: str, pid: int, started: float) -> None:
        """Name the worker process as the one that must be alive."""
        self._set(run_id, pid=pid, pid_started=started, heartbeat=time.time())

    def beat(self, run_id: str, progress: float) -> str:
        """Sign of life with progress (0-1); gives what somebody asked for: cancel, stop (and keep
        the best), or nothing.
        """
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "running")
                .values(heartbeat=time.time(), progress=progress)
            )
            row = connection.execute(
                select(runs.c.cancel_requested, runs.c.stop_requested, runs.c.status).where(
                    runs.c.id == run_id
                )
            ).first()
        if row is None or row.cancel_requested or row.status != "running":
            return "cancel"
        return "stop" if row.stop_requested else ""

    def rename_dataset(self, run_id: str, reference: str) -> None:
        """Name the dataset that a run on a sample has made for itself."""
        self._set(run_id, dataset=reference)

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
    ) -> None:
        """End a running row."""
        self._set(
            run_id,
            status=status,
            reason=reason,
            finished=time.time(),
            headline=headline,
            summary=summary,
            **({"progress": 1.0} if status == "done" else {}),
        )

    def _set(self, run_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(runs).where(runs.c.id == run_id, runs.c.status == "running").values(**values)
            )


def sweep(engine: Engine, home: Path) -> int:
    """Remove folders of runs that have had no row for a day, which a deletion could not remove;
    gives how many.
    """
    with engine.connect() as connection:
        known = set(connection.execute(select(runs.c.id)).scalars())
    left = [
        folder
        for folder in (home / "runs").glob("*")
        if folder.name not in known and is_left(folder)
    ]
    return sum(remove_tree(folder) for folder in left)


def mark_dead(engine: Engine) -> list[str]:
    """Find running rows whose process has gone, mark them interrupted and return their ids.

    Every reader does this, so no server need be alive to see that a run has died.
    """
    now = time.time()
    with engine.connect() as connection:
        rows = connection.execute(
            select(
                runs.c.id,
                runs.c.host,
                runs.c.pid,
                runs.c.pid_started,
                runs.c.heartbeat,
                runs.c.cancel_requested,
            ).where(runs.c.status == "running")
        ).all()
    dead = [
        row for row in rows if not is_alive(row.host, row.pid, row.pid_started, row.heartbeat, now)
    ]
    for row in dead:
        with engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(and_(runs.c.id == row.id, runs.c.status == "running", runs.c.pid == row.pid))
                .values(
                    status="cancelled" if row.cancel_requested else "interrupted",
                    finished=now,
                    reason=(
                        _DIED
                        if not row.cancel_requested
                        else {**_DIED, "code": "cancelled", "what": "You cancelled it.", "why": ""}
                    ),
                )
            )
    return [row.id for row in dead]
