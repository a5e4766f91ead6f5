"""People on this server: who vouches for them, their role, whether their sessions still hold."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tl_core.access.policy import Policy
from tl_core.access.principal import ADMIN, ROLES, Principal, named
from tl_core.database.tables import users
from tl_core.database.turns import alone
from tl_core.errors import ConfigError, NotFoundError, SignInError, StateError
from tl_core.settings import Settings

HERE = "here"  # the issuer of accounts that this server keeps itself
ADMINISTRATORS = "administrators"  # whoever changes how many there are, does so alone
_LONGEST = 255  # characters of a subject; cutting it could make two people one
_SEEN_EVERY = 600.0  # seconds between two notes of when somebody was last seen


@dataclass(frozen=True)
class Claims:
    """What a provider, a proxy or this server itself says of somebody who signs in.

    Args:
        issuer: who says it.
        subject: their name there, which never changes and is never given to somebody else.
        name: as shown.
        email: an address; `verified` where the issuer has checked that it is theirs.
        groups: that they are in.
        at: when they signed in, in seconds since 1970; 0 for just now.
    """

    issuer: str
    subject: str
    name: str = ""
    email: str = ""
    verified: bool = False
    groups: Sequence[str] = ()
    at: float = 0.0


@dataclass(frozen=True)
class Person:
    """A row of `users`."""

    id: str
    issuer: str
    subject: str
    handle: str
    name: str
    email: str
    role: str
    created: float
    seen: float
    signed_in: float
    disabled: bool
    sessions_valid_after: float

    def principal(self, way: str = "page", address: str = "") -> Principal:
        """This person, acting."""
        return Principal(self.id, self.handle, self.name, self.role, way=way, address=address)


class People:
    """The people whom this server knows; nobody acts here, see `Administration`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings

    def arrive(self, claims: Claims) -> Person:
        """The person who has just signed in, made or brought up to date.

        Raises:
            SignInError: when they are disabled, or in none of the groups that may come in.
        """
        if not 0 < len(claims.subject) <= _LONGEST or not 0 < len(claims.issuer) <= _LONGEST:
            raise SignInError("The sign-in named nobody.", "", "Tell whoever runs this server.")
        known = self._find(claims)
        role = self._role(claims, known.role if known else None)
        if known is None:
            known = self._make(claims, role)
        if known.disabled:
            raise SignInError("Your account here is disabled.", "", "Ask an administrator.")
        values = {"role": role, "seen": time.time(), "signed_in": claims.at or time.time()}
        values |= {"name": claims.name[:128]} if claims.name else {}
        values |= {"email": claims.email[:255]} if claims.email else {}
        with self._engine.begin() as connection:
            connection.execute(update(users).where(users.c.id == known.id).values(**values))
        return self.by_id(known.id)

    def standing(self, person_id: str, began: float) -> Person | None:
        """The person of a session that began at a time (seconds since 1970), None where it holds no
        longer: it is too old, they were signed out everywhere since, or are disabled or gone.
        """
        now = time.time()
        if not now - 3600 * self._settings.number("session_hours") < began < now + 60:
            return None
        try:
            person = self.by_id(person_id)
        except NotFoundError:
            return None
        if person.disabled or began < person.sessions_valid_after:
            return None
        if now - person.seen > _SEEN_EVERY:
            with self._engine.begin() as connection:
                connection.execute(update(users).where(users.c.id == person_id).values(seen=now))
        return person

    def known(self, issuer: str, subject: str) -> Person | None:
        """The person whom an issuer calls `subject`."""
        return self._find(Claims(issuer, subject))

    def by_id(self, person_id: str) -> Person:
        """The person of an id; raises as `get`."""
        query = select(users).where(users.c.id == person_id)
        with self._engine.connect() as connection:
            return _found(connection.execute(query).first(), person_id)

    def get(self, person: str) -> Person:
        """The person of an id, else of a handle.

        Raises:
            NotFoundError: when there is none.
        """
        with self._engine.connect() as connection:
            return _found(named(connection, person), person)

    def add(
        self, connection: Connection, claims: Claims, handle: str, role: str, person_id: str = ""
    ) -> None:
        """Write somebody new down, in a transaction that is open already.

        Args:
            connection: of the transaction.
            claims: whom it is about.
            handle: that nobody has.
            role: theirs.
            person_id: theirs, out of `new_id`; empty for one that is made here.

        Raises:
            IntegrityError: when they are here already, or somebody has that handle.
        """
        now = time.time()
        connection.execute(
            insert(users).values(
                id=person_id or new_id(),
                issuer=claims.issuer,
                subject=claims.subject,
                handle=handle,
                name=(claims.name or claims.email or claims.subject)[:128],
                email=claims.email[:255],
                role=role,
                created=now,
                seen=now,
            )
        )

    def list(self) -> list[Person]:
        """Everybody, by handle."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(users).order_by(users.c.handle)).all()
        return [_person(row) for row in rows]

    def _find(self, claims: Claims) -> Person | None:
        query = select(users).where(
            users.c.issuer == claims.issuer, users.c.subject == claims.subject
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _person(row) if row else None

    def _make(self, claims: Claims, role: str) -> Person:
        for _ in range(20):  # two tabs of one person, or two people of one name, at the same time
            try:
                with self._engine.begin() as connection:
                    self.add(connection, claims, _free_handle(connection, claims), role)
            except IntegrityError:
                pass
            if (made := self._find(claims)) is not None:
                return made
        raise SignInError("You could not be added just now.", "", "Try again.")

    def _role(self, claims: Claims, current: str | None) -> str:
        """Named administrators come first, then groups where they are mapped, else what the
        database says, or the role of somebody new.
        """
        names = [name.lower() for name in self._settings.listed("admins")]
        if claims.subject.lower() in names or (claims.verified and claims.email.lower() in names):
            return ADMIN
        mapped = group_roles(self._settings)
        if not mapped:
            return current or checked_role(self._settings.default_role)
        found = [mapped[group] for group in (*claims.groups, "*") if group in mapped]
        if not found:
            raise SignInError(
                "You may not come in here.",
                "None of your groups has a role on this server.",
                "Ask whoever runs it.",
            )
        return max(found, key=ROLES.index)


def group_roles(settings: Settings) -> Mapping[str, str]:
    """Which group has which role, out of `TL_GROUP_ROLES`.

    Raises:
        ConfigError: when it is not of the form `group=role,group=role`.
    """
    roles = {}
    for pair in settings.group_roles.split(","):
        group, equals, role = pair.strip().rpartition("=")
        if pair.strip():
            if not equals:
                raise ConfigError(
                    f"TL_GROUP_ROLES holds {pair!r}.", "It is a list such as staff=member,it=admin."
                )
            roles[group] = checked_role(role)
    return roles


def checked_role(role: str) -> str:
    """The name of a role.

    Raises:
        ConfigError: when it is none.
    """
    if role not in ROLES:
        raise ConfigError(f"There is no role {role!r}.", "", f"Roles are {', '.join(ROLES)}.")
    return role


def new_id() -> str:
    """An id for somebody new."""
    return secrets.token_hex(6)


def is_like_id(handle: str) -> bool:
    """Whether a handle could be taken for somebody's id."""
    return re.fullmatch(r"[0-9a-f]{12}", handle) is not None


def _person(row: Row[tuple[object, ...]]) -> Person:
    return Person(**row._mapping)


def _found(row: Row[tuple[object, ...]] | None, wanted: str) -> Person:
    if row is None:
        raise NotFoundError(f"There is nobody here called {wanted!r}.")
    return _person(row)


def _free_handle(connection: Connection, claims: Claims) -> str:
    """A short name that nobody has: the beginning of the address, or the name."""
    wish = claims.email.partition("@")[0] or claims.name or claims.subject
    plain = re.sub(r"[^a-z0-9._-]+", "-", wish.lower()).strip("-._")[:32] or "person"
    taken = {plain} if is_like_id(plain) else set[str]()
    for column in (users.c.handle, users.c.id):  # an id must stay the name of one person alone
        alike = select(column).where(column.startswith(plain, autoescape=True))
        taken |= set(connection.execute(alike).scalars())
    return next(
        handle
        for handle in (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
        if handle not in taken
    )


class Administration:
    """What administrators do to people; every method refuses everybody else."""

    def __init__(self, engine: Engine, principal: Principal) -> None:
        self._engine, self._policy = engine, Policy(engine, principal)

    def set_role(self, person_id: str, role: str) -> None:
        """Give somebody a role.

        Raises:
            ConfigError: when there is no such role.
            StateError: when nobody would be left who can administer.
        """
        self._change(person_id, "set role", role=checked_role(role))

    def disable(self, person_id: str) -> None:
        """Keep somebody out, from their next click on; what they own stays.

        Raises:
            StateError: when nobody would be left who can administer.
        """
        self._change(person_id, "disable", disabled=True)

    def enable(self, person_id: str) -> None:
        """Let somebody in again."""
        self._change(person_id, "enable", disabled=False)

    def sign_out(self, person_id: str) -> None:
        """End all sessions of somebody, everywhere."""
        self._change(person_id, "sign out", sessions_valid_after=time.time())

    def _change(self, person_id: str, action: str, **values: object) -> None:
        self._policy.require_admin()
        with self._engine.begin() as connection:
            alone(connection, ADMINISTRATORS)  # two who demote each other would both find one left
            before = _administrators(connection)
            changed = connection.execute(
                update(users).where(users.c.id == person_id).values(**values)
            ).rowcount
            if not changed:
                raise NotFoundError(f"There is nobody here called {person_id!r}.")
            if before and not _administrators(connection):  # raising undoes the change
                raise StateError(
                    "Nobody would be left to administer this server.",
                    "They are its last administrator.",
                    "Make somebody else an administrator first.",
                )
            shown = {key: value for key, value in values.items() if key == "role"}
            self._policy.note(connection, action, "person", person_id, shown)


def _administrators(connection: Connection) -> int:
    """How many people can administer."""
    query = select(func.count()).select_from(users)
    return int(
        connection.execute(query.where(users.c.role == ADMIN, ~users.c.disabled)).scalar_one()
    )


def sign_out_everywhere(engine: Engine, principal: Principal) -> None:
    """End all of one's own sessions, on every computer.

    Raises:
        AccessError: for a token.
    """
    policy = Policy(engine, principal)
    policy.require_presence()
    with engine.begin() as connection:
        connection.execute(
            update(users).where(users.c.id == principal.id).values(sessions_valid_after=time.time())
        )
        policy.note(connection, "sign out everywhere", "person", principal.id)
