"""Runs as somebody may see them: one, those of a dataset, lists of them, and those in the trash."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, Row, func, select

from tl_core.access.policy import LOOK, RUN, Policy
from tl_core.access.principal import Principal, as_principal
from tl_core.config import RUN_KINDS
from tl_core.config.kinds import kinds_of
from tl_core.database.tables import runs
from tl_core.errors import NotFoundError, nearest
from tl_core.registry.queue import mark_dead
from tl_core.registry.run import ACTIVE, Run


class RunQueries:
    """Runs as the acting principal may see them; others do not exist for them."""

    def __init__(self, engine: Engine, user: str | Principal, home: Path) -> None:
        principal = as_principal(user)
        self._engine, self._user, self._home = engine, principal.id, home
        self._policy = Policy(engine, principal)

    def get(self, run_id: str) -> Run:
        """One run, its status checked against the living process.

        Raises:
            NotFoundError: when the acting principal may not see such a run.
        """
        mark_dead(self._engine)
        return self._to_run(self._row(run_id))

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
        project, version = self._policy.project_of(reference), reference.partition("@")[2]
        about = [runs.c.project == project]
        if version:
            about.append(runs.c.dataset == f"{project.partition('/')[2]}@{version}")
        return self._listed(*about)

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
    ) -> list[Run]:
        """The runs that the principal may see, newest first; measurements before a run only when
        asked for by `kind`.
        """
        unlisted = [name for name, one in RUN_KINDS.items() if not one.listed]
        about = [runs.c.kind == kind if kind else runs.c.kind.not_in(unlisted)]
        if active:
            about.append(runs.c.status.in_(ACTIVE))
        if status:
            about.append(runs.c.status == status)
        return self._listed(*about, limit=limit)

    def trash(self) -> Sequence[Run]:
        """What was deleted and can still be restored, newest first."""
        return self._listed(deleted=True)

    def _listed(
        self, *about: ColumnElement[bool], deleted: bool = False, limit: int | None = None
    ) -> builtins.list[Run]:
        mark_dead(self._engine)
        seen = self._policy.seen(runs, deleted=deleted)
        query = select(runs).where(seen, *about).order_by(runs.c.created.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [self._to_run(row) for row in connection.execute(query).all()]

    def _to_run(self, row: Row[tuple[object, ...]]) -> Run:
        values = dict(row._mapping)
        place = self._place(values["kind"], values["queued"]) if values["status"] == "queued" else 0
        return Run(
            **{
                name: values[name]
                for name in Run.__dataclass_fields__
                if name not in ("folder", "place", "dataset")
            },
            dataset=(self._policy.prefix(values["project"]) if values["dataset"] else "")
            + values["dataset"],
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
