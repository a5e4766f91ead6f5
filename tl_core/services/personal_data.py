"""What this server holds of one person: as a zip to take away, or erased for good."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy import delete as sql_delete

from tl_core.access.people import ADMINISTRATORS
from tl_core.access.policy import PROJECT, RUN, Policy
from tl_core.access.principal import ADMIN, Principal
from tl_core.database.tables import (
    activity,
    answers,
    attempts,
    claims,
    datasets,
    grants,
    invites,
    label_queues,
    links,
    metadata,
    models,
    presets,
    runs,
    sessions,
    tokens,
    uploads,
    users,
)
from tl_core.database.turns import alone
from tl_core.errors import NotFoundError, StateError
from tl_core.registry.queue import mark_dead
from tl_core.registry.run import ACTIVE
from tl_core.storage import folder_size, remove_tree

_IN_PROJECTS = (datasets, runs, models)
_SECRET = ("hash", "folder")  # columns that no export holds: hashes of secrets, places on this disk


@dataclass(frozen=True)
class Thing:
    """A dataset version, run, model or upload that belongs to somebody; `place` is its folder, or
    its only file.
    """

    kind: str
    name: str
    place: Path
    facts: Mapping[str, object]

    @property
    def files(self) -> Iterator[tuple[str, Path]]:
        """Its files by their names inside it; links are none of them."""
        if self.place.is_file():
            yield self.place.name, self.place
        for path in sorted(self.place.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(self.place).as_posix(), path


class PersonalData:
    """All that belongs to the acting person, or says something about them.

    Args:
        engine: the registry.
        home: of this server, where folders lie.
        principal: who acts; a token is refused everything.
    """

    def __init__(self, engine: Engine, home: Path, principal: Principal) -> None:
        self._engine, self._home, self._me = engine, home, principal.id
        self._policy = Policy(engine, principal)

    def things(self) -> Sequence[Thing]:
        """Everything with files that the person may take away: what lies in the trash, and what
        others made in their projects, too; runs on somebody else's project as long as it is shared.
        """
        return self._found(
            lambda table: and_(
                self._own(table),
                or_(self._policy.seen(table), self._policy.seen(table, deleted=True))
                if table in _IN_PROJECTS
                else true(),
            )
        )

    def _found(self, about: Callable[[Table], ColumnElement[bool]]) -> Sequence[Thing]:
        found = []
        with self._engine.connect() as connection:
            for table in (*_IN_PROJECTS, uploads):
                for row in _rows(connection, table, about(table)):
                    name = f"{row['name']}@{row['version']}" if table is datasets else row["id"]
                    place = self._home / str(row.get("folder", f"uploads/{row['id']}"))
                    found.append(Thing(table.name, str(name), place, _shown(row)))
        return found

    def size(self) -> int:
        """Bytes of all these files."""
        return sum(path_size(thing.place) for thing in self.things())

    def export(self, target: IO[bytes], *, files: bool) -> None:
        """Write a zip: the profile, sharing, tokens without their secrets, presets, what the person
        did, and what they have, with the names and sizes of its files.

        Args:
            target: an open file; it is written from its beginning to its end, never read.
            files: whether the files themselves go along.

        Raises:
            AccessError: for a token.
            NotFoundError: where nobody signs in, so that there is no such person.
        """
        self._policy.require_presence()
        parts, things = self._parts(), self.things()
        with ZipFile(target, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
            for name, content in parts.items():
                archive.writestr(f"{name}.json", _json(content))
            for kind in ("datasets", "runs", "models", "uploads"):
                listed = [_listed(thing) for thing in things if thing.kind == kind]
                archive.writestr(f"{kind}.json", _json(listed))
            for thing in things if files else ():
                for inside, path in thing.files:
                    with suppress(FileNotFoundError):  # a run that is going replaces its files
                        archive.write(path, f"files/{thing.kind}/{thing.name}/{inside}", ZIP_STORED)

    def _parts(self) -> Mapping[str, object]:
        """What the tables say about the person, by the name of its file."""
        me = self._me
        with self._engine.connect() as connection:

            def found(table: Table, about: ColumnElement[bool]) -> list[Mapping[str, object]]:
                return [_shown(row) for row in _rows(connection, table, about)]

            profile = found(users, users.c.id == me)
            if not profile:
                raise NotFoundError(f"There is nobody here called {me!r}.")
            given = grants.c.object.startswith(f"{me}/", autoescape=True)
            return {
                "profile": profile[0],
                "sessions": found(sessions, sessions.c.user == me),
                "tokens": found(tokens, tokens.c.owner == me),
                "presets": found(presets, presets.c.owner == me),
                "shared_by_me": found(grants, or_(grants.c.granted_by == me, given)),
                "shared_with_me": found(grants, grants.c.grantee == me),
                "report_links": found(links, links.c.created_by == me),
                "invitations": found(invites, invites.c.created_by == me),
                "answers": found(answers, answers.c.given_by == me),
                "activity": found(activity, activity.c.actor == me),
            }

    def erase(self) -> None:
        """Remove the person and all that is theirs for good, with what others made in their
        projects; of the log only their id stays. Breaking off leaves everything in the trash, and a
        second time goes on.

        Raises:
            AccessError: for a token.
            NotFoundError: where there is no such person.
            StateError: for the last administrator, and while one of these runs is going.
        """
        self._policy.require_presence()
        mark_dead(self._engine)
        with self._engine.begin() as connection:
            self._check_leaving(connection)
            self._put_away(connection)
        places = [thing.place for thing in self._found(self._own)]
        inside = [one for one in places if one != self._home and one.is_relative_to(self._home)]
        if [place for place in inside if not _removed(place)]:
            raise StateError(
                "Some files could not be removed.",
                "They are in use, or do not belong to this program.",
                "Everything lies in the trash; try again later.",
            )
        with self._engine.begin() as connection:
            self._check_leaving(connection)
            self._forget(connection)

    def _check_leaving(self, connection: Connection) -> None:
        """Refuse to leave a server without anybody who looks after it."""
        alone(connection, ADMINISTRATORS)
        me = update(users).where(users.c.id == self._me)
        connection.execute(me.values(seen=users.c.seen))  # SQLite is alone after a write
        role = connection.execute(select(users.c.role).where(users.c.id == self._me)).scalar()
        if role is None:
            raise NotFoundError(f"There is nobody here called {self._me!r}.")
        others = select(func.count()).select_from(users)
        others = others.where(users.c.role == ADMIN, ~users.c.disabled, users.c.id != self._me)
        if role == ADMIN and not connection.execute(others).scalar_one():
            raise StateError(
                "Nobody would be left to administer this server.",
                "This account is its last administrator's.",
                "Make somebody else an administrator first.",
            )

    def _put_away(self, connection: Connection) -> None:
        """Into the trash with everything, so that nobody uses it any more."""
        for table in _IN_PROJECTS:
            connection.execute(
                update(table)
                .where(self._own(table), table.c.deleted.is_(None))
                .values(deleted=time.time())
            )
        going = connection.execute(
            select(func.count()).select_from(runs).where(self._own(runs), runs.c.status.in_(ACTIVE))
        ).scalar_one()
        if going:  # raising takes everything out of the trash again
            raise StateError(
                f"Runs of this account or in its projects are waiting or running: {going}.",
                "They would lose their data.",
                "Cancel them, or wait until they have ended.",
            )

    def _forget(self, connection: Connection) -> None:
        """Remove every row about the person; of the log stays who, what and when."""
        me = self._me
        own_runs = select(runs.c.id).where(self._own(runs))
        given = grants.c.object.startswith(f"{me}/", autoescape=True)
        of_own_runs = (grants.c.kind == RUN) & grants.c.object.in_(own_runs)
        about = or_(grants.c.grantee == me, (grants.c.kind == PROJECT) & given, of_own_runs)
        connection.execute(sql_delete(grants).where(about))
        connection.execute(
            sql_delete(links).where(or_(links.c.created_by == me, links.c.run.in_(own_runs)))
        )
        connection.execute(
            sql_delete(invites).where(or_(invites.c.created_by == me, invites.c.used_by == me))
        )
        subject = connection.execute(select(users.c.subject).where(users.c.id == me)).scalar()
        connection.execute(sql_delete(attempts).where(attempts.c.key == f"account:{subject}"))
        own_data = select(datasets.c.id).where(self._own(datasets))
        for table in (answers, claims, label_queues):
            connection.execute(sql_delete(table).where(table.c.dataset.in_(own_data)))
        for table in _IN_PROJECTS:
            connection.execute(sql_delete(table).where(self._own(table)))
        # what they said of other people's items stays one person's: two who are gone may differ
        nobody = f"gone {secrets.token_hex(4)}"
        meant = update(runs).where(runs.c.target.startswith(f"{me}/", autoescape=True))
        connection.execute(meant.values(target=""))
        mine_said = update(answers).where(answers.c.given_by == me)
        connection.execute(mine_said.values(given_by=nobody))
        for table in metadata.sorted_tables:
            for name in ("owner", "user"):
                if name in table.c:
                    connection.execute(sql_delete(table).where(table.c[name] == me))
            for column in table.c:
                if column.name.endswith("_by"):  # who shared, set or invited
                    connection.execute(update(table).where(column == me).values({column.name: ""}))
        mine = activity.c.object.startswith(f"{me}/", autoescape=True)
        connection.execute(update(activity).where(mine).values(object=me))
        bare: dict[str, object] = {"address": "", "detail": {}}
        connection.execute(update(activity).where(activity.c.actor == me).values(**bare))
        connection.execute(sql_delete(users).where(users.c.id == me))

    def _own(self, table: Table) -> ColumnElement[bool]:
        """The rows of datasets, runs, models or uploads that belong to the person."""
        if table not in _IN_PROJECTS:
            return table.c.owner == self._me
        project = table.c.project.startswith(f"{self._me}/", autoescape=True)
        return or_(table.c.owner == self._me, project)


def erase_person(engine: Engine, home: Path, administrator: Principal, person_id: str) -> None:
    """Remove somebody else for good, with all that is theirs, as they could themselves; only who is
    kept out already, so that nobody loses what they are working on.

    Raises:
        AccessError: for everybody but administrators, and for a token.
        NotFoundError: where there is no such person.
        StateError: when they are not kept out, and while one of their runs is going.
    """
    policy = Policy(engine, administrator)
    policy.require_admin()
    policy.require_presence()
    with engine.connect() as connection:
        about = select(users.c.disabled).where(users.c.id == person_id)
        disabled = connection.execute(about).scalar()
    if disabled is False:
        raise StateError(
            "Only who is kept out can be erased.",
            "They could be at work.",
            "Keep them out first, and hand over the projects that shall stay.",
        )
    PersonalData(engine, home, Principal(person_id)).erase()
    with engine.begin() as connection:
        policy.note(connection, "erase", "person", person_id)


def _rows(
    connection: Connection, table: Table, about: ColumnElement[bool]
) -> list[Mapping[str, object]]:
    return [dict(row._mapping) for row in connection.execute(select(table).where(about)).all()]


def _shown(row: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in row.items() if name not in _SECRET}


def _listed(thing: Thing) -> Mapping[str, object]:
    files = []
    for inside, path in thing.files:
        with suppress(FileNotFoundError):
            files.append({"file": inside, "bytes": path.stat().st_size})
    return {**thing.facts, "files": files}


def path_size(path: Path) -> int:
    """Bytes of a file, or of all below a folder."""
    return path.stat().st_size if path.is_file() else folder_size(path)


def _removed(place: Path) -> bool:
    """Whether a folder, or a file, has gone now."""
    if place.is_file():
        place.unlink()
        return True
    return remove_tree(place)


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)
