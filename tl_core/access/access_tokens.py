"""Personal access tokens: programs act with them in somebody's name, within scopes, for a time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, insert, select, update
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import Policy
from tl_core.access.principal import SCOPES, Principal
from tl_core.access.secret_words import digest, new_secret
from tl_core.database.tables import tokens, users
from tl_core.errors import NotFoundError, StateError

LONGEST_DAYS = 365
_MOST, _LONGEST_NAME = 50, 100
_USED_EVERY = 60.0  # seconds between two notes of when a token was last used


@dataclass(frozen=True)
class Token:
    """A token as its owner sees it later: all but the secret."""

    id: str
    name: str
    scopes: Sequence[str]
    created: float
    expires: float
    used: float | None


class Tokens:
    """The acting person's tokens; a token cannot make or end tokens."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine, self._policy = engine, Policy(engine, principal)
        self._user = principal.id

    def make(self, name: str, scopes: Sequence[str], days: int) -> str:
        """A new token; the secret is given only now.

        Raises:
            AccessError: for a token.
            StateError: when name, scopes or days cannot be used, or there are too many.
        """
        self._policy.require_presence()
        name = " ".join(name.split())[:_LONGEST_NAME]
        wrong = sorted(set(scopes) - set(SCOPES))
        if not name or not scopes or wrong:
            raise StateError(
                "This token cannot be made.",
                f"There is no scope {wrong[0]!r}." if wrong else "It needs a name and a scope.",
                f"Scopes are {', '.join(SCOPES)}.",
            )
        if not 1 <= days <= LONGEST_DAYS:
            raise StateError(f"A token holds for 1 to {LONGEST_DAYS} days, not {days}.")
        if len(self.list()) >= _MOST:
            raise StateError(f"You have {_MOST} tokens already.", "", "Revoke some first.")
        secret, now, token_id = new_secret("gst"), time.time(), secrets.token_hex(5)
        with self._engine.begin() as connection:
            connection.execute(
                insert(tokens).values(
                    id=token_id,
                    owner=self._user,
                    name=name,
                    hash=digest(secret),
                    scopes=sorted(set(scopes)),
                    created=now,
                    expires=now + 86_400 * days,
                )
            )
            detail = {"name": name, "scopes": sorted(set(scopes))}
            self._policy.note(connection, "make", "token", token_id, detail)
        return secret

    def list(self) -> list[Token]:
        """Those that have not been revoked, newest first; expired ones among them."""
        query = select(tokens).where(tokens.c.owner == self._user)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(tokens.c.created.desc())).all()
        return [
            Token(row.id, row.name, row.scopes, row.created, row.expires, row.used) for row in rows
        ]

    def revoke(self, token_id: str) -> None:
        """End a token at once.

        Raises:
            AccessError: for a token.
            NotFoundError: when the acting person has no such token.
        """
        self._policy.require_presence()
        with self._engine.begin() as connection:
            own = (tokens.c.id == token_id, tokens.c.owner == self._user)
            if not connection.execute(sql_delete(tokens).where(*own)).rowcount:
                raise NotFoundError(f"There is no token {token_id!r}.")
            self._policy.note(connection, "revoke", "token", token_id)


def principal_of_token(engine: Engine, secret: str, address: str = "") -> Principal | None:
    """Who acts with a token; None when it is none, has expired, or its person is disabled."""
    now = time.time()
    query = (
        select(tokens, users.c.handle, users.c.name.label("person"), users.c.role)
        .join(users, users.c.id == tokens.c.owner)
        .where(tokens.c.hash == digest(secret), tokens.c.expires > now, ~users.c.disabled)
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    if now - (row.used or 0) > _USED_EVERY:
        with engine.begin() as connection:
            connection.execute(update(tokens).where(tokens.c.id == row.id).values(used=now))
    return Principal(
        row.owner, row.handle, row.person, row.role, frozenset(row.scopes), "api", address
    )
