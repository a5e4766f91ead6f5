"""Dataset versions in the registry: names, numbers and owners; the rows themselves lie in their
folders.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, Row, func, insert, select
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tl_core.database.tables import datasets, runs
from tl_core.errors import DataError, NotFoundError, nearest
from tl_core.places import inside
from tl_core.registry.queue import mark_dead
from tl_core.registry.run import ACTIVE


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

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


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
    """All access to datasets for one acting user."""

    def __init__(self, engine: Engine, user: str, home: Path) -> None:
        self._engine, self._user, self._home = engine, user, home

    def new_folder(self) -> Path:
        """An empty folder for a version that is being built."""
        folder = self._home / "datasets" / secrets.token_hex(6)
        folder.mkdir(parents=True)
        return folder

    def add(
        self, name: str, folder: Path, facts: Mapping[str, object]
    ) -> tuple[DatasetRecord, bool]:
        """Register the version in `folder`; False when the newest version has the same content
        already.

        Args:
            name: dataset name.
            folder: a complete version.
            facts: fingerprint, modality, task, rows and classes.
        """
        name = check_name(name)
        for _ in range(20):  # another process may take the number between reading and writing it
            newest = self._newest(name)
            if newest and newest.fingerprint == facts["fingerprint"]:
                return newest, False
            try:
                with self._engine.begin() as connection:
                    connection.execute(
                        insert(datasets).values(
                            id=folder.name,
                            owner=self._user,
                            name=name,
                            version=newest.version + 1 if newest else 1,
                            folder=inside(folder, self._home),
                            created=time.time(),
                            **facts,
                        )
                    )
                newest = self._newest(name)
                if newest:
                    return newest, True
            except IntegrityError:
                continue
        raise DataError(
            f"The dataset {name!r} is being changed by others just now.", "", "Try again."
        )

    def get(self, reference: str) -> DatasetRecord:
        """The dataset `name` (its newest version) or `name@version`.

        Raises:
            NotFoundError: when the acting user has no such dataset.
        """
        name, _, version = reference.partition("@")
        query = select(datasets).where(
            datasets.c.owner == self._user, datasets.c.name == name.strip()
        )
        if version:
            query = query.where(datasets.c.version == (int(version) if version.isdigit() else -1))
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(datasets.c.version.desc()).limit(1)).first()
        if row is None:
            raise NotFoundError(
                f"There is no dataset {reference!r}.",
                "",
                nearest(reference, [record.reference for record in self.list()]),
            )
        return self._record(row)

    def list(self, *, all_versions: bool = False) -> list[DatasetRecord]:
        """Newest version of each dataset, or all versions, newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(datasets)
                .where(datasets.c.owner == self._user)
                .order_by(datasets.c.created.desc(), datasets.c.version.desc())
            ).all()
        records, seen = [self._record(row) for row in rows], set()
        if all_versions:
            return records
        return [r for r in records if not (r.name in seen or seen.add(r.name))]  # type: ignore[func-returns-value]

    def delete(self, reference: str) -> Sequence[Path]:
        """Remove a version, or all versions where none is named; the caller removes the returned
        folders.

        Raises:
            NotFoundError: when there is no such dataset.
            DataError: when runs still depend on it.
        """
        record = self.get(reference)
        whole = "@" not in reference
        doomed = [
            r
            for r in self.list(all_versions=True)
            if r.name == record.name and (whole or r.version == record.version)
        ]
        mark_dead(self._engine)  # work whose process has gone reads nothing any more
        with self._engine.begin() as connection:
            about = (runs.c.owner == self._user, runs.c.dataset.in_([r.reference for r in doomed]))
            busy = connection.execute(
                select(func.count())
                .select_from(runs)
                .where(*about, runs.c.kind != "train", runs.c.status.in_(ACTIVE))
            ).scalar_one()
            if busy:
                raise DataError(
                    f"{busy} unfinished run(s) use {reference!r}.",
                    "They would lose their data.",
                    "Wait until they have ended, or cancel them.",
                )
            used = connection.execute(
                select(func.count()).select_from(runs).where(*about, runs.c.kind == "train")
            ).scalar_one()
            if used:
                raise DataError(
                    f"{used} run(s) were trained on {reference!r}.",
                    "They would lose their data.",
                    "Delete these runs first.",
                )
            connection.execute(
                sql_delete(datasets).where(datasets.c.id.in_([r.id for r in doomed]))
            )
        return [r.folder for r in doomed]

    def _newest(self, name: str) -> DatasetRecord | None:
        with self._engine.connect() as connection:
            row = connection.execute(
                select(datasets)
                .where(datasets.c.owner == self._user, datasets.c.name == name)
                .order_by(datasets.c.version.desc())
                .limit(1)
            ).first()
        return self._record(row) if row else None

    def _record(self, row: Row[tuple[object, ...]]) -> DatasetRecord:
        values = dict(row._mapping)
        return DatasetRecord(**{**values, "folder": self._home / values["folder"]})
