"""Reading the log of activity: who did what to which object, when, and from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, Row, select

from tl_core.access.policy import Policy
from tl_core.access.principal import Principal
from tl_core.database.tables import activity, users


@dataclass(frozen=True)
class Deed:
    """One line of the log; `who` is a handle, or the id of somebody who has gone."""

    at: float
    who: str
    way: str
    address: str
    action: str
    kind: str
    about: str
    detail: dict[str, object]


class ActivityLog:
    """The log as far as the acting person may read it."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine, self._policy = engine, Policy(engine, principal)
        self._user = principal.id

    def mine(self, limit: int = 200) -> Sequence[Deed]:
        """What the acting person did, newest first."""
        self._policy.require_presence()
        return self._read(limit, activity.c.actor == self._user)

    def everything(self, limit: int = 500, who: str = "") -> Sequence[Deed]:
        """What everybody, or one person, did; newest first.

        Raises:
            AccessError: for everybody but administrators.
        """
        self._policy.require_admin()
        return self._read(limit, *([activity.c.actor == who] if who else []))

    def _read(self, limit: int, *about: ColumnElement[bool]) -> list[Deed]:
        query = (
            select(activity, users.c.handle)
            .join(users, users.c.id == activity.c.actor, isouter=True)
            .where(*about)
            .order_by(activity.c.id.desc())
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [_deed(row) for row in connection.execute(query).all()]


def _deed(row: Row[tuple[object, ...]]) -> Deed:
    return Deed(
        row.at,
        row.handle or row.actor,
        row.way,
        row.address,
        row.action,
        row.kind,
        row.object,
        row.detail,
    )
