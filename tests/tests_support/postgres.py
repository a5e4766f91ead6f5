"""Databases of their own on the PostgreSQL server of the tests: nobody else's test sees them."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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


@contextmanager
def by_socket(url: str) -> Iterator[str]:
    """The address of the same database behind a UNIX socket, which leads to the server's port."""
    parsed = make_url(url)
    folder = tempfile.mkdtemp()  # a socket's path is short
    target = (parsed.host or "127.0.0.1", parsed.port or 5432)

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(target) as far:
                back = threading.Thread(target=_pass_on, args=(far, self.request))
                back.start()
                _pass_on(self.request, far)
                back.join()

    server = socketserver.ThreadingUnixStreamServer(f"{folder}/.s.PGSQL.5432", Relay)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        own = parsed.set(host=None, port=None).update_query_dict({"host": folder})
        yield own.render_as_string(hide_password=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shutil.rmtree(folder)


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
