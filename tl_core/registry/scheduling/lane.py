"""A lane as the database has it: what waits and runs, and who may start nothing now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, Row, Subquery, and_, delete, func, insert, or_, select

from tl_core.config.kinds import RUN_KINDS, kinds_of
from tl_core.database.tables import lanes, runs, stints
from tl_core.registry.quotas import Quotas
from tl_core.registry.scheduling.estimates import UNKNOWN_SECONDS
from tl_core.registry.scheduling.fair_share import Queued
from tl_core.registry.scheduling.forecast import Lane, Running
from tl_core.registry.scheduling.ledger import stints_of
from tl_core.settings import Settings


def window_of(settings: Settings) -> float:
    """Seconds of the fair share."""
    return 3600.0 * settings.number("fair_share_hours")


def longest_of(settings: Settings) -> float | None:
    """Seconds after which a run is ended; None without a limit."""
    minutes = settings.limit("run_minutes")
    return None if minutes is None else 60.0 * minutes


def note_slots(engine: Engine, slots: dict[str, int]) -> None:
    """Let readers know how many runs each lane has at once."""
    with engine.begin() as connection:
        connection.execute(delete(lanes))
        connection.execute(
            insert(lanes), [{"name": name, "slots": count} for name, count in slots.items()]
        )


def waiting_by_person(connection: Connection, name: str) -> dict[str, int]:
    """How many runs of each person wait in a lane."""
    rows = connection.execute(
        select(runs.c.owner, func.count().label("count"))
        .where(runs.c.status == "queued", runs.c.kind.in_(kinds_of(name)))
        .group_by(runs.c.owner)
    ).all()
    return {row.owner: int(row[1]) for row in rows}


def read_lane(
    connection: Connection,
    name: str,
    quotas: Quotas,
    settings: Settings,
    now: float,
    heads: int | None = None,
) -> Lane:
    """The lane `name` as it is now; an empty one where nothing waits.

    Args:
        connection: to the registry.
        name: of the lane.
        quotas: of the people.
        settings: window and longest time.
        now: seconds since 1970.
        heads: how many of each person's waiting runs are enough, in the order of their turns; with
            1 the oldest one comes along, by which the length of a wait is counted. None for all.
    """
    waits = _waiting(name, heads)
    waiting = connection.execute(
        select(waits, stints.c.held, stints.c.known, stints.c.gpus)
        .join(stints, and_(stints.c.run == waits.c.id, stints.c.ended.is_(None)), isouter=True)
        .order_by(waits.c.queued, stints.c.id)
    ).all()
    if not waiting:  # which dispatchers ask several times a second
        return Lane(1)
    running = connection.execute(
        select(runs.c.id, runs.c.owner, runs.c.started, runs.c.progress).where(
            runs.c.status == "running", runs.c.kind.in_(kinds_of(name))
        )
    ).all()
    owners = {row.owner for row in waiting}
    limits = quotas.limits(connection, owners)
    spent = quotas.used_up(connection, owners)
    barred = {row.id for row in waiting if row.owner in spent and RUN_KINDS[row.kind].metered}
    # who may start nothing now is not compared: a month's wait must not have a month read each time
    compared = (row.queued for row in waiting if row.id not in barred)
    since = min([now - window_of(settings), *compared])
    slots = connection.execute(select(lanes.c.slots).where(lanes.c.name == name)).scalar()
    return Lane(
        slots or 1,
        [Running(row.id, row.owner, row.started or now, row.progress) for row in running],
        [_queued(row) for row in waiting if row.id not in barred],
        [_queued(row) for row in waiting if row.id in barred],
        stints_of(connection, stints.c.lane == name, since),
        {owner: own["running"] for owner, own in limits.items() if "running" in own},
        longest_of(settings),
    )


def _waiting(name: str, heads: int | None) -> Subquery:
    """What waits in a lane, or the first of each person and kind."""
    columns = [runs.c[name] for name in ("id", "owner", "kind", "queued", "priority")]
    about = (runs.c.status == "queued", runs.c.kind.in_(kinds_of(name)))
    if heads is None:
        return select(*columns).where(*about).subquery()
    of = (runs.c.owner, runs.c.kind)  # some kinds may be barred
    turn = func.rank().over(partition_by=of, order_by=(runs.c.priority.desc(), runs.c.queued))
    age = func.rank().over(partition_by=of, order_by=runs.c.queued)
    ranked = select(*columns, turn.label("turn"), age.label("age")).where(*about).subquery()
    first = ranked.c.turn <= heads
    first = or_(first, ranked.c.age == 1) if heads == 1 else first
    return select(*(ranked.c[column.name] for column in columns)).where(first).subquery()


def _queued(row: Row[*tuple[Any, ...]]) -> Queued:
    """A row as it is compared; one that the ledger does not know counts as of unknown duration."""
    about = (row.id, row.owner, row.queued, row.priority)
    return Queued(*about, row.held or UNKNOWN_SECONDS, bool(row.known), row.gpus or 1)
