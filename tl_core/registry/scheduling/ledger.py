"""The ledger of slots: what a run is expected to take is held when it is queued, its slot begins
when it starts, and what it has really taken is settled at its end, whatever end that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, insert, or_, select, update

from tl_core.config.kinds import RUN_KINDS
from tl_core.database.tables import stints
from tl_core.registry.scheduling.fair_share import Stint


@dataclass(frozen=True, slots=True)
class Need:
    """What a run is expected to take.

    Args:
        seconds: of a slot.
        known: whether these are expected from experience; else they are what it may take at most.
        gpus: how many at once.
    """

    seconds: float
    known: bool
    gpus: int = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that has just been queued: its id, and whose, of which kind and recipe it is."""

    run: str
    owner: str
    kind: str
    recipe: str = ""


def hold(connection: Connection, asked: Asked, need: Need, now: float) -> None:
    """Note what a run that has just been queued is expected to take."""
    kind = RUN_KINDS[asked.kind]
    connection.execute(
        insert(stints).values(
            run=asked.run,
            owner=asked.owner,
            lane=kind.lane,
            recipe=asked.recipe,
            metered=kind.metered,
            gpus=need.gpus,
            held=need.seconds,
            known=need.known,
            queued=now,
        )
    )


def begin(connection: Connection, asked: Asked, need: Need, now: float) -> None:
    """A run that waited has a slot from now on, on its owner's account; `need` is for one that the
    ledger does not know.
    """
    slot = update(stints).where(stints.c.run == asked.run, stints.c.ended.is_(None))
    values = {"owner": asked.owner, "started": now}
    if not connection.execute(slot.values(**values)).rowcount:
        hold(connection, asked, need, now)
        connection.execute(slot.values(**values))


def settle(connection: Connection, run: str, now: float) -> None:
    """The run has ended, or waits no more: what it took is all that counts."""
    connection.execute(
        update(stints)
        .where(stints.c.run == run, stints.c.ended.is_(None))
        .values(ended=case((stints.c.started > now, stints.c.started), else_=now))
    )


def stints_of(
    connection: Connection, about: ColumnElement[bool], since: float
) -> dict[str, list[Stint]]:
    """Stints by owner that ended after a time (seconds since 1970), or run."""
    rows = connection.execute(
        select(stints)
        .where(
            about,
            stints.c.started.is_not(None),
            or_(stints.c.ended.is_(None), stints.c.ended > since),
        )
        .order_by(stints.c.id)
    ).all()
    found: dict[str, list[Stint]] = {}
    for row in rows:
        found.setdefault(row.owner, []).append(
            Stint(row.run, row.owner, row.started, row.ended, row.held, row.known, row.gpus)
        )
    return found


def held_by(connection: Connection, owner: str) -> list[Need]:
    """What is held for a person's metered runs that wait."""
    rows = connection.execute(
        select(stints).where(
            stints.c.owner == owner,
            stints.c.metered,
            stints.c.started.is_(None),
            stints.c.ended.is_(None),
        )
    ).all()
    return [Need(row.held, row.known, row.gpus) for row in rows]


def taken(stints_: Iterable[Stint], since: float, now: float) -> float:
    """Seconds of GPUs that stints have really taken between two times, in seconds since 1970."""
    return sum(
        one.gpus
        * max(0.0, min(now if one.ended is None else one.ended, now) - max(one.started, since))
        for one in stints_
    )


def still_held(stints_: Iterable[Stint], now: float) -> float:
    """Seconds of GPUs that running stints are expected to take yet."""
    return sum(
        one.gpus * max(0.0, one.seconds - max(0.0, now - one.started))
        for one in stints_
        if one.ended is None
    )
