"""Uploaded models in the registry: whose they are, and which backbones somebody may name."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path, PurePath

from sqlalchemy import Engine, Row, insert, select
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import LOOK, MODEL, OWN, Policy, project_key
from tl_core.access.principal import Principal, as_principal
from tl_core.database.tables import models
from tl_core.errors import BackboneError, NotFoundError, UserError

FOLDER = "models"  # in TL_HOME


@dataclass(frozen=True)
class UploadedModel:
    """A model folder, or a file of word vectors, below `TL_HOME/models`."""

    id: str
    owner: str
    name: str
    created: float


class ModelStore:
    """Uploaded models as the acting principal may see them."""

    def __init__(self, engine: Engine, user: str | Principal, home: Path) -> None:
        principal = as_principal(user)
        self._engine, self._user, self._home = engine, principal.id, home
        self._policy = Policy(engine, principal)

    def require_adding(self) -> None:
        """Refuse before the work of an upload.

        Raises:
            AccessError: when the principal may add nothing.
        """
        self._policy.require_making("datasets:write")

    def add(self, name: str) -> UploadedModel:
        """Register what has just been put into `TL_HOME/models` under this name.

        Raises:
            AccessError: when the principal may add nothing.
        """
        self.require_adding()
        with self._engine.begin() as connection:
            connection.execute(
                insert(models).values(
                    id=secrets.token_hex(6),
                    owner=self._user,
                    name=name,
                    project=project_key(self._user, name),
                    folder=f"{FOLDER}/{name}",
                    created=time.time(),
                )
            )
            self._policy.note(connection, "upload", MODEL, name)
        return _model(self._row(name))

    def list(self) -> list[UploadedModel]:
        """Those that the principal may use, by name."""
        query = select(models).where(self._policy.seen(models)).order_by(models.c.name)
        with self._engine.connect() as connection:
            return [_model(row) for row in connection.execute(query).all()]

    def check(self, reference: str) -> None:
        """Refuse a `local:` or `static:` reference to what the principal may not read: a model that
        somebody else uploaded, or, on a server, any path. Says nothing about other references.

        Raises:
            NotFoundError: for somebody else's model.
            BackboneError: for a path.
        """
        kind, _, target = reference.partition(":")
        if kind == "static" and ":" in target:
            kind, _, target = target.partition(":")
        if kind not in ("local", "static"):
            return
        if not self._policy.principal.anywhere and PurePath(target).name != target:
            raise BackboneError(
                "Folders of this server cannot be named by their path.",
                "",
                "Name a model of the list, or upload one.",
            )
        name = PurePath(target).name
        if not (self._home / FOLDER / name).exists() or self._policy.principal.anywhere:
            return
        if name not in {one.name for one in self.list()}:
            raise NotFoundError(f"There is no model {name!r}.")

    def may_use(self, reference: str) -> bool:
        """Whether `check` lets a reference pass."""
        try:
            self.check(reference)
        except UserError:
            return False
        return True

    def delete(self, name: str) -> Path:
        """Forget an uploaded model, and give its place, for the caller to remove; runs that began
        with it keep what they made of it.

        Raises:
            NotFoundError: when there is none of this name.
            AccessError: when it is somebody else's.
        """
        row = self._row(name, OWN)
        with self._engine.begin() as connection:
            connection.execute(sql_delete(models).where(models.c.id == row.id))
            self._policy.note(connection, "delete", MODEL, name)
        return self._home / str(row.folder)

    def _row(self, name: str, level: int = LOOK) -> Row[tuple[object, ...]]:
        query = select(models).where(self._policy.seen(models), models.c.name == name)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError(
                f"There is no uploaded model {name!r}.", "", "It may have been deleted already."
            )
        self._policy.require(level, MODEL, row)
        return row


def _model(row: Row[tuple[object, ...]]) -> UploadedModel:
    return UploadedModel(row.id, row.owner, row.name, row.created)
