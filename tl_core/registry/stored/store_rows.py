"""Which folders rows stand for, and which of them this machine should store."""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy import Engine, and_, insert, or_, select
from sqlalchemy.exc import IntegrityError

from tl_core.artifacts.bucket import Bucket, StoreError
from tl_core.database.tables import datasets, models, runs, stores
from tl_core.errors import NotFoundError
from tl_core.places import inside
from tl_core.registry.processes import HOST
from tl_core.registry.run import ENDED

_SIGN = "store.json"


def living(engine: Engine) -> set[str]:
    """The folders of all rows, those in the trash as well, such as `runs/3f9a0c12de`."""
    with engine.connect() as connection:
        return {
            str(folder)
            for table in (datasets, runs, models)
            for folder in connection.execute(select(table.c.folder)).scalars()
        }


def ready_here(engine: Engine, home: Path, since: float = 0.0) -> list[str]:
    """The folders of rows that are complete on this machine: versions, models, runs that wait or
    that ended here, and features; those alone that have come since a time (seconds since 1970).
    """
    ended = and_(runs.c.status.in_(ENDED), runs.c.host == HOST, runs.c.finished >= since)
    waiting = and_(runs.c.status == "queued", runs.c.queued >= since)
    queries = {
        "version.json": [select(datasets.c.folder).where(datasets.c.created >= since)],
        "config.json": [
            select(models.c.folder).where(models.c.created >= since),
            select(runs.c.folder).where(or_(ended, waiting)),
        ],
    }
    with engine.connect() as connection:
        named = [
            (home / str(folder), mark)
            for mark, several in queries.items()
            for query in several
            for folder in connection.execute(query).scalars()
        ]
    named += [(folder, "manifest.json") for folder in (home / "features").glob("*")]
    return [inside(folder, home) for folder, mark in named if _changed(folder / mark, since)]


def _changed(mark: Path, since: float) -> bool:
    """Whether a folder is complete; features have no row that says when they came."""
    try:
        changed = mark.stat().st_mtime
    except FileNotFoundError:
        return False
    return mark.name != "manifest.json" or changed >= since


def claim(engine: Engine, bucket: Bucket) -> None:
    """See that the store belongs to this registry, or make it so where it is new: what one does not
    know of, it collects.

    Raises:
        StoreError: when it belongs to another one.
    """
    try:
        sign = bucket.get(_SIGN).decode("ascii", "replace")
    except NotFoundError:
        bucket.put(_SIGN, _register(engine, bucket.root).encode())
        return
    known = _known(engine, bucket.root)  # after the look: who signed it had written its row before
    if sign != known:
        raise StoreError(
            f"The store {bucket.root} belongs to another installation.",
            "Each would collect what the other one has stored.",
            "Give TL_STORE another prefix, or use the database of that installation.",
        )


def _register(engine: Engine, place: str) -> str:
    """The sign of this registry for a place; the first of several machines chooses it."""
    try:
        with engine.begin() as connection:
            sign = secrets.token_hex(16)
            connection.execute(insert(stores).values(place=place, sign=sign))
        return sign
    except IntegrityError:
        return _known(engine, place)


def _known(engine: Engine, place: str) -> str:
    """The sign that this registry has for a place; empty for none."""
    with engine.connect() as connection:
        query = select(stores.c.sign).where(stores.c.place == place)
        return connection.execute(query).scalar() or ""
