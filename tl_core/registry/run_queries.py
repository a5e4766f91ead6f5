"""Runs as somebody may see them: one, those of a dataset, lists of them, and those in the trash."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, Row, and_, or_, select

from tl_core.access.policy import LOOK, RUN, Policy
from tl_core.access.principal import Principal, as_principal
from tl_core.config import RUN_KINDS
from tl_core.database.tables import runs
from tl_core.errors import NotFoundError, nearest
from tl_core.registry.queue import mark_dead
from tl_core.registry.run import ACTIVE, Run
from tl_core.registry.scheduling.waiting import Outlook, Waiting
from tl_core.registry.stored.opened import see_run
from tl_core.settings import Settings, read_settings


class RunQueries:
    """Runs as the acting principal may see them; others do not exist for them."""

    def __init__(
        self,
        engine: Engine,
        user: str | Principal,
        home: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        principal = as_principal(user)
        self._engine, self._user, self._home = engine, principal.id, home
        self._clock = clock
        self._policy = Policy(engine, principal)

    @property
    def _settings(self) -> Settings:
        """As they are now; folders are those of this store."""
        return replace(read_settings(), home=str(self._home))

    @property
    def _outlook(self) -> Outlook:
        return Outlook(self._engine, self._settings, self._clock)

    def get(self, run_id: str) -> Run:
        """One run, its status checked against the living process, its folder here.

        Raises:
            NotFoundError: when the acting principal may not see such a run, or its folder has not
                come to the store yet.
            StoreError: when it has to come from the store, which does not answer.
        """
        run = self.find(run_id)
        see_run(self._settings, self._engine, run)
        return run

    def find(self, run_id: str) -> Run:
        """The same without its folder, which may lie in the store alone.

        Raises:
            NotFoundError: when the acting principal may not see such a run.
        """
        mark_dead(self._engine, self._clock)
        return self._to_run(self._row(run_id), self._outlook)

    def waiting(self, run_id: str) -> Waiting | None:
        """Place of a run, for whom it waits, and when it will start; None when it does not wait.

        Raises:
            NotFoundError: when the acting principal may not see such a run.
        """
        mark_dead(self._engine, self._clock)
        row = self._row(run_id)
        return self._outlook.waiting(row.id, row.kind, self._policy.handles)

    def _row(
        self, run_id: str, level: int = LOOK, *, deleted: bool = False
    ) -> Row[tuple[object, ...]]:
        """The row of a run with which the principal may do what needs `level`."""
        seen = self._policy.seen(runs, deleted=deleted)
        with self._engine.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id, seen)).first()
        if row is None:
            known = [] if deleted else [run.id for run in self.list(limit=50)]
            raise NotFoundError(f"There is no run {run_id!r}.", "", nearest(run_id, known))
        self._policy.require(level, RUN, row)
        return row

    def may(self, run: Run, level: int) -> bool:
        """Whether the acting principal may do what needs `level` with a run."""
        with self._engine.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run.id)).first()
        return row is not None and self._policy.level(RUN, row) >= level

    def of_dataset(self, reference: str) -> builtins.list[Run]:
        """All runs about a dataset `name`, or about one version `name@version`."""
        return self._listed(*self._about(reference))

    def _about(self, reference: str) -> builtins.list[ColumnElement[bool]]:
        project, version = self._policy.project_of(reference), reference.partition("@")[2]
        about = [runs.c.project == project]
        if version:
            about.append(runs.c.dataset == f"{project.partition('/')[2]}@{version}")
        return about

    def children(self, run_id: str, kind: str) -> builtins.list[Run]:
        """Runs of a kind that go on from the run `run_id` or look at it, newest first."""
        return self._listed(runs.c.parent == run_id, runs.c.kind == kind)

    def list(
        self,
        *,
        kind: str | None = None,
        active: bool = False,
        status: str = "",
        limit: int | None = 200,
        every_kind: bool = False,
    ) -> list[Run]:
        """The runs that the principal may see, newest first; measurements before a run only when
        asked for by `kind` or with `every_kind`.
        """
        unlisted = [name for name, one in RUN_KINDS.items() if not (one.listed or every_kind)]
        about = [runs.c.kind == kind if kind else runs.c.kind.not_in(unlisted)]
        if active:
            about.append(runs.c.status.in_(ACTIVE))
        if status:
            about.append(runs.c.status == status)
        return self._listed(*about, limit=limit)

    def page(
        self,
        *,
        kind: str = "",
        status: str = "",
        dataset: str = "",
        after: tuple[float, str] | None = None,
        limit: int = 50,
    ) -> builtins.list[Run]:
        """A part of the list, newest first.

        Args:
            kind: only runs of it; measurements before a run are listed only by theirs.
            status: only runs with it.
            dataset: only runs about `name` or `name@version`.
            after: when the last run of the part before was made (seconds since 1970), and its id.
            limit: how many at most.
        """
        unlisted = [name for name, one in RUN_KINDS.items() if not one.listed]
        about = [runs.c.kind == kind if kind else runs.c.kind.not_in(unlisted)]
        if status:
            about.append(runs.c.status == status)
        if dataset:
            about += self._about(dataset)
        if after is not None:
            created, run_id = after
            earlier = and_(runs.c.created == created, runs.c.id < run_id)
            about.append(or_(runs.c.created < created, earlier))
        return self._listed(*about, limit=limit)

    def trash(self) -> Sequence[Run]:
        """What was deleted and can still be restored, newest first."""
        return self._listed(deleted=True)

    def _listed(
        self, *about: ColumnElement[bool], deleted: bool = False, limit: int | None = None
    ) -> builtins.list[Run]:
        mark_dead(self._engine, self._clock)
        outlook = self._outlook
        if deleted:
            meant = (self._policy.seen(runs, deleted=True), *about)
        else:
            meant = (runs.c.id.in_(self._policy.newest(runs, about, limit)),)
        newest = (runs.c.created.desc(), runs.c.id.desc())
        query = select(runs).where(*meant).order_by(*newest).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        self._policy.handles(row.project.partition("/")[0] for row in rows)
        return [self._to_run(row, outlook) for row in rows]

    def _to_run(self, row: Row[tuple[object, ...]], outlook: Outlook) -> Run:
        values = dict(row._mapping)
        waits = values["status"] == "queued" and values["deleted"] is None
        return Run(
            **{
                name: values[name]
                for name in Run.__dataclass_fields__
                if name not in ("folder", "place", "dataset")
            },
            dataset=(self._policy.prefix(values["project"]) if values["dataset"] else "")
            + values["dataset"],
            folder=self._home / values["folder"],
            place=outlook.place(values["id"], values["kind"]) if waits else 0,
        )
