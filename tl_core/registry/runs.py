"""Runs in the registry: who asked for what, how it stands, and every legal change of status.

Changes of status are single guarded UPDATEs, so that two dispatchers, tabs or impatient fingers
cannot both win.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, and_, func, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.config.kinds import kinds_of
from tl_core.errors import NotFoundError, StateError, nearest
from tl_core.registry.processes import is_alive, own_identity
from tl_core.registry.tables import datasets, runs
from tl_core.storage import is_left, remove_tree

ACTIVE = ("queued", "running")
ENDED = ("done", "failed", "cancelled", "interrupted")
_DIED = {
    "code": "interrupted",
    "what": "The process that did the work has gone.",
    "why": "It was stopped from outside, or the machine restarted or ran out of memory.",
    "try_this": "Resume it; finished parts are kept.",
}


@dataclass(frozen=True)
class Run:
    """One row, as pages and command line see it. `place` is its position in the queue, 0 when not
    queued.
    """

    id: str
    owner: str
    kind: str
    dataset: str
    backbone: str
    recipe: str
    folder: Path
    status: str
    reason: dict[str, str] | None
    created: float
    queued: float
    started: float | None
    finished: float | None
    progress: float
    headline: str
    summary: dict[str, Any] | None
    pid: int | None
    cancel_requested: bool
    stop_requested: bool
    place: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The run object of the command line contract."""
        return {
            "run_id": self.id,
            "kind": self.kind,
            "dataset": self.dataset,
            "backbone": self.backbone,
            "recipe": self.recipe,
            "status": self.status,
            "reason": self.reason,
            "created": self.created,
            "started": self.started,
            "finished": self.finished,
            "progress": self.progress,
            "headline": self.headline,
            "place": self.place,
        }


class RunStore:
    """All access to runs for one acting user; other people's runs do not exist for them."""

    def __init__(self, engine: Engine, user: str, home: Path) -> None:
        self._engine, self._user, self._home = engine, user, home

    def create(self, config: RunConfig, draft: str | None = None) -> Run:
        """Write a queued run; the same `draft` again gives the run that it already made.

        Raises:
            StateError: when the config names another owner than the acting user, or another folder
            than its dataset's.
            NotFoundError: when it starts from or reads a run that the acting user does not have.
        """
        if config.owner != self._user:
            raise StateError(f"{self._user!r} cannot start a run for {config.owner!r}.")
        for earlier in config.begins_with():  # other people's runs do not exist
            self.get(earlier)
        self._check_data(config)
        run_id, now = secrets.token_hex(5), time.time()
        folder = self._home / "runs" / run_id
        folder.mkdir(parents=True)
        config.write(folder)
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    insert(runs).values(
                        id=run_id,
                        owner=self._user,
                        kind=config.kind,
                        dataset=config.dataset,
                        backbone=config.backbone,
                        recipe=config.recipe,
                        folder=str(folder),
                        draft=draft,
                        status="queued",
                        created=now,
                        queued=now,
                        progress=0.0,
                        headline="",
                        cancel_requested=False,
                    )
                )
        except IntegrityError:
            (folder / "config.json").unlink()
            folder.rmdir()
            with self._engine.connect() as connection:
                found = connection.execute(
                    select(runs.c.id).where(runs.c.owner == self._user, runs.c.draft == draft)
                ).scalar_one()
            return self.get(found)
        return self.get(run_id)

    def _check_data(self, config: RunConfig) -> None:
        """Whether the folder that is to be read is that of the acting user's dataset."""
        name, _, version = config.dataset.partition("@")
        if not config.dataset_dir:
            return
        with self._engine.connect() as connection:
            folder = connection.execute(
                select(datasets.c.folder).where(
                    datasets.c.owner == self._user,
                    datasets.c.name == name,
                    datasets.c.version == (int(version) if version.isdigit() else -1),
                )
            ).scalar()
        if folder is None or Path(folder) != Path(config.dataset_dir):
            raise StateError(
                f"The folder that is to be read is not that of {config.dataset!r}.",
                "",
                "Name the dataset, and leave its folder to the registry.",
            )

    def get(self, run_id: str) -> Run:
        """One run, its status checked against the living process.

        Raises:
            NotFoundError: when the acting user has no such run.
        """
        self._mark_dead()
        with self._engine.connect() as connection:
            row = connection.execute(
                select(runs).where(runs.c.id == run_id, runs.c.owner == self._user)
            ).first()
        if row is None:
            raise NotFoundError(
                f"There is no run {run_id!r}.",
                "",
                nearest(run_id, [run.id for run in self.list(limit=50)]),
            )
        return self._to_run(row)

    def of_dataset(self, reference: str) -> list[Run]:
        """All runs about a dataset `name`, or about one version `name@version`."""
        self._mark_dead()
        name, _, version = reference.partition("@")
        about = (
            runs.c.dataset == reference
            if version
            else runs.c.dataset.startswith(f"{name}@", autoescape=True)
        )
        with self._engine.connect() as connection:
            return [
                self._to_run(row)
                for row in connection.execute(
                    select(runs)
                    .where(runs.c.owner == self._user, about)
                    .order_by(runs.c.created.desc())
                ).all()
            ]

    def list(
        self,
        *,
        kind: str | None = None,
        active: bool = False,
        status: str = "",
        limit: int | None = 200,
    ) -> list[Run]:
        """The acting user's runs, newest first; measurements before a run only when asked for by
        `kind`.
        """
        self._mark_dead()
        query = (
            select(runs)
            .where(runs.c.owner == self._user)
            .order_by(runs.c.created.desc())
            .limit(limit)
        )
        unlisted = [name for name, one in RUN_KINDS.items() if not one.listed]
        query = query.where(runs.c.kind == kind if kind else runs.c.kind.not_in(unlisted))
        if active:
            query = query.where(runs.c.status.in_(ACTIVE))
        if status:
            query = query.where(runs.c.status == status)
        with self._engine.connect() as connection:
            return [self._to_run(row) for row in connection.execute(query).all()]

    def cancel(self, run_id: str) -> Run:
        """Stop a run: a queued one at once, a running one when its worker sees the request.

        Raises:
            StateError: when it has already ended.
        """
        run = self.get(run_id)
        if run.status not in ACTIVE:
            raise StateError(
                f"Run {run_id} is already {run.status}.",
                "Only queued or running ones can be cancelled.",
            )
        now = time.time()
        reason = {
            "code": "cancelled",
            "what": "You cancelled it.",
            "why": "",
            "try_this": "Resume or start it again.",
        }
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "queued")
                .values(status="cancelled", finished=now, reason=reason)
            )
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "running")
                .values(cancel_requested=True)
            )
        return self.get(run_id)

    def stop(self, run_id: str) -> Run:
        """End a running training early and keep its best state; it then finishes like any other.

        Raises:
            StateError: when it does not run, or is no training that has states to choose from.
        """
        run = self.get(run_id)
        if (
            run.status != "running"
            or run.kind != "train"
            or run.recipe not in ("finetune", "ladder", "auto")
        ):
            raise StateError(
                f"Run {run_id} cannot be stopped early.",
                (
                    f"It is {run.status}."
                    if run.status != "running"
                    else "It has no best state to keep."
                ),
                "Cancel it instead." if run.status in ACTIVE else "",
            )
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "running")
                .values(stop_requested=True)
            )
        return self.get(run_id)

    def reveal(self, run_id: str, headline: str, summary: dict[str, Any]) -> Run:
        """Show of a finished run what its opened test score says."""
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.owner == self._user, runs.c.status == "done")
                .values(headline=headline, summary=summary)
            )
        return self.get(run_id)

    def resume(self, run_id: str) -> Run:
        """Queue an ended run again; what it has finished is kept.

        Raises:
            StateError: when it is still active or already done.
        """
        run = self.get(run_id)
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(runs)
                .where(
                    runs.c.id == run_id,
                    runs.c.owner == self._user,
                    runs.c.status.in_(("failed", "cancelled", "interrupted")),
                )
                .values(
                    status="queued",
                    queued=time.time(),
                    reason=None,
                    cancel_requested=False,
                    stop_requested=False,
                    finished=None,
                    pid=None,
                    heartbeat=None,
                    progress=0.0,
                )
            ).rowcount
        if not changed:
            raise StateError(
                f"Run {run_id} is {run.status}.",
                "Only failed, cancelled or interrupted runs can be resumed.",
            )
        return self.get(run_id)

    def delete(self, run_id: str) -> Path:
        """Remove an ended run's row and give its folder, for the caller to remove.

        Raises:
            StateError: when it is still active.
        """
        return self.delete_all([run_id])[0]

    def delete_all(self, run_ids: Sequence[str]) -> Sequence[Path]:
        """Remove the rows of ended runs, all or none, and give their folders, for the caller to
        remove.

        Raises:
            NotFoundError: when the acting user has not one of them.
            StateError: when one is still active.
        """
        found = [self.get(run_id) for run_id in run_ids]
        for run in found:
            if run.status in ACTIVE:
                raise StateError(f"Run {run.id} is {run.status}.", "", "Cancel it first.")
        with self._engine.begin() as connection:
            gone = connection.execute(
                sql_delete(runs).where(
                    runs.c.id.in_([run.id for run in found]),
                    runs.c.owner == self._user,
                    runs.c.status.in_(ENDED),
                )
            ).rowcount
            if gone != len(found):  # one was resumed just now: leaving takes nothing with it
                raise StateError(
                    "One of these runs has just been started again.", "", "Cancel it first."
                )
        return [run.folder for run in found]

    def _to_run(self, row: Row[Any]) -> Run:
        values = dict(row._mapping)
        place = self._place(values) if values["status"] == "queued" else 0
        return Run(
            **{
                name: values[name]
                for name in Run.__dataclass_fields__
                if name not in ("folder", "place")
            },
            folder=Path(values["folder"]),
            place=place,
        )

    def _place(self, row: dict[str, Any]) -> int:
        """Position among all users' queued runs of the same lane, from 1."""
        kinds = kinds_of(RUN_KINDS[row["kind"]].lane)
        with self._engine.connect() as connection:
            return 1 + int(
                connection.execute(
                    select(func.count())
                    .select_from(runs)
                    .where(
                        runs.c.status == "queued",
                        runs.c.kind.in_(kinds),
                        runs.c.queued < row["queued"],
                    )
                ).scalar_one()
            )

    def _mark_dead(self) -> None:
        mark_dead(self._engine)


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


class RunWriter:
    """The worker's and dispatcher's side: claiming and owning one running row. No acting user;
    never in pages.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim_next(self, lane: str) -> tuple[str, Path] | None:
        """Take the oldest queued run of a lane, fairly: the owner with the fewest running ones
        first.
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
        reason: dict[str, str] | None = None,
        headline: str = "",
        summary: dict[str, Any] | None = None,
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

    def _set(self, run_id: str, **values: Any) -> None:  # noqa: ANN401
        with self._engine.begin() as connection:
            connection.execute(
                update(runs).where(runs.c.id == run_id, runs.c.status == "running").values(**values)
            )
