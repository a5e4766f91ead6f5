"""Databases of their own on the PostgreSQL server of the tests: nobody else's test sees them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

SERVER = os.environ.get("TL_TEST_POSTGRES_URL", "")


@contextmanager
def new_database() -> Iterator[str]:
    """The address of an empty database, which is removed afterwards."""
    if not SERVER:
        pytest.skip("set TL_TEST_POSTGRES_URL to a PostgreSQL server")
    server = make_url(SERVER).set(drivername="postgresql+psycopg")
    name = f"graft_test_{secrets.token_hex(5)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            try:
                yield server.set(drivername="postgresql", database=name).render_as_string(
                    hide_password=False
                )
            finally:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()
