"""Opening the database: SQLite in WAL mode by default, PostgreSQL for a team; always at the newest
schema.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from tl_core.database.away import AwayError
from tl_core.errors import StateError
from tl_core.settings import Settings

HEAD = "0015"
_WITHIN = {  # a network that swallows everything is noticed in half a minute, not in hours
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def open_database(settings: Settings) -> Engine:
    """The engine for these settings, one per address and process, migrated.

    Raises:
        AwayError: when the database cannot be reached.
        StateError: when a newer version wrote it.
    """
    settings.home_path.mkdir(parents=True, exist_ok=True)
    return _open(settings.database, settings.home_path)


@lru_cache(maxsize=8)
def _open(url: str, home: Path) -> Engine:
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 30})
        event.listen(engine, "connect", _sqlite_pragmas)
    else:
        try:
            named = make_url(url).query
            within = {name: value for name, value in _WITHIN.items() if name not in named}
            engine = create_engine(url, pool_pre_ping=True, pool_size=5, connect_args=within)
        except ModuleNotFoundError as error:
            raise StateError(
                "The driver for PostgreSQL is not installed.",
                f"{error}.",
                "Install it into the environment: uv pip install 'psycopg[binary]'.",
            ) from error
    try:
        _migrate(engine, home)
    except OperationalError as error:
        raise AwayError(
            "The database cannot be opened.",
            f"{str(error.orig).splitlines()[0]}.",
            "Check TL_DATABASE_URL and that TL_HOME can be written.",
        ) from error
    return engine


def _sqlite_pragmas(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def current_revision(connection: Connection) -> str | None:
    """The schema revision that the database holds, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, home: Path) -> None:
    """Bring the schema up to date; Alembic is imported only when there is something to do."""
    with engine.connect() as connection:
        revision = current_revision(connection)
    if revision == HEAD:
        return
    if revision is not None and revision > HEAD:
        raise StateError(
            f"The database has schema {revision}, this program knows {HEAD}.",
            "A newer version wrote it.",
            "Update this program.",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with FileLock(home / "migrate.lock"), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(727001)"))
        if current_revision(connection) != HEAD:
            config.attributes |= {"connection": connection, "home": home}
            command.upgrade(config, "head")
