"""Dataset versions in the registry: names, numbers and owners; the rows themselves lie in their
folders.
"""

from __future__ import annotations

import builtins
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, func, insert, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tl_core.access.policy import LOOK, NONE, OWN, PROJECT, WORK, Policy
from tl_core.access.principal import Principal, as_principal
from tl_core.database.holder import holder_of
from tl_core.database.tables import answers, claims, datasets, grants, label_queues, runs
from tl_core.errors import DataError, NotFoundError, StateError, nearest
from tl_core.places import inside
from tl_core.registry.queue import mark_dead
from tl_core.registry.run import ACTIVE
from tl_core.registry.stored.opened import see_dataset
from tl_core.settings import read_settings

_LONGEST_NUMBER = 9  # digits that fit the column of every database


@dataclass(frozen=True)
class DatasetRecord:
    """One row: a version of a named dataset."""

    id: str
    owner: str
    name: str
    version: int
    fingerprint: str
    modality: str
    task: str
    rows: int
    classes: int
    folder: Path
    created: float
    project: str  # its owner's id and its name
    prefix: str = ""  # what stands before the name of what somebody else shares: `ana/`

    @property
    def called(self) -> str:
        """The name by which the acting principal calls it."""
        return f"{self.prefix}{self.name}"

    @property
    def reference(self) -> str:
        """`name@version`, as the acting principal calls it."""
        return f"{self.called}@{self.version}"


def version_number(words: str) -> int:
    """The number behind the `@` of a reference; -1, which no version has, for anything else."""
    plain = words.isascii() and words.isdigit() and len(words) <= _LONGEST_NUMBER
    return int(words) if plain else -1


def check_name(name: str) -> str:
    """A usable dataset name, stripped.

    Raises:
        DataError: when it is empty, too long or holds signs with a meaning elsewhere.
    """
    name = name.strip()
    if not name or len(name) > 80 or not re.fullmatch(r"[\w][\w .()+-]*", name):
        raise DataError(
            f"{name!r} cannot be the name of a dataset." if name else "The dataset needs a name.",
            "Names have up to 80 letters, digits, spaces, dots, dashes or underscores.",
            "Choose another one, such as 'tickets-2026'.",
        )
    return name


class DatasetStore:
    """All access to datasets for one acting principal: their own, and what others share."""

    def __init__(self, engine: Engine, user: str | Principal, home: Path) -> None:
        principal = as_principal(user)
        self.engine, self._home = engine, home
        self.policy = Policy(engine, principal)

    def new_folder(self) -> Path:
        """An empty folder for a version that is being built."""
        folder = self._home / "datasets" / secrets.token_hex(6)
        folder.mkdir(parents=True)
        return folder

    def add(
        self,
        name: str,
        folder: Path,
        facts: Mapping[str, object],
        follows: DatasetRecord | None = None,
    ) -> tuple[DatasetRecord, bool]:
        """Register the version in `folder`; False when the newest version has the same content
        already.

        Args:
            name: dataset name; `ana/tickets` adds a version to what Ana shares.
            folder: a complete version.
            facts: fingerprint, modality, task, rows and classes.
            follows: the version that it was made from, where it has to be the newest one still.

        Raises:
            NotFoundError: when nobody shares a dataset of that name.
            AccessError: when they share it only to be looked at.
            StateError: when somebody else has made a newer version than `follows` meanwhile.
        """
        project = self._project_to_add(name)
        owner, _, name = project.partition("/")
        for _ in range(20):  # another process may take the number between reading and writing it
            newest = self._newest(project)
            if newest and newest.deleted is None and newest.fingerprint == facts["fingerprint"]:
                return self._record(newest), False
            try:
                with self.engine.begin() as connection:
                    if follows:
                        self.require_newest(follows, connection)
                    connection.execute(
                        insert(datasets).values(
                            id=folder.name,
                            owner=owner,
                            name=name,
                            version=newest.version + 1 if newest else 1,
                            folder=inside(folder, self._home),
                            created=time.time(),
                            project=project,
                            **facts,
                        )
                    )
                    number = newest.version + 1 if newest else 1
                    self.policy.note(connection, "add", "dataset", f"{project}@{number}")
                newest = self._newest(project)
                if newest:
                    return self._record(newest), True
            except IntegrityError:
                continue
        raise DataError(
            f"The dataset {name!r} is being changed by others just now.", "", "Try again."
        )

    def require_newest(self, record: DatasetRecord, connection: Connection | None = None) -> None:
        """Refuse to change what is no longer the newest version of its dataset: the change would be
        in no later one, or would leave out what the later ones brought.

        Raises:
            StateError: when there is a newer version.
        """
        query = select(func.max(datasets.c.version)).where(
            datasets.c.project == record.project, datasets.c.deleted.is_(None)
        )
        with nullcontext(connection) if connection else self.engine.connect() as opened:
            newest = opened.execute(query).scalar()
        if newest is not None and newest > record.version:
            raise StateError(
                f"{record.called}@{newest} has been made meanwhile, so nothing was changed.",
                f"This is about {record.reference}: it would be in no later version, or leave out"
                " what the newer one brought.",
                f"Go on with {record.called}@{newest}. To go on from {record.reference} instead,"
                " restore it first: what was said of it goes along.",
            )

    def _project_to_add(self, name: str) -> str:
        """The project that a version of that name belongs to, if the principal may add to it."""
        handle, slash, bare = name.strip().partition("/")
        if slash and self.policy.knows(handle):
            name = f"{handle}/{check_name(bare)}"
        else:
            name = check_name(name)
        self.policy.require_making("datasets:write")
        project = self.policy.project_of(name)
        level = self.policy.project_level(project)
        if level == NONE:
            raise NotFoundError(f"There is no dataset {name!r}.")
        self.policy.require_level(WORK, level, PROJECT)
        return project

    def get(self, reference: str) -> DatasetRecord:
        """The dataset `name` (its newest version) or `name@version`; `ana/name` is Ana's. Its
        folder is here.

        Raises:
            NotFoundError: when the acting principal may not see such a dataset, or its folder has
                not come to the store yet.
            StoreError: when it has to come from the store, which does not answer.
        """
        record = self.find(reference)
        see_dataset(replace(read_settings(), home=str(self._home)), self.engine, record.folder)
        return record

    def find(self, reference: str) -> DatasetRecord:
        """The same without its folder, which may lie in the store alone.

        Raises:
            NotFoundError: when the acting principal may not see such a dataset.
        """
        return self._record(self._row(reference))

    def _row(
        self, reference: str, level: int = LOOK, *, deleted: bool = False
    ) -> Row[tuple[object, ...]]:
        version = reference.partition("@")[2]
        query = select(datasets).where(
            self.policy.seen(datasets, deleted=deleted),
            datasets.c.project == self.policy.project_of(reference),
        )
        if version:
            query = query.where(datasets.c.version == version_number(version))
        with self.engine.connect() as connection:
            row = connection.execute(query.order_by(datasets.c.version.desc()).limit(1)).first()
        if row is None:
            known = [] if deleted else [record.reference for record in self.list()]
            raise NotFoundError(
                f"There is no dataset {reference!r}.", "", nearest(reference, known)
            )
        self.policy.require(level, "dataset", row)
        return row

    def may(self, record: DatasetRecord, level: int) -> bool:
        """Whether the acting principal may do what needs `level` with a dataset."""
        return self.policy.project_level(record.project) >= level

    def to_change(self, reference: str) -> DatasetRecord:
        """The dataset as `get` gives it, for whoever writes beside its rows.

        Raises:
            NotFoundError: when the acting principal may not see such a dataset.
            AccessError: when they may only look at it.
        """
        record = self.get(reference)
        self.policy.require_level(WORK, self.policy.project_level(record.project), PROJECT)
        return record

    def list(self, *, all_versions: bool = False) -> list[DatasetRecord]:
        """Newest version of each dataset, or all versions, newest first."""
        records, seen = self._listed(), set[str]()
        if all_versions:
            return records
        return [r for r in records if not (r.project in seen or seen.add(r.project))]  # type: ignore[func-returns-value]

    def trash(self) -> Sequence[DatasetRecord]:
        """Versions that were deleted and can still be restored, newest first."""
        return self._listed(deleted=True)

    def _listed(self, *, deleted: bool = False) -> builtins.list[DatasetRecord]:
        meant = (
            self.policy.seen(datasets, deleted=True)
            if deleted
            else datasets.c.id.in_(self.policy.newest(datasets, (), None))
        )
        query = select(datasets).where(meant)
        query = query.order_by(datasets.c.created.desc(), datasets.c.version.desc())
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        self.policy.handles(row.project.partition("/")[0] for row in rows)
        return [self._record(row) for row in rows]  # which asks for handles with a connection

    def delete(self, reference: str) -> Sequence[DatasetRecord]:
        """Put a version into the trash, or all versions where none is named; gives them.

        Raises:
            NotFoundError: when there is no such dataset.
            AccessError: when it is somebody else's.
            DataError: when runs still depend on it.
        """
        row = self._row(reference, OWN)
        whole = "@" not in reference
        about = [datasets.c.project == row.project, datasets.c.deleted.is_(None)]
        if not whole:
            about.append(datasets.c.version == row.version)
        mark_dead(self.engine)  # work whose process has gone reads nothing any more
        with self.engine.begin() as connection:
            doomed = connection.execute(select(datasets).where(*about)).all()
            self._check_unused(connection, reference, doomed)
            connection.execute(
                update(datasets)
                .where(datasets.c.id.in_([one.id for one in doomed]))
                .values(deleted=time.time())
            )
            left = connection.execute(
                select(datasets.c.id).where(
                    datasets.c.project == row.project, datasets.c.deleted.is_(None)
                )
            ).first()
            if left is None:  # a later dataset of this name shall not be shared from its beginning
                connection.execute(
                    sql_delete(grants).where(
                        grants.c.kind == PROJECT, grants.c.object == row.project
                    )
                )
            for one in doomed:
                self.policy.note(connection, "delete", "dataset", f"{one.project}@{one.version}")
        return [self._record(one) for one in doomed]

    def _check_unused(
        self, connection: Connection, reference: str, doomed: Sequence[Row[tuple[object, ...]]]
    ) -> None:
        """Refuse where work would lose its data."""
        about = (
            runs.c.project == doomed[0].project,
            runs.c.dataset.in_([f"{one.name}@{one.version}" for one in doomed]),
            runs.c.deleted.is_(None),
        )
        counted = select(func.count()).select_from(runs)
        busy = connection.execute(
            counted.where(*about, runs.c.kind != "train", runs.c.status.in_(ACTIVE))
        ).scalar_one()
        if busy:
            raise DataError(
                f"{busy} unfinished run(s) use {reference!r}.",
                "They would lose their data.",
                "Wait until they have ended, or cancel them.",
            )
        owner = doomed[0].project.partition("/")[0]
        meant = (
            runs.c.target.in_([f"{one.project}@{one.version}" for one in doomed]),
            runs.c.deleted.is_(None),
            # whoever may only look keeps nobody from deleting what is theirs
            or_(holder_of(runs.c.project) == owner, runs.c.owner == owner),
        )
        targeted = connection.execute(counted.where(*meant)).scalar_one()
        if targeted:
            raise DataError(
                f"{targeted} run(s) were trained for {reference!r} as their target.",
                "They could not be repeated.",
                "Delete these runs first.",
            )
        used = connection.execute(counted.where(*about, runs.c.kind == "train")).scalar_one()
        if used:
            raise DataError(
                f"{used} run(s) were trained on {reference!r}.",
                "They would lose their data.",
                "Delete these runs first.",
            )

    def discard(self, reference: str) -> Sequence[Path]:
        """Remove a version for good, or all where none is named, past the trash; gives the folders,
        for the caller to remove; raises as `delete`.
        """
        return [self.purge(one.reference) for one in self.delete(reference)]

    def restore(self, reference: str) -> DatasetRecord:
        """Take a version out of the trash.

        Raises:
            NotFoundError: when it does not lie there.
        """
        row = self._row(reference, OWN, deleted=True)
        with self.engine.begin() as connection:
            connection.execute(update(datasets).where(datasets.c.id == row.id).values(deleted=None))
            self.policy.note(connection, "restore", "dataset", f"{row.project}@{row.version}")
        return self.find(reference)

    def purge(self, reference: str) -> Path:
        """Remove a version in the trash for good, with its folder left for the caller to remove.

        Raises:
            NotFoundError: when it does not lie there.
        """
        row = self._row(reference, OWN, deleted=True)
        with self.engine.begin() as connection:
            for table in (answers, claims, label_queues):
                connection.execute(sql_delete(table).where(table.c.dataset == row.id))
            connection.execute(sql_delete(datasets).where(datasets.c.id == row.id))
            about = f"{row.project}@{row.version}"
            self.policy.note(connection, "remove for good", "dataset", about)
        return self._home / str(row.folder)

    def _newest(self, project: str) -> Row[tuple[object, ...]] | None:
        """The newest version, those in the trash among them: a number is never given twice."""
        with self.engine.connect() as connection:
            return connection.execute(
                select(datasets)
                .where(datasets.c.project == project)
                .order_by(datasets.c.version.desc())
                .limit(1)
            ).first()

    def _record(self, row: Row[tuple[object, ...]]) -> DatasetRecord:
        values = {**row._mapping, "folder": self._home / row.folder}
        del values["deleted"]
        return DatasetRecord(**values, prefix=self.policy.prefix(row.project))
