"""One object decides who may do what with which dataset, run or model; the stores ask it.

Everything belongs to a project: `OWNER/NAME`, which is the owner's id and the name of a dataset
(of all its versions, and of the runs on them). What a person may do with something is a level:

========  ==========================================================================================
owner     their own things, and all that was made in their projects: also delete, share, hand over
editor    what was shared with them (or with everybody here) to work on: also change, and train on
viewer    what was shared with them to look at: items, reports, answers of models
none      it does not exist for them
========  ==========================================================================================

A run on another's project is seen only as long as the project is shared: it holds that project's
items.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    and_,
    false,
    insert,
    or_,
    select,
    union,
)
from sqlalchemy.sql import ColumnElement

from tl_core.access.principal import ADMIN, VIEWER, Principal
from tl_core.database.holder import holder_of
from tl_core.database.tables import activity, grants, models, runs, users
from tl_core.errors import AccessError, NotFoundError

PROJECT, RUN, MODEL = "project", "run", "model"
EVERYBODY = "*"
NONE, LOOK, WORK, OWN = range(4)
LEVELS = {"viewer": LOOK, "editor": WORK, "owner": OWN}
_SCOPES = {"datasets": "datasets", "models": "datasets", "runs": "runs"}
_AT_ONCE = 500  # people whose handles are asked for in one query
_WORDS = {LOOK: "look at", WORK: "change", OWN: "delete or share"}


def project_key(owner: str, reference: str) -> str:
    """The project that the dataset `name` or `name@version` of an owner belongs to."""
    return f"{owner}/{reference.partition('@')[0].strip()}"


class Policy:
    """What one principal may do."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine, self.principal = engine, principal
        self._called: dict[str, str | None] = {}  # handles by id, as far as they were asked for

    def seen(self, table: Table, *, deleted: bool = False) -> ColumnElement[bool]:
        """The condition on rows of `datasets`, `runs` or `models` that the principal may look at.

        Args:
            table: one of the three.
            deleted: instead of these, those in the trash that they may restore.
        """
        if not self.principal.allows(f"{_SCOPES[table.name]}:read"):
            return false()
        if deleted:
            me = self.principal.id
            mine = holder_of(table.c.project) == me
            shared = and_(table.c.project.in_(self._shared(PROJECT)), table.c.owner == me)
            return and_(table.c.deleted.is_not(None), or_(mine, shared))
        return and_(table.c.deleted.is_(None), or_(*self._ways(table)))

    def newest(
        self, table: Table, about: Iterable[ColumnElement[bool]], limit: int | None
    ) -> CompoundSelect[tuple[str]]:
        """The ids of rows that the principal may look at, in a way that a database reads by
        indexes alone: one part for each way in which something can be seen, each no longer than
        all of them together have to be.

        Args:
            table: `datasets` or `runs`.
            about: further conditions.
            limit: how many of the newest are wanted; None for all.
        """
        about = [table.c.deleted.is_(None), *about]
        if not self.principal.allows(f"{_SCOPES[table.name]}:read"):
            about.append(false())
        order = (table.c.created.desc(), table.c.id.desc())
        parts = []
        for way in self._ways(table):
            part = select(table.c.id).where(way, *about)
            part = part if limit is None else part.order_by(*order).limit(limit)
            parts.append(select(part.subquery().c.id))
        return union(*parts)

    def _ways(self, table: Table) -> list[ColumnElement[bool]]:
        """Conditions of which any lets the principal look at a row that is not in the trash."""
        ways = [holder_of(table.c.project) == self.principal.id]
        shared = table.c.project.in_(self._shared(PROJECT))
        if table is not models:  # a model is its owner's alone, whatever dataset has its name
            ways.append(shared)
        if table is runs:
            ways.append(table.c.id.in_(self._shared(RUN)))
        return ways

    def _shared(self, kind: str) -> Select[tuple[str]]:
        return select(grants.c.object).where(
            grants.c.kind == kind, grants.c.grantee.in_((self.principal.id, EVERYBODY))
        )

    def level(self, kind: str, row: Row[tuple[object, ...]]) -> int:
        """What the principal is to a row of `datasets`, `runs` or `models`."""
        if kind == MODEL:
            return OWN if row.owner == self.principal.id else NONE
        level = self._level(row.project, row.id if kind == RUN else None, row.owner)
        return min(level, LOOK) if self.principal.role == VIEWER else level

    def project_level(self, project: str) -> int:
        """What the principal is to a project, whether or not there is anything in it."""
        level = self._level(project, None, "")
        return min(level, LOOK) if self.principal.role == VIEWER else level

    def _level(self, project: str, run: str | None, owner: str) -> int:
        if project.startswith(f"{self.principal.id}/"):
            return OWN
        about: ColumnElement[bool] = (grants.c.kind == PROJECT) & (grants.c.object == project)
        if run is not None:
            about = or_(about, (grants.c.kind == RUN) & (grants.c.object == run))
        with self._engine.connect() as connection:
            given = connection.execute(
                select(grants.c.kind, grants.c.access).where(
                    about, grants.c.grantee.in_((self.principal.id, EVERYBODY))
                )
            ).all()
        if owner == self.principal.id and any(one.kind == PROJECT for one in given):
            return OWN  # one's own run, on a project that is still shared
        return max((LEVELS[one.access] for one in given), default=NONE)

    def require(self, level: int, kind: str, row: Row[tuple[object, ...]]) -> None:
        """Refuse unless the principal may do what needs `level` with a row.

        Raises:
            NotFoundError: when it does not exist for them.
            AccessError: when they may look at it, but not more, or their token does not cover it.
        """
        own = self.level(kind, row)
        if own == NONE:
            raise NotFoundError(f"There is no {kind} {row.id!r}.")
        self.require_level(level, own, kind)
        scope = "runs" if kind == RUN else "datasets"
        self.require_scope(f"{scope}:{'read' if level == LOOK else 'write'}")

    def require_level(self, level: int, own: int, kind: str) -> None:
        """Refuse what needs `level` to somebody who is `own` to the thing."""
        if own < level:
            raise AccessError(
                f"You may not {_WORDS[level]} this {kind}.",
                "It belongs to somebody else, who shared it with you for less.",
                "Ask its owner to share it for more.",
            )

    def require_scope(self, scope: str) -> None:
        """Refuse what the principal's token does not cover."""
        if not self.principal.allows(scope):
            raise AccessError(
                "This token may not do that.",
                f"It lacks the scope {scope!r}.",
                "Make a token with that scope in your account.",
            )

    def require_making(self, scope: str) -> None:
        """Refuse to make something new to those who may only look or whose token does not cover it.

        Raises:
            AccessError: in these cases.
        """
        if self.principal.role == VIEWER:
            raise AccessError(
                "You may look at what others share, but not add anything.",
                "Your role on this server is viewer.",
                "Ask an administrator for the role of a member.",
            )
        self.require_scope(scope)

    def require_presence(self) -> None:
        """Refuse a token what only its person may do: sharing, and making further tokens.

        Raises:
            AccessError: for a token.
        """
        if self.principal.scopes is not None:
            raise AccessError("A token may not do that.", "", "Sign in and do it in the browser.")

    def require_admin(self) -> None:
        """Refuse what only administrators may do; no token may.

        Raises:
            AccessError: for everybody else.
        """
        if self.principal.role != ADMIN or self.principal.scopes is not None:
            raise AccessError("Only an administrator of this server may do that.")

    def handles(self, people: Iterable[str]) -> Mapping[str, str]:
        """Handles by id, of those of these people who have one; each is asked for once."""
        wanted = set(people)
        unknown = sorted(wanted - self._called.keys())
        for begin in range(0, len(unknown), _AT_ONCE):
            some = unknown[begin : begin + _AT_ONCE]
            query = select(users.c.id, users.c.handle).where(users.c.id.in_(some))
            with self._engine.connect() as connection:
                found = {row.id: row.handle for row in connection.execute(query).all()}
            self._called |= {person: found.get(person) for person in some}
        return {one: handle for one in wanted if (handle := self._called[one]) is not None}

    def _person(self, word: str) -> str | None:
        """The id of whom a word means: by id, else by handle; None where that is nobody."""
        query = select(users.c.id).where(or_(users.c.id == word, users.c.handle == word))
        with self._engine.connect() as connection:
            found = list(connection.execute(query).scalars())
        return word if word in found else next(iter(found), None)

    def prefix(self, project: str) -> str:
        """What stands before the name of a project of somebody else: `ana/`; nothing before one's
        own.
        """
        owner = project.partition("/")[0]
        return "" if owner == self.principal.id else f"{self.handle(owner)}/"

    def handle(self, person: str) -> str:
        """The handle of a person; the id of somebody who has none, or has gone."""
        return self.handles([person]).get(person, person)

    def knows(self, handle: str) -> bool:
        """Whether somebody here has that handle or id."""
        own = (self.principal.id, self.principal.handle)
        return handle in own or self._person(handle) is not None

    def project_of(self, reference: str) -> str:
        """The project that a reference means to the principal: `tickets@2` is their own,
        `ana/tickets@2` is Ana's. Says nothing about whether it exists or may be seen.
        """
        handle, slash, name = reference.partition("/")
        if not slash or handle in (self.principal.id, self.principal.handle):
            return project_key(self.principal.id, name if slash else reference)
        return project_key(self._person(handle) or handle, name)

    def note(
        self,
        connection: Connection,
        action: str,
        kind: str,
        about: str,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Write into the log of activity, in the transaction of the change itself."""
        connection.execute(
            insert(activity).values(
                at=time.time(),
                actor=self.principal.id,
                way=self.principal.way,
                address=self.principal.address,
                action=action,
                kind=kind,
                object=about,
                detail=dict(detail or {}),
            )
        )
