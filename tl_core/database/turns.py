"""One after another: transactions that count something and then change what counts."""

from __future__ import annotations

from sqlalchemy import Connection, text


def alone(connection: Connection, about: str) -> None:
    """Let nobody else change what counts for `about` until this transaction has ended. SQLite has
    one writer at a time anyway; the transaction has to begin with a write for that.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(727002, hashtext(:about))"), {"about": about}
        )
