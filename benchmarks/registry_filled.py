"""A registry filled by bulk SQL, so that a million runs take a minute instead of a day."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, text

from tl_core.database.tables import lanes, metadata, runs, stints
from tl_core.registry.processes import own_identity

PERSON = "p1"  # whose view is measured: one like all others
RUNNING, SHARED = 8, 40
_BEGUN = 1_700_000_000.0  # when the first run was made, in seconds since 1970


@dataclass(frozen=True)
class Size:
    """How much is there.

    Args:
        runs: that have ended.
        waiting: for the lane of trainings.
        people: who have them, all alike.
    """

    runs: int
    waiting: int
    people: int

    @property
    def names(self) -> int:
        """Datasets of each person; each version stands for ten runs."""
        return max(2, self.runs // self.people // 10)

    @property
    def mine(self) -> int:
        """A finished run of `PERSON`, in the middle of all."""
        return self.people * (self.runs // self.people // 2) + 1

    @property
    def waiting_mine(self) -> int:
        """A waiting run of theirs, in the middle of the queue."""
        return self.people * (self.waiting // self.people // 2) + 1


def fill(engine: Engine, size: Size) -> None:
    """Empty the registry, then write people, datasets, runs with their stints, and the queue."""
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        _people(connection, size)
        _datasets(connection, size)
        _ended(connection, size)
        _waiting(connection, size)
        _running(connection)
        connection.execute(insert(lanes), [{"name": "train", "slots": RUNNING + 2}])
    if engine.dialect.name == "postgresql":  # which its autovacuum does by itself
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))


def _rows(connection: Connection, into: str, count: int, columns: dict[str, str]) -> None:
    """`count` rows, made by the database itself; `i` in an expression is a row's number from 0."""
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1})"
    )
    values = ", ".join(columns.values())
    if count:
        select = f"{numbers} SELECT {values} FROM n"
        connection.execute(text(f"INSERT INTO {into} ({', '.join(columns)}) {select}"))


def _id(letter: str, number: str = "i") -> str:
    """`d000000007` of a number, in the SQL of every database."""
    return f"'{letter}' || substr(CAST(1000000000 + {number} AS VARCHAR(10)), 2)"


def _json(connection: Connection, content: str) -> str:
    return f"'{content}'" + ("::json" if connection.dialect.name == "postgresql" else "")


def _word(letter: str, number: str) -> str:
    return f"'{letter}' || CAST({number} AS VARCHAR(10))"


def _project(size: Size) -> str:
    return f"{_owner(size)} || '/' || {_name(size)}"


def _owner(size: Size) -> str:
    return _word("p", f"(i % {size.people})")


def _name(size: Size) -> str:
    return _word("data", f"((i / {size.people}) % {size.names})")


def _people(connection: Connection, size: Size) -> None:
    person = {
        "id": _word("p", "i"),
        "issuer": "'here'",
        "subject": _word("s", "i"),
        "handle": _word("person", "i"),
        "name": _word("Person ", "i"),
        "role": "'member'",
        "created": "1.0",
        "seen": "1.0",
        "disabled": "false",
    }
    _rows(connection, "users", size.people, person)
    given = {
        "kind": "'project'",
        "object": f"{_word('p', f'(2 + i % {size.people})')} || '/data0'",
        "access": "'viewer'",
        "granted_by": "'p0'",
        "created": "1.0",
    }
    some = min(SHARED, size.people - 2)
    _rows(connection, "grants", some, {**given, "grantee": f"'{PERSON}'"})
    to_all = {**given, "grantee": _word("p", f"((i * 7) % {size.people})")}
    _rows(
        connection,
        "grants",
        max(0, size.people - 2),
        {**to_all, "kind": "'run'", "object": _id("d")},
    )


def _datasets(connection: Connection, size: Size) -> None:
    version = {
        "id": _id("v"),
        "owner": _owner(size),
        "name": _name(size),
        "version": "1",
        "fingerprint": _id("f"),
        "modality": "'text'",
        "task": "'single_label'",
        "rows": "1000",
        "classes": "4",
        "folder": f"'datasets/' || {_id('v')}",
        "created": f"{_BEGUN} + i",
        "project": _project(size),
        "deleted": f"CASE WHEN (i / {size.people}) % 50 = 4 THEN {_BEGUN} + i END",
    }
    _rows(connection, "datasets", size.people * size.names, version)


def _run(size: Size, letter: str) -> dict[str, str]:
    """What rows of finished and waiting runs have in common."""
    return {
        "id": _id(letter),
        "owner": _owner(size),
        "dataset": f"{_name(size)} || '@1'",
        "project": _project(size),
        "backbone": "'starter:text'",
        "recipe": "CASE WHEN i % 3 = 0 THEN 'finetune' ELSE 'probe' END",
        "folder": f"'runs/' || {_id(letter)}",
        "headline": "''",
        "cancel_requested": "false",
    }


def _ended(connection: Connection, size: Size) -> None:
    follows = f"i % 10 = 3 AND i >= {size.people}"
    summary = _json(connection, '{"accuracy": {"value": 0.9, "low": 0.85, "high": 0.95}}')
    row = {
        **_run(size, "d"),
        "kind": f"CASE WHEN {follows} THEN 'stress' ELSE 'train' END",
        "parent": f"CASE WHEN {follows} THEN {_id('d', f'(i - {size.people})')} ELSE '' END",
        "status": f"CASE WHEN (i / {size.people}) % 50 = 7 THEN 'failed' ELSE 'done' END",
        "deleted": f"CASE WHEN (i / {size.people}) % 50 = 4 THEN {_BEGUN} + i END",
        "created": f"{_BEGUN} + i",
        "queued": f"{_BEGUN} + i",
        "started": f"{_BEGUN} + i + 10",
        "finished": f"{_BEGUN} + i + 70",
        "progress": "1.0",
        "summary": summary,
    }
    _rows(connection, "runs", size.runs, row)
    stint = _stint(size, "d", row) | {"started": row["started"], "ended": row["finished"]}
    _rows(connection, "stints", size.runs, stint)


def _stint(size: Size, letter: str, row: dict[str, str]) -> dict[str, str]:
    """What the ledger of slots holds of a run, whose id begins with the letter."""
    return {
        "run": _id(letter),
        "owner": _owner(size),
        "lane": "'train'",
        "recipe": row["recipe"],
        "metered": "true",
        "gpus": "1",
        "held": "60.0",
        "known": "true",
        "queued": row["queued"],
    }


def _waiting(connection: Connection, size: Size) -> None:
    since = time.time() - size.waiting
    row = {**_run(size, "w"), "kind": "'train'", "status": "'queued'", "progress": "0.0"}
    row |= {"created": f"{since} + i", "queued": f"{since} + i"}
    _rows(connection, "runs", size.waiting, row)
    _rows(connection, "stints", size.waiting, _stint(size, "w", row))


def _running(connection: Connection) -> None:
    """Runs of other people, which this very process does as far as the registry can tell."""
    host, pid, begun = own_identity()
    now = time.time()
    for number in range(1, RUNNING + 1):
        run, owner = f"r{number:09d}", f"p{number + 1}"
        times = {"created": now, "queued": now, "started": now, "heartbeat": now, "moved": now}
        doing = {"host": host, "pid": pid, "pid_started": begun, "status": "running"}
        about = {"kind": "train", "recipe": "probe", "dataset": "data0@1", "folder": f"runs/{run}"}
        row = {"id": run, "owner": owner, "project": f"{owner}/data0", **about, **times, **doing}
        connection.execute(insert(runs).values(**row))
        slot = {"lane": "train", "recipe": "probe", "metered": True, "gpus": 1, "held": 60.0}
        when = {"known": True, "queued": now, "started": now}
        connection.execute(insert(stints).values(run=run, owner=owner, **slot, **when))
