"""Accounts that this server keeps itself, for teams without a provider: invitations, passwords,
sessions.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, Engine, func, insert, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tl_core.access.people import (
    HERE,
    Claims,
    People,
    Person,
    checked_role,
    is_like_id,
    new_id,
)
from tl_core.access.policy import Policy
from tl_core.access.principal import MEMBER, Principal
from tl_core.access.secret_words import digest, new_secret
from tl_core.database.tables import attempts, invites, passwords, sessions, users
from tl_core.database.turns import alone
from tl_core.errors import NotFoundError, SignInError, StateError
from tl_core.settings import Settings

INVITE_DAYS = 7
_SHORTEST, _LONGEST = 10, 200  # characters of a password; longer ones would only cost time to hash
_WINDOW = 900.0  # seconds in which failed attempts count
_MOST_FOR_AN_ACCOUNT, _MOST_FROM_AN_ADDRESS = 8, 40
_HASHER = PasswordHasher()  # argon2id, with the costs of RFC 9106 for little memory


@dataclass(frozen=True)
class Invitation:
    """One that nobody has used yet.

    Args:
        key: names it for `Accounts.uninvite`; the secret cannot be made of it.
        role: that it gives.
        note: for whom, as its maker wrote.
        by: the id of who made it.
        expires: seconds since 1970.
    """

    key: str
    role: str
    note: str
    by: str
    expires: float


class Accounts:
    """Names and passwords of this server's own."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._people = engine, People(engine, settings)

    def invite(self, by: Principal, role: str = MEMBER, note: str = "") -> str:
        """A secret with which one person can make an account, within a week.

        Raises:
            AccessError: when `by` is no administrator.
            ConfigError: when there is no such role.
        """
        policy = Policy(self._engine, by)
        policy.require_admin()
        secret = new_secret("gsi")
        with self._engine.begin() as connection:
            connection.execute(
                insert(invites).values(
                    hash=digest(secret),
                    role=checked_role(role),
                    note=note[:255],
                    created_by=by.id,
                    expires=time.time() + 86_400 * INVITE_DAYS,
                )
            )
            # the note may name somebody: it goes with the invitation when they are erased
            policy.note(connection, "invite", "person", "", {"role": role})
        return secret

    def invitations(self, by: Principal) -> list[Invitation]:
        """Those that can still be used, the one that ends first before the others.

        Raises:
            AccessError: when `by` is no administrator.
        """
        Policy(self._engine, by).require_admin()
        query = select(invites).where(invites.c.used_by.is_(None), invites.c.expires > time.time())
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(invites.c.expires)).all()
        return [
            Invitation(row.hash, row.role, row.note, row.created_by, row.expires) for row in rows
        ]

    def uninvite(self, by: Principal, key: str) -> None:
        """Let an invitation make no account any more.

        Raises:
            AccessError: when `by` is no administrator.
            NotFoundError: when it was used meanwhile, or has ended.
        """
        policy = Policy(self._engine, by)
        policy.require_admin()
        with self._engine.begin() as connection:
            open_ = (invites.c.hash == key, invites.c.used_by.is_(None))
            if not connection.execute(sql_delete(invites).where(*open_)).rowcount:
                raise NotFoundError("There is no such invitation any more.", "It was used.")
            policy.note(connection, "end invitation", "person", "")

    def invited(self, secret: str) -> str:
        """The role that an invitation gives.

        Raises:
            NotFoundError: when there is none, it was used, or is older than a week.
        """
        query = select(invites.c.role).where(
            invites.c.hash == digest(secret),
            invites.c.used_by.is_(None),
            invites.c.expires > time.time(),
        )
        with self._engine.connect() as connection:
            role = connection.execute(query).scalar()
        if role is None:
            raise _no_invitation()
        return str(role)

    def accept(self, secret: str, handle: str, name: str, password: str) -> Person:
        """Make the account that an invitation is for.

        Raises:
            NotFoundError: when the invitation does not hold.
            StateError: when the name is taken, or name or password cannot be used.
        """
        handle, role = handle.strip().lower(), self.invited(secret)
        _check_password(password, handle)
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,31}", handle) or is_like_id(handle):
            raise StateError(
                f"{handle!r} cannot be a name to sign in with.",
                "It has 2 to 32 small letters, digits, dots, dashes or underscores, and does not"
                " look like an id.",
            )
        if self._exists(handle):
            raise _taken(handle)
        kept, person_id = _HASHER.hash(password), new_id()
        claims = Claims(HERE, handle, name.strip() or handle)
        try:
            with self._engine.begin() as connection:  # all of it, or nothing
                self._use_up(connection, secret, person_id)
                self._people.add(connection, claims, handle, role, person_id)
                connection.execute(
                    insert(passwords).values(user=person_id, hash=kept, changed=time.time())
                )
        except IntegrityError as error:  # somebody else was quicker with the name
            raise _taken(handle) from error
        return self._people.by_id(person_id)

    def _use_up(self, connection: Connection, secret: str, person_id: str) -> None:
        used = connection.execute(
            update(invites)
            .where(
                invites.c.hash == digest(secret),
                invites.c.used_by.is_(None),
                invites.c.expires > time.time(),
            )
            .values(used_by=person_id)
        ).rowcount
        if not used:  # somebody else was quicker
            raise _no_invitation()

    def _exists(self, handle: str) -> bool:
        query = select(users.c.id).where(
            (users.c.handle == handle)
            | (users.c.id == handle)
            | ((users.c.issuer == HERE) & (users.c.subject == handle))
        )
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def sign_in(self, handle: str, password: str, address: str) -> str:
        """The secret of a new session, for a cookie.

        Raises:
            SignInError: when name and password do not belong together, the account is disabled, or
            there were too many failed attempts.
        """
        handle = handle.strip().lower()[:64]
        keys = {f"account:{handle}": _MOST_FOR_AN_ACCOUNT, f"from:{address}": _MOST_FROM_AN_ADDRESS}
        noted = self._note_attempt(keys)
        query = (
            select(users.c.id, users.c.disabled, passwords.c.hash)
            .join(passwords, passwords.c.user == users.c.id)
            .where(users.c.issuer == HERE, users.c.subject == handle)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if not _matches(row.hash if row else _of_nobody(), password) or row is None or row.disabled:
            raise SignInError(
                "Name and password do not belong together.",
                "Or the account is disabled.",
                "Try again, or ask an administrator for a new invitation.",
            )
        secret = new_secret("gss")
        with self._engine.begin() as connection:
            if _HASHER.check_needs_rehash(row.hash):
                connection.execute(
                    update(passwords)
                    .where(passwords.c.user == row.id)
                    .values(hash=_HASHER.hash(password))
                )
            connection.execute(
                insert(sessions).values(
                    hash=digest(secret), user=row.id, started=time.time(), address=address[:64]
                )
            )
            right = or_(attempts.c.key == f"account:{handle}", attempts.c.id.in_(noted))
            connection.execute(sql_delete(attempts).where(right))
        return secret

    def session(self, secret: str) -> tuple[str, float] | None:
        """The id of the person whose session a cookie holds, and when it began."""
        query = select(sessions.c.user, sessions.c.started).where(sessions.c.hash == digest(secret))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return (row.user, row.started) if row else None

    def sign_out(self, secret: str) -> None:
        """End one session; another end of it does nothing."""
        with self._engine.begin() as connection:
            connection.execute(sql_delete(sessions).where(sessions.c.hash == digest(secret)))

    def change_password(self, person: Person, old: str, new: str) -> None:
        """Change one's own password; all other sessions end.

        Raises:
            SignInError: when the old one is wrong, or was wrong too often.
            StateError: when the new one cannot be used.
        """
        keys = {f"account:{person.subject}": _MOST_FOR_AN_ACCOUNT}
        _check_password(new, person.handle)
        noted = self._note_attempt(keys)
        with self._engine.connect() as connection:
            kept = connection.execute(
                select(passwords.c.hash).where(passwords.c.user == person.id)
            ).scalar()
        if not _matches(kept or _of_nobody(), old):
            raise SignInError("That is not your password.")
        hashed, now = _HASHER.hash(new), time.time()
        with self._engine.begin() as connection:
            connection.execute(sql_delete(attempts).where(attempts.c.id.in_(noted)))
            connection.execute(
                update(passwords)
                .where(passwords.c.user == person.id)
                .values(hash=hashed, changed=now)
            )
            connection.execute(
                update(users).where(users.c.id == person.id).values(sessions_valid_after=now)
            )

    def _note_attempt(self, keys: dict[str, int]) -> list[int]:
        """Count an attempt before it is looked at, so that many at once are no more guesses than
        one after another; gives what is to be taken back when it was right.

        Raises:
            SignInError: when too many have failed.
        """
        now, noted = time.time(), list[int]()
        with self._engine.begin() as connection:
            connection.execute(sql_delete(attempts).where(attempts.c.at < now - _WINDOW))
            for key, most in keys.items():
                alone(connection, key)
                failed = connection.execute(
                    select(func.count())
                    .select_from(attempts)
                    .where(attempts.c.key == key, attempts.c.at > now - _WINDOW)
                ).scalar_one()
                if failed >= most:
                    raise SignInError(
                        "Too many attempts have failed.",
                        "",
                        f"Wait {_WINDOW / 60:.0f} minutes, then try again.",
                    )
                made = connection.execute(insert(attempts).values(key=key, at=now))
                noted += made.inserted_primary_key or ()
        return noted


def clear_sessions(engine: Engine, settings: Settings) -> int:
    """Remove sessions that are older than `TL_SESSION_HOURS` and open nothing any more; gives how
    many.
    """
    oldest = time.time() - 3600 * settings.number("session_hours")
    with engine.begin() as connection:
        return connection.execute(sql_delete(sessions).where(sessions.c.started < oldest)).rowcount


def _no_invitation() -> NotFoundError:
    return NotFoundError(
        "This invitation does not hold.",
        f"It was used already, or is older than {INVITE_DAYS} days.",
        "Ask for another one.",
    )


def _taken(handle: str) -> StateError:
    return StateError(f"Somebody here is called {handle!r} already.", "", "Choose another.")


@cache
def _of_nobody() -> str:
    """A hash to compare with where there is none, so that an unknown name takes as long as a wrong
    password.
    """
    return _HASHER.hash(new_secret("none"))


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password[: _LONGEST + 1])
    except (Argon2Error, InvalidHashError):
        return False


def _check_password(password: str, handle: str) -> None:
    if not _SHORTEST <= len(password) <= _LONGEST or handle and handle in password.lower():
        raise StateError(
            "This password cannot be used.",
            f"It needs {_SHORTEST} to {_LONGEST} characters, and not the name to sign in with.",
            "Three or four random words make a good one.",
        )
