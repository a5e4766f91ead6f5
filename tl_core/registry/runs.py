"""Runs in the registry: who asked for what, how it stands, and every legal change of status.

Changes of status are single guarded UPDATEs, so that two dispatchers, tabs or impatient fingers
cannot both win.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tl_core.access.policy import NONE, OWN, PROJECT, RUN, WORK
from tl_core.config import RunConfig
from tl_core.database.tables import datasets, runs
from tl_core.errors import CANCELLED, NotFoundError, QuotaError, StateError
from tl_core.places import inside
from tl_core.registry.datasets import DatasetStore, version_number
from tl_core.registry.models import ModelStore
from tl_core.registry.queue import mark_dead
from tl_core.registry.quotas import Quotas
from tl_core.registry.run import ACTIVE, ENDED, KEEPS_BEST, Run
from tl_core.registry.run_queries import RunQueries
from tl_core.registry.scheduling.estimates import need_of
from tl_core.registry.scheduling.lane import longest_of
from tl_core.registry.scheduling.ledger import Asked, Need, settle
from tl_core.registry.stored.opened import store_new
from tl_core.storage import remove_tree

_LONGEST_TAG, _LONGEST_NOTE = 40, 2000  # characters


class RunStore(RunQueries):
    """All access to runs for one acting principal: what they may see, and change."""

    def create(self, config: RunConfig, draft: str | None = None) -> Run:
        """Write a queued run; the same `draft` again gives the run that it already made.

        Raises:
            StateError: when the config names another owner than the acting user, or another folder
            than its dataset's.
            QuotaError: when it would be more than the acting user may use.
            NotFoundError: when it starts from or reads what the acting user may not see.
            AccessError: when they may only look at the project that it is about.
        """
        if config.owner != self._user:
            raise StateError(f"{self._user!r} cannot start a run for {config.owner!r}.")
        self._policy.require_making("runs:write")
        project = self._policy.project_of(config.dataset)
        level = self._policy.project_level(project)
        if level == NONE:
            raise NotFoundError(f"There is no dataset {config.dataset!r}.")
        self._policy.require_level(WORK, level, PROJECT)
        self._check_sources(config)
        self._check_data(config, project)
        run_id = secrets.token_hex(5)
        folder = self._home / "runs" / run_id
        quotas, need = self._quotas, self._need(config, project)
        quotas.require_disk(self._user)
        folder.mkdir(parents=True)
        config.write(folder)
        try:
            with self._engine.begin() as connection:
                row = self._queued(config, folder, project)
                connection.execute(insert(runs).values(**row, draft=draft))
                asked = Asked(run_id, self._user, config.kind, config.recipe)
                quotas.admit(connection, asked, need)
                self._policy.note(connection, "start", RUN, run_id, {"kind": config.kind})
        except QuotaError:
            remove_tree(folder)
            raise
        except IntegrityError:
            remove_tree(folder)
            with self._engine.connect() as connection:
                run_id = connection.execute(
                    select(runs.c.id).where(runs.c.owner == self._user, runs.c.draft == draft)
                ).scalar_one()
            return self.find(run_id)
        store_new(self._settings, self._engine, folder)
        return self.find(run_id)

    def _check_sources(self, config: RunConfig) -> None:
        """Refuse a config that begins with a run or a model which the acting user may not see."""
        for earlier in config.begins_with():  # other people's runs do not exist
            self.find(earlier)
        if config.target:
            self._target(config)
        models = ModelStore(self._engine, self._policy.principal, self._home)
        for reference in config.backbones():
            models.check(reference)

    def _target(self, config: RunConfig) -> str:
        """The other dataset that a run reads as its target, as the database names it.

        Raises:
            NotFoundError: when the acting user may not see it.
            StateError: when its version is not named, so that a later one would be another run.
        """
        record = DatasetStore(self._engine, self._policy.principal, self._home).find(config.target)
        if "@" not in config.target:
            raise StateError(
                f"The target {config.target!r} names no version.",
                "The run could not be repeated once there is a newer one.",
                f"Write {record.reference}.",
            )
        return f"{record.project}@{record.version}"

    def _queued(self, config: RunConfig, folder: Path, project: str) -> dict[str, object]:
        """The row of a run that has just been queued."""
        now = self._clock()
        return {
            "id": folder.name,
            "owner": self._user,
            "kind": config.kind,
            "dataset": config.dataset.rpartition("/")[2],
            "project": project,
            "backbone": config.backbone,
            "recipe": config.recipe,
            "folder": inside(folder, self._home),
            "parent": config.parent,
            "target": self._target(config) if config.target else "",
            "status": "queued",
            "created": now,
            "queued": now,
            "progress": 0.0,
            "headline": "",
            "cancel_requested": False,
        }

    @property
    def _quotas(self) -> Quotas:
        return Quotas(self._engine, self._settings, self._clock)

    def _need(self, config: RunConfig, project: str) -> Need:
        """What a run is expected to take."""
        longest = longest_of(self._settings)
        with self._engine.connect() as connection:
            return need_of(connection, config, project, self._home, longest)

    def _check_data(self, config: RunConfig, project: str) -> None:
        """Whether the folder that is to be read is that of the dataset of this project."""
        version = config.dataset.partition("@")[2]
        if not config.dataset_dir:
            return
        with self._engine.connect() as connection:
            folder = connection.execute(
                select(datasets.c.folder).where(
                    self._policy.seen(datasets),
                    datasets.c.project == project,
                    datasets.c.version == version_number(version),
                )
            ).scalar()
        if folder is None or self._home / folder != Path(config.dataset_dir):
            raise StateError(
                f"The folder that is to be read is not that of {config.dataset!r}.",
                "",
                "Name the dataset, and leave its folder to the registry.",
            )

    def cancel(self, run_id: str) -> Run:
        """Stop a run: a queued one at once, a running one when its worker sees the request.

        Raises:
            StateError: when it has already ended.
        """
        run = self._changeable(run_id)
        if run.status not in ACTIVE:
            raise StateError(
                f"Run {run_id} is already {run.status}.",
                "Only queued or running ones can be cancelled.",
            )
        now = self._clock()
        with self._engine.begin() as connection:
            if connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "queued")
                .values(status="cancelled", finished=now, reason=CANCELLED)
            ).rowcount:
                settle(connection, run_id, now)
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "running")
                .values(cancel_requested=True)
            )
            self._policy.note(connection, "cancel", RUN, run_id)
        return self.find(run_id)

    def _changeable(self, run_id: str) -> Run:
        """A run that the principal may change."""
        mark_dead(self._engine, self._clock)
        return self._to_run(self._row(run_id, WORK), self._outlook)

    def stop(self, run_id: str) -> Run:
        """End a running training early and keep its best state; it then finishes like any other.

        Raises:
            StateError: when it does not run, or is no training that has states to choose from.
        """
        run = self._changeable(run_id)
        if run.status != "running" or run.kind != "train" or run.recipe not in KEEPS_BEST:
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
            self._policy.note(connection, "stop", RUN, run_id)
        return self.find(run_id)

    def reveal(self, run_id: str, headline: str, summary: Mapping[str, object]) -> Run:
        """Show of a finished run what its opened test score says."""
        self._changeable(run_id)
        with self._engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "done")
                .values(headline=headline, summary=summary)
            )
            self._policy.note(connection, "open test score", RUN, run_id)
        return self.find(run_id)

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
        self._changeable(run_id)
        if values:
            with self._engine.begin() as connection:
                connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
        return self.find(run_id)

    def resume(self, run_id: str) -> Run:
        """Queue an ended run again; what it has finished is kept.

        Raises:
            StateError: when it is still active or already done.
            QuotaError: when it would be more than its owner may use.
            NotFoundError: when what it begins with is shared with its owner no more.
        """
        run = self._changeable(run_id)
        row, quotas = self._row(run_id, WORK), self._quotas
        quotas.require_disk(run.owner)
        config = RunConfig.read(run.folder)
        if run.owner == self._user:
            self._check_sources(config)
        need = self._need(config, row.project)
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(runs)
                .where(
                    runs.c.id == run_id,
                    runs.c.deleted.is_(None),
                    runs.c.status.in_(("failed", "cancelled", "interrupted")),
                )
                .values(
                    status="queued",
                    queued=self._clock(),
                    reason=None,
                    cancel_requested=False,
                    stop_requested=False,
                    stop_reason=None,
                    finished=None,
                    pid=None,
                    heartbeat=None,
                    progress=0.0,
                    executor="",
                    job="",
                    losses=0,
                )
            ).rowcount
            if changed:
                quotas.admit(connection, Asked(run.id, run.owner, run.kind, run.recipe), need)
                self._policy.note(connection, "resume", RUN, run_id)
        if not changed:
            raise StateError(
                f"Run {run_id} is {run.status}.",
                "Only failed, cancelled or interrupted runs can be resumed.",
            )
        return self.find(run_id)

    def delete(self, run_ids: Sequence[str]) -> None:
        """Put ended runs into the trash, all or none.

        Raises:
            NotFoundError: when the principal may not see one of them.
            AccessError: when one is neither theirs nor of a project of theirs.
            StateError: when one is still active.
        """
        for run_id in run_ids:
            mark_dead(self._engine, self._clock)
            if (row := self._row(run_id, OWN)).status in ACTIVE:
                raise StateError(f"Run {run_id} is {row.status}.", "", "Cancel it first.")
        with self._engine.begin() as connection:
            gone = connection.execute(
                update(runs)
                .where(runs.c.id.in_(run_ids), runs.c.status.in_(ENDED))
                .values(deleted=self._clock())
            ).rowcount
            if gone != len(set(run_ids)):  # one was resumed just now: raising undoes the others
                raise StateError(
                    "One of these runs has just been started again.", "", "Cancel it first."
                )
            for run_id in run_ids:
                self._policy.note(connection, "delete", RUN, run_id)

    def discard(self, run_ids: Sequence[str]) -> Sequence[Path]:
        """Remove ended runs for good, past the trash, and give their folders, for the caller to
        remove; raises as `delete`.
        """
        self.delete(run_ids)
        return self.purge(run_ids)

    def restore(self, run_id: str) -> Run:
        """Take a run out of the trash.

        Raises:
            NotFoundError: when there is none of that id in it.
            StateError: when its dataset lies in the trash itself.
        """
        row = self._row(run_id, OWN, deleted=True)
        number = row.dataset.partition("@")[2]
        with self._engine.begin() as connection:
            about = (
                datasets.c.project == row.project,
                datasets.c.version == version_number(number),
                datasets.c.deleted.is_not(None),
            )
            if connection.execute(select(datasets.c.id).where(*about)).first():
                raise StateError(
                    f"The data of run {run_id} lie in the trash as well.",
                    "",
                    f"Restore the dataset {row.dataset!r} first.",
                )
            connection.execute(update(runs).where(runs.c.id == run_id).values(deleted=None))
            self._policy.note(connection, "restore", RUN, run_id)
        return self.find(run_id)

    def purge(self, run_ids: Sequence[str]) -> Sequence[Path]:
        """Remove runs in the trash for good, and give their folders, for the caller to remove.

        Raises:
            NotFoundError: when one does not lie there.
        """
        rows = [self._row(run_id, OWN, deleted=True) for run_id in run_ids]
        with self._engine.begin() as connection:
            connection.execute(
                sql_delete(runs).where(runs.c.id.in_(run_ids), runs.c.deleted.is_not(None))
            )
            for run_id in run_ids:
                self._policy.note(connection, "remove for good", RUN, run_id)
        return [self._home / str(row.folder) for row in rows]
