"""Who acts: a person, or a token that acts for one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Row, select

from tl_core.database.tables import users

VIEWER, MEMBER, ADMIN = "viewer", "member", "admin"
ROLES = (VIEWER, MEMBER, ADMIN)
"""A viewer sees what others share; a member has datasets and runs; an admin looks after people."""

SCOPES = {
    "datasets:read": "look at datasets",
    "datasets:write": "add, change and delete datasets",
    "runs:read": "look at runs, reports and bundles",
    "runs:write": "start, change and delete runs",
    "predict": "ask trained models",
}
"""What a token may be allowed, with the words for it."""


@dataclass(frozen=True)
class Principal:
    """Who acts.

    Args:
        id: of the row in `users`; on a computer without sign-in the name of the only person.
        handle: the short name by which others call this person's datasets (`ana/tickets`).
        name: as shown.
        role: one of `ROLES`.
        scopes: what a token may do; None for somebody who is there in person.
        way: by which way they came: `page`, `api`, `command` or `worker`.
        address: from where, as far as it is known.
        anywhere: whether they may name any folder of this machine: on their own computer, or with a
            shell on the server.
    """

    id: str
    handle: str = ""
    name: str = ""
    role: str = MEMBER
    scopes: frozenset[str] | None = None
    way: str = "page"
    address: str = ""
    anywhere: bool = False

    def allows(self, scope: str) -> bool:
        """Whether a token covers `scope`; who is there in person needs none."""
        return self.scopes is None or scope in self.scopes


def as_principal(user: str | Principal) -> Principal:
    """A principal; a plain name is the only person of a computer without sign-in."""
    if isinstance(user, Principal):
        return user
    return Principal(user, handle=user, name=user, anywhere=True)


def named(connection: Connection, wanted: str) -> Row[tuple[object, ...]] | None:
    """The row of the person whose id this is, else of the one whose handle it is: no handle leads
    away from somebody's id.
    """
    for column in (users.c.id, users.c.handle):
        row = connection.execute(select(users).where(column == wanted)).first()
        if row is not None:
            return row
    return None


def operator(engine: Engine, user: str) -> Principal:
    """Who acts at the command line of the server itself: the person whose id or handle `user` is,
    else the only person of a computer without sign-in.

    Whoever has a shell on the server can read every file; this only picks the name they act under.
    """
    with engine.connect() as connection:
        row = named(connection, user)
    if row is None:
        return Principal(user, user, user, ADMIN, way="command", anywhere=True)
    return Principal(row.id, row.handle, row.name, row.role, way="command", anywhere=True)
