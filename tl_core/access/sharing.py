"""Sharing: who else may look at or work on a project or a run, and to whom a project belongs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import EVERYBODY, OWN, PROJECT, RUN, Policy
from tl_core.access.principal import Principal, named
from tl_core.database.tables import datasets, grants, runs, users
from tl_core.errors import NotFoundError, StateError

ACCESS = ("viewer", "editor")
_UNFINISHED = ("queued", "running")


@dataclass(frozen=True)
class Grant:
    """Somebody's access to a project or a run; `grantee` is an id or `*` for everybody here."""

    grantee: str
    name: str
    access: str
    created: float


class Sharing:
    """What the acting principal shares, and hands over."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine, self._policy = engine, Policy(engine, principal)
        self._user = principal.id

    def share(self, kind: str, reference: str, with_whom: str, access: str) -> None:
        """Let a person (handle or id), or everybody here (`*`), look at something or work on it.

        Args:
            kind: `project` or `run`.
            reference: the name of a dataset, or the id of a run.
            with_whom: whom; a second time changes their access.
            access: one of `ACCESS`.

        Raises:
            NotFoundError: when there is no such thing, or no such person.
            AccessError: when it is somebody else's.
            StateError: when the access is none that can be given, or the person its owner.
        """
        about = self._own(kind, reference)
        if access not in ACCESS:
            raise StateError(f"{access!r} cannot be given.", f"It is one of {', '.join(ACCESS)}.")
        grantee = EVERYBODY if with_whom == EVERYBODY else self._person(with_whom)
        if grantee == self._user:
            raise StateError("You need no access to what is yours.")
        values = {"access": access, "granted_by": self._user, "created": time.time()}
        key = {"kind": kind, "object": about, "grantee": grantee}
        same = [grants.c[name] == value for name, value in key.items()]
        with self._engine.begin() as connection:
            if not connection.execute(update(grants).where(*same).values(**values)).rowcount:
                connection.execute(insert(grants).values(**key, **values))
            detail = {"with": grantee, "access": access}
            self._policy.note(connection, "share", kind, about, detail)

    def unshare(self, kind: str, reference: str, with_whom: str) -> None:
        """Take somebody's access away; whom it was not shared with loses nothing.

        Raises:
            NotFoundError: when there is no such thing, or no such person.
            AccessError: when it is somebody else's.
        """
        about = self._own(kind, reference)
        grantee = EVERYBODY if with_whom == EVERYBODY else self._person(with_whom)
        with self._engine.begin() as connection:
            connection.execute(
                sql_delete(grants).where(
                    grants.c.kind == kind, grants.c.object == about, grants.c.grantee == grantee
                )
            )
            self._policy.note(connection, "unshare", kind, about, {"with": grantee})

    def of(self, kind: str, reference: str) -> Sequence[Grant]:
        """Who else has access, by name; only its owner is told.

        Raises:
            NotFoundError: when there is no such thing.
            AccessError: when it is somebody else's.
        """
        about = self._own(kind, reference)
        query = (
            select(grants, users.c.name)
            .join(users, users.c.id == grants.c.grantee, isouter=True)
            .where(grants.c.kind == kind, grants.c.object == about)
            .order_by(users.c.name)
        )
        with self._engine.connect() as connection:
            return [
                Grant(row.grantee, row.name or "Everybody here", row.access, row.created)
                for row in connection.execute(query).all()
            ]

    def hand_over(self, reference: str, to_whom: str) -> None:
        """Give a project to somebody else, with all its versions and the runs on them.

        Raises:
            NotFoundError: when there is no such dataset, or no such person.
            AccessError: when it is somebody else's.
            StateError: when the other has a dataset of that name already, and while runs on it wait
                or run.
        """
        project = self._own(PROJECT, reference)
        person, name = self._person(to_whom), project.partition("/")[2]
        new = f"{person}/{name}"
        with self._engine.begin() as connection:
            if connection.execute(select(datasets.c.id).where(datasets.c.project == new)).first():
                raise StateError(
                    f"{to_whom} has a dataset of that name already.",
                    "Two projects of one person cannot have one name.",
                    "Ask them to delete theirs, the trash included.",
                )
            self._check_rest(connection, project)
            self._move(connection, project, new, person)
            self._policy.note(connection, "hand over", PROJECT, project, {"to": person})

    def _check_rest(self, connection: Connection, project: str) -> None:
        """Refuse while work would go on under a name and for an owner that it no longer has."""
        unfinished = select(func.count()).select_from(runs)
        unfinished = unfinished.where(runs.c.project == project, runs.c.status.in_(_UNFINISHED))
        if going := connection.execute(unfinished).scalar_one():
            raise StateError(
                f"{going} run(s) of this project are waiting or running.",
                "They would go on for somebody else.",
                "Wait until they have ended, or cancel them.",
            )

    def _move(self, connection: Connection, project: str, new: str, person: str) -> None:
        for table in (datasets, runs):
            connection.execute(
                update(table)
                .where(table.c.project == project, table.c.owner == self._user)
                .values(owner=person, **({"draft": None} if table is runs else {}))
            )  # a draft is a page of one person: theirs may have the same
            connection.execute(update(table).where(table.c.project == project).values(project=new))
        about = (grants.c.kind == PROJECT, grants.c.object == project)
        connection.execute(sql_delete(grants).where(*about, grants.c.grantee == person))
        connection.execute(update(grants).where(*about).values(object=new))

    def _own(self, kind: str, reference: str) -> str:
        """The key of something that belongs to the principal, who is there in person."""
        self._policy.require_presence()
        if kind == PROJECT:
            about = self._policy.project_of(reference)
            there, level = datasets.c.project == about, self._policy.project_level(about)
            query = select(datasets.c.id).where(self._policy.seen(datasets), there)
        else:
            about = reference
            query = select(runs).where(self._policy.seen(runs), runs.c.id == reference)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError(f"There is no {kind} {reference!r}.")
        if kind == RUN:
            level = self._policy.level(RUN, row)
        self._policy.require_level(OWN, level, kind)
        return about

    def _person(self, wanted: str) -> str:
        """The id of the person whose handle or id this is."""
        with self._engine.connect() as connection:
            found = named(connection, wanted)
        if found is None or found.disabled:
            raise NotFoundError(f"There is nobody here called {wanted!r}.")
        return str(found.id)
