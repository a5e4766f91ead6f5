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

    def everything(
        self, limit: int = 500, who: str = "", action: str = "", kind: str = ""
    ) -> Sequence[Deed]:
        """What everybody did; newest first.

        Args:
            limit: at most so many.
            who: only what the person of this id did.
            action: only this, such as `share`.
            kind: only what was done to things of this kind, such as `run`.

        Raises:
            AccessError: for everybody but administrators.
        """
        self._policy.require_admin()
        wanted = {activity.c.actor: who, activity.c.action: action, activity.c.kind: kind}
        return self._read(limit, *(column == value for column, value in wanted.items() if value))

    def known(self) -> tuple[Sequence[str], Sequence[str]]:
        """Which actions and which kinds of things the log holds, by name.

        Raises:
            AccessError: for everybody but administrators.
        """
        self._policy.require_admin()
        with self._engine.connect() as connection:
            actions, kinds = (
                [str(one) for one in connection.execute(select(column).distinct()).scalars()]
                for column in (activity.c.action, activity.c.kind)
            )
        return sorted(actions), sorted(kinds)

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
