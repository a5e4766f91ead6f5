"""Links with which somebody without an account can read one report, for a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import OWN, RUN, Policy
from tl_core.access.principal import Principal
from tl_core.access.secret_words import digest, new_secret
from tl_core.database.tables import links, runs, users
from tl_core.errors import NotFoundError, StateError

LONGEST_DAYS = 90


@dataclass(frozen=True)
class Link:
    """A link as its maker sees it later; `id` is the beginning of its hash."""

    id: str
    created: float
    expires: float
    opened: int


class ReportLinks:
    """Links to reports of the acting person's runs."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine, self._policy = engine, Policy(engine, principal)
        self._user = principal.id

    def make(self, run_id: str, days: int) -> str:
        """The secret of a new link, given only now.

        Raises:
            NotFoundError: when there is no such run.
            AccessError: when it is somebody else's, or for a token.
            StateError: when the days cannot be used.
        """
        self._own(run_id)
        if not 1 <= days <= LONGEST_DAYS:
            raise StateError(f"A link holds for 1 to {LONGEST_DAYS} days, not {days}.")
        secret, now = new_secret("gsl"), time.time()
        with self._engine.begin() as connection:
            connection.execute(
                insert(links).values(
                    hash=digest(secret),
                    run=run_id,
                    created_by=self._user,
                    created=now,
                    expires=now + 86_400 * days,
                )
            )
            self._policy.note(connection, "make link", RUN, run_id, {"days": days})
        return secret

    def of(self, run_id: str) -> Sequence[Link]:
        """The links to a run's report, newest first; raises as `make`."""
        self._own(run_id)
        query = select(links).where(links.c.run == run_id).order_by(links.c.created.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Link(row.hash[:12], row.created, row.expires, row.opened) for row in rows]

    def revoke(self, run_id: str, link_id: str) -> None:
        """End a link at once; raises as `make`."""
        self._own(run_id)
        with self._engine.begin() as connection:
            connection.execute(
                sql_delete(links).where(
                    links.c.run == run_id, links.c.hash.startswith(link_id, autoescape=True)
                )
            )
            self._policy.note(connection, "revoke link", RUN, run_id)

    def _own(self, run_id: str) -> None:
        self._policy.require_presence()
        query = select(runs).where(runs.c.id == run_id, self._policy.seen(runs))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError(f"There is no run {run_id!r}.")
        self._policy.require(OWN, RUN, row)


def open_link(engine: Engine, secret: str) -> tuple[str, str] | None:
    """The id and the folder (inside TL_HOME) of the run whose report a link shows, and counts the
    look; None when it does not hold, its run was deleted, or who made it is disabled or may not
    see the run any more.
    """
    about = (links.c.hash == digest(secret), links.c.expires > time.time())
    with engine.begin() as connection:
        link = connection.execute(select(links).where(*about)).first()
        if link is None or _is_disabled(connection, link.created_by):
            return None
        theirs = Policy(engine, Principal(link.created_by)).seen(runs)
        query = select(runs.c.id, runs.c.folder).where(
            runs.c.id == link.run, runs.c.status == "done", theirs
        )
        row = connection.execute(query).first()
        if row is None:
            return None
        connection.execute(
            update(links).where(links.c.hash == link.hash).values(opened=links.c.opened + 1)
        )
    return row.id, row.folder


def _is_disabled(connection: Connection, person_id: str) -> bool:
    """Whether somebody is kept out; on a computer without sign-in nobody is known by a row."""
    query = select(users.c.disabled).where(users.c.id == person_id)
    return bool(connection.execute(query).scalar())
