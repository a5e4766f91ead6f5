"""When a run has had its time: the longest that a run may take, the longest that it may do nothing,
and its owner's GPU minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from tl_core.config.kinds import RUN_KINDS
from tl_core.database.tables import runs
from tl_core.errors import ErrorObject
from tl_core.registry.quotas import WHEN, Quotas
from tl_core.registry.run import KEEPS_BEST
from tl_core.registry.scheduling.lane import longest_of
from tl_core.settings import Settings

GRACE_SECONDS = 600.0  # in which a training that is to keep its best state has to end
_RESUME = "Resume it; finished parts are kept."


@dataclass(frozen=True)
class _Verdict:
    """That a run has to end.

    Args:
        reason: for people.
        over: seconds for which it has to end already; None for a run that does nothing, which would
            not hear that it is to stop.
    """

    reason: ErrorObject
    over: float | None


def end_overdue(engine: Engine, settings: Settings, clock: Callable[[], float]) -> list[str]:
    """Ask each running run to end that has had its time; gives the ids of those asked just now.

    A training with a best state is stopped and keeps it, and is cancelled when it has not ended in
    `GRACE_SECONDS`; any other run is cancelled. The worker hears it as it hears a person.

    Args:
        engine: of the registry.
        settings: the limits.
        clock: gives seconds since 1970.
    """
    now, quotas, asked = clock(), Quotas(engine, settings, clock), []
    with engine.begin() as connection:
        rows = connection.execute(select(runs).where(runs.c.status == "running")).all()
        if not rows:
            return []
        spent = quotas.used_up(connection, {row.owner for row in rows})
        for row in rows:
            verdict = _verdict(row, settings, spent, now)
            if verdict is not None and _ask(connection, row, verdict):
                asked.append(row.id)
    return asked


def _verdict(
    row: Row[*tuple[Any, ...]],
    settings: Settings,
    spent: dict[str, tuple[str, float]],
    now: float,
) -> _Verdict | None:
    """Why a run has to end, if it has to."""
    longest, idle = longest_of(settings), settings.limit("idle_minutes")
    gone = now - (row.started or now)
    if longest is not None and gone >= longest:
        return _Verdict(
            {
                "code": "run_time",
                "what": f"It had the {longest / 60:,.0f} minutes that a run may take.",
                "why": "This server ends every run after that time.",
                "try_this": f"{_RESUME} Or train for less time.",
            },
            gone - longest,
        )
    # both times are the worker's own, whatever its clock says
    still = (row.heartbeat or now) - (row.moved or row.heartbeat or now)
    if idle is not None and still >= 60 * idle:
        return _Verdict(
            {
                "code": "idle",
                "what": f"It made no progress for {idle:,} minutes.",
                "why": "This server ends runs that hang.",
                "try_this": _RESUME,
            },
            None,
        )
    if row.owner in spent and RUN_KINDS[row.kind].metered:
        of, over = spent[row.owner]
        return _Verdict(
            {
                "code": "quota",
                "what": f"Its owner has no GPU minutes left {WHEN[of]}.",
                "why": "They are limited, and are used up.",
                "try_this": f"{_RESUME} That is possible when there are minutes again.",
            },
            over,
        )
    return None


def _ask(connection: Connection, row: Row[*tuple[Any, ...]], verdict: _Verdict) -> bool:
    """Ask a run to end, unless that has been asked already."""
    stops = row.kind == "train" and row.recipe in KEEPS_BEST and verdict.over is not None
    if stops and (verdict.over or 0.0) < GRACE_SECONDS:
        values = {"stop_requested": True}
    else:
        values = {"cancel_requested": True}
    if all(getattr(row, name) for name in values):
        return False
    return bool(
        connection.execute(
            update(runs)
            .where(runs.c.id == row.id, runs.c.status == "running")
            .values(stop_reason=verdict.reason, **values)
        ).rowcount
    )
