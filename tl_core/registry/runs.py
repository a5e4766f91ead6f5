"""Runs in the registry: who asked for what, how it stands, and every legal change of status.

Changes of status are single guarded UPDATEs, so that two dispatchers, tabs or impatient fingers
cannot both win.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine, Row, func, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tl_core.config import CONFIG_FILE, RUN_KINDS, RunConfig
from tl_core.config.kinds import kinds_of
from tl_core.database.tables import datasets, runs
from tl_core.errors import NotFoundError, StateError, nearest
from tl_core.places import inside
from tl_core.registry.queue import mark_dead
from tl_core.registry.run import ACTIVE, ENDED, Run

_LONGEST_TAG, _LONGEST_NOTE = 40, 2000  # characters


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
                        folder=inside(folder, self._home),
                        parent=config.parent,
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
            (folder / CONFIG_FILE).unlink()
            folder.rmdir()
            with self._engine.connect() as connection:
                run_id = connection.execute(
                    select(runs.c.id).where(runs.c.owner == self._user, runs.c.draft == draft)
                ).scalar_one()
            return self.get(run_id)
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
        if folder is None or self._home / folder != Path(config.dataset_dir):
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
        mark_dead(self._engine)
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
        mark_dead(self._engine)
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

    def children(self, run_id: str, kind: str) -> list[Run]:
        """Runs of a kind that go on from the run `run_id` or look at it, newest first."""
        mark_dead(self._engine)
        about = (runs.c.owner == self._user, runs.c.parent == run_id, runs.c.kind == kind)
        query = select(runs).where(*about).order_by(runs.c.created.desc())
        with self._engine.connect() as connection:
            return [self._to_run(row) for row in connection.execute(query).all()]

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
        mark_dead(self._engine)
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

    def reveal(self, run_id: str, headline: str, summary: Mapping[str, object]) -> Run:
        """Show of a finished run what its opened test score says."""
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.owner == self._user, runs.c.status == "done")
                .values(headline=headline, summary=summary)
            )
        return self.get(run_id)

    def annotate(
        self,
        run_id: str,
        *,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        archived: bool | None = None,
    ) -> Run:
        """Write down what somebody thinks of a run; what is None stays as it is.

        Raises:
            NotFoundError: when the acting user has no such run.
            StateError: when a tag or the note is too long.
        """
        if any(len(tag) > _LONGEST_TAG for tag in tags or ()) or len(note or "") > _LONGEST_NOTE:
            raise StateError(
                "This is too long to be kept with a run.",
                f"A tag has at most {_LONGEST_TAG} characters, a note {_LONGEST_NOTE:,}.",
            )
        given = {
            "tags": None if tags is None else sorted(set(tags)),
            "note": note,
            "archived": archived,
        }
        values = {name: value for name, value in given.items() if value is not None}
        if values:
            with self._engine.begin() as connection:
                connection.execute(
                    update(runs)
                    .where(runs.c.id == run_id, runs.c.owner == self._user)
                    .values(**values)
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
        doomed = [self.get(run_id) for run_id in run_ids]
        for run in doomed:
            if run.status in ACTIVE:
                raise StateError(f"Run {run.id} is {run.status}.", "", "Cancel it first.")
        with self._engine.begin() as connection:
            gone = connection.execute(
                sql_delete(runs).where(
                    runs.c.id.in_([run.id for run in doomed]),
                    runs.c.owner == self._user,
                    runs.c.status.in_(ENDED),
                )
            ).rowcount
            if gone != len(doomed):  # one was resumed just now: leaving takes nothing with it
                raise StateError(
                    "One of these runs has just been started again.", "", "Cancel it first."
                )
        return [run.folder for run in doomed]

    def _to_run(self, row: Row[tuple[object, ...]]) -> Run:
        values = dict(row._mapping)
        place = self._place(values["kind"], values["queued"]) if values["status"] == "queued" else 0
        return Run(
            **{
                name: values[name]
                for name in Run.__dataclass_fields__
                if name not in ("folder", "place")
            },
            folder=self._home / values["folder"],
            place=place,
        )

    def _place(self, kind: str, queued: float) -> int:
        """Position among all users' queued runs of the same lane, from 1."""
        kinds = kinds_of(RUN_KINDS[kind].lane)
        with self._engine.connect() as connection:
            return 1 + int(
                connection.execute(
                    select(func.count())
                    .select_from(runs)
                    .where(
                        runs.c.status == "queued",
                        runs.c.kind.in_(kinds),
                        runs.c.queued < queued,
                    )
                ).scalar_one()
            )
