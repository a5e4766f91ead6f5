"""A consistent copy of the database as a file, and back: SQLite by its own online backup,
PostgreSQL by `pg_dump` and `pg_restore`.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from tl_core.errors import StateError
from tl_core.settings import Settings

SQLITE, POSTGRES = "sqlite", "postgresql"
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_INSTALL = "Install the client programs of PostgreSQL, such as the package postgresql-client."


def kind_of(settings: Settings) -> str:
    """Which database the settings name."""
    return make_url(settings.database).get_backend_name()


def copy_database(settings: Settings, target: Path) -> dict[str, object]:
    """Write a copy of the database as it is at one moment, while others go on writing.

    Args:
        settings: that name it.
        target: file that is made.

    Returns:
        Facts for the manifest: `kind`, `schema` (the revision), and of PostgreSQL `server` and
        `tool`, the major versions.

    Raises:
        StateError: when there is no database, or no `pg_dump` that fits the server.
    """
    if kind_of(settings) == SQLITE:
        source = settings.home_path / "graft.db"
        if not source.is_file():
            raise StateError(
                f"There is no database in {source.parent}.", "", "Set TL_HOME to the home to save."
            )
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)  # in one step: a copy in several begins anew with each change
            found = new.execute("SELECT version_num FROM alembic_version").fetchone()
        return {"kind": SQLITE, "schema": found[0]}
    engine = _engine(settings)
    with engine.connect() as connection:
        schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    server = _server_version(engine)
    engine.dispose()
    program, tool = _program("pg_dump", server)
    _run(program, settings, ["--format=custom", *_PLAIN, f"--file={target}"])
    return {"kind": POSTGRES, "schema": schema, "server": server, "tool": tool}


def check_empty(settings: Settings, facts: dict[str, object]) -> None:
    """Whether a copy with these facts can be brought into the database that the settings name.

    Raises:
        StateError: when it is one of the other kind, cannot be reached, is not empty, is older than
            the copy, or there is no `pg_restore` that fits.
    """
    kind = kind_of(settings)
    if kind != facts["kind"]:
        raise StateError(
            f"The backup holds a database of {_NAMES.get(str(facts['kind']), 'another kind')}, and"
            f" this would be one of {_NAMES.get(kind, kind)}.",
            "TL_DATABASE_URL says which.",
            "Set it to an empty PostgreSQL database."
            if facts["kind"] == POSTGRES
            else "Unset it: the database goes into the new home.",
        )
    if kind == SQLITE:
        return
    engine = _engine(settings)
    try:
        tables, server = inspect(engine).get_table_names(), _server_version(engine)
    except OperationalError as error:
        raise StateError(
            "The database cannot be reached.",
            f"{str(error.orig).splitlines()[0]}.",
            "Check TL_DATABASE_URL.",
        ) from error
    finally:
        engine.dispose()
    if tables:
        raise StateError(
            "The database is not empty.",
            f"It has {len(tables)} tables, such as {tables[0]!r}.",
            "Make a new one with createdb, and name it in TL_DATABASE_URL.",
        )
    if server < _number(facts["server"]):
        raise StateError(
            f"The database server is PostgreSQL {server}, and the backup is of {facts['server']}.",
            "A newer server's data do not fit into an older one.",
            "Use a server that is at least as new.",
        )
    _program("pg_restore", _number(facts["tool"]))


def bring_back(settings: Settings, copy: Path, facts: dict[str, object]) -> None:
    """Fill the database that the settings name from `copy`: wholly or not at all.

    Raises:
        StateError: when the copy is damaged, or the server refuses it.
    """
    if facts["kind"] == SQLITE:
        target = settings.home_path / "graft.db"
        copy.replace(target)
        with closing(sqlite3.connect(target)) as connection:
            try:
                said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            except sqlite3.DatabaseError as error:
                said = str(error)
        if said != "ok":
            raise StateError("The database in the backup is damaged.", f"SQLite says: {said}.")
        return
    program, _ = _program("pg_restore", _number(facts["tool"]))
    _run(program, settings, ["--single-transaction", "--exit-on-error", *_PLAIN, str(copy)])


_NAMES = {SQLITE: "SQLite", POSTGRES: "PostgreSQL"}
_PLAIN = ("--no-owner", "--no-privileges")  # whoever restores it owns it


def _engine(settings: Settings) -> Engine:
    try:
        return create_engine(settings.database)
    except ModuleNotFoundError as error:
        raise StateError(
            "The driver for PostgreSQL is not installed.",
            f"{error}.",
            "Install it into the environment: uv pip install 'psycopg[binary]'.",
        ) from error


def _server_version(engine: Engine) -> int:
    """Major version of the server."""
    with engine.connect() as connection:
        return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def _number(value: object) -> int:
    return int(str(value))


def _program(name: str, at_least: int) -> tuple[str, int]:
    """A program of PostgreSQL and its major version: the lowest that is not below `at_least`, since
    a newer one writes what an older server may not know.
    """
    versions = {path: version for path in _found(name) if (version := _version_of(path))}
    fitting = {path: version for path, version in versions.items() if version >= at_least}
    if not fitting:
        known = ", ".join(map(str, sorted(set(versions.values())))) or "none"
        raise StateError(
            f"There is no {name} of PostgreSQL {at_least} or newer on this machine.",
            f"Found: {known}.",
            _INSTALL,
        )
    return min(fitting.items(), key=lambda item: item[1])


def _found(name: str) -> Iterable[str]:
    """Where programs of that name lie: on PATH, and where systems keep several versions."""
    if on_path := shutil.which(name):
        yield on_path
    for pattern in _FOLDERS:
        for folder in Path("/").glob(pattern.lstrip("/")):
            if (folder / name).is_file():
                yield str(folder / name)


def _version_of(program: str) -> int:
    """Major version that a program tells; 0 when it tells none."""
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", told)
    return int(found[1]) if found else 0


def _run(program: str, settings: Settings, arguments: list[str]) -> None:
    """Run a program of PostgreSQL; the password never stands on its command line."""
    url = make_url(settings.database)
    address = URL.create(POSTGRES, url.username, None, url.host, url.port, url.database, url.query)
    environment = {**os.environ, "LC_ALL": "C"}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    done = subprocess.run(
        [program, "--no-password", f"--dbname={address.render_as_string()}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[0]
        raise StateError(
            f"{Path(program).name} failed.", f"It says: {said[:300]}.", "Check TL_DATABASE_URL."
        )
