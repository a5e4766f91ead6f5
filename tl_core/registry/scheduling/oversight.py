"""What administrators see of everybody's queue, and decide: quotas of people, priorities."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import RUN, Policy
from tl_core.access.principal import Principal, named
from tl_core.config.kinds import RUN_KINDS, lanes
from tl_core.database.tables import quotas, runs, users
from tl_core.errors import ConfigError, NotFoundError, StateError, nearest
from tl_core.registry.queue import mark_dead
from tl_core.registry.quotas import QUOTAS, Quotas, Standing
from tl_core.registry.scheduling.waiting import Outlook
from tl_core.settings import Settings

HIGHEST = 100  # priorities go from minus this to this
_MOST = 1 << 50
_AT_ONCE = 500  # runs that are read in one query


@dataclass(frozen=True)
class QueuedRun:
    """A run as administrators see it in the queue: whose, not about what.

    Args:
        run: its id.
        owner: handle of whose it is.
        kind: see `config.kinds`.
        lane: in which it waits or runs.
        status: `queued` or `running`.
        place: among those that wait in the lane, from 1; 0 for one that runs.
        priority: 0 unless an administrator set another one.
        queued: since when it waits, in seconds since 1970.
        started: when it started; None for one that waits.
        starts: when it will probably start; None where that is not known, and for one that runs.
        progress: share done, 0-1.
        elsewhere: the scheduler in which one that runs waits yet; empty for all others.
    """

    run: str
    owner: str
    kind: str
    lane: str
    status: str
    place: int
    priority: int
    queued: float
    started: float | None
    starts: float | None
    progress: float
    elsewhere: str = ""


class Oversight:
    """Quotas and queue, for an administrator; everybody else may see their own quotas.

    Args:
        engine: of the registry.
        principal: who acts.
        settings: the defaults.
        clock: gives seconds since 1970.
    """

    def __init__(
        self,
        engine: Engine,
        principal: Principal,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._policy = Policy(engine, principal)

    def people(self) -> list[str]:
        """Handles of everybody here, in order.

        Raises:
            AccessError: for everybody but administrators.
        """
        self._policy.require_admin()
        with self._engine.connect() as connection:
            known = connection.execute(select(users.c.handle).order_by(users.c.handle)).scalars()
            return [str(handle) for handle in known] or [self._policy.principal.id]

    def standing(self, person: str) -> list[Standing]:
        """The quotas of a person (handle or id), with what is used.

        Raises:
            AccessError: for those of somebody else, to everybody but administrators.
            NotFoundError: when there is no such person.
        """
        own = self._policy.principal
        if person not in (own.id, own.handle):
            self._policy.require_admin()
        with self._engine.connect() as connection:
            owner = self._id_of(connection, person)
        return Quotas(self._engine, self._settings, self._clock).standing(owner)

    def set_quota(self, person: str, name: str, value: int | None) -> None:
        """Set one quota of a person (handle or id).

        Args:
            person: whose.
            name: one of `QUOTAS`.
            value: the most; 0 for no limit, None for what everybody has.

        Raises:
            AccessError: for everybody but administrators.
            NotFoundError: when there is no such person.
            ConfigError: when there is no such quota, or the value is no whole number from 0 on.
        """
        self._policy.require_admin()
        if name not in QUOTAS:
            raise ConfigError(f"There is no quota {name!r}.", "", nearest(name, QUOTAS))
        if value is not None and not 0 <= value <= _MOST:
            raise ConfigError(
                f"{value:,} cannot be a quota.", "It is a whole number from 0 on.", "0: no limit."
            )
        with self._engine.begin() as connection:
            owner = self._id_of(connection, person)
            about = (quotas.c.owner == owner, quotas.c.name == name)
            connection.execute(sql_delete(quotas).where(*about))
            if value is not None:
                connection.execute(
                    insert(quotas).values(
                        owner=owner,
                        name=name,
                        value=value,
                        set_by=self._policy.principal.id,
                        set_at=self._clock(),
                    )
                )
            self._policy.note(
                connection, "set quota", "person", owner, {"name": name, "value": value}
            )

    def queue(self) -> Sequence[QueuedRun]:
        """Everybody's runs that run or wait, in the order of their turns; of a long queue those
        that come first.

        Raises:
            AccessError: for everybody but administrators.
        """
        self._policy.require_admin()
        mark_dead(self._engine, self._clock)
        outlook, found = Outlook(self._engine, self._settings, self._clock), []
        foretold = [run for lane in lanes() for run in outlook.turns(lane)]
        about = select(runs, users.c.handle).join(users, users.c.id == runs.c.owner, isouter=True)
        with self._engine.connect() as connection:
            rows = list(connection.execute(about.where(runs.c.status == "running")).all())
            for begin in range(0, len(foretold), _AT_ONCE):
                some = runs.c.id.in_(foretold[begin : begin + _AT_ONCE])
                rows += connection.execute(about.where(some, runs.c.status == "queued")).all()
        for row in rows:
            lane = RUN_KINDS[row.kind].lane
            turn = outlook.turns(lane).get(row.id) if row.status == "queued" else None
            found.append(
                QueuedRun(
                    *(row.id, row.handle or row.owner, row.kind, lane, row.status),
                    *(turn.place if turn else 0, row.priority, row.queued),
                    row.started if row.status == "running" else None,
                    turn.starts if turn else None,
                    row.progress,
                    row.executor if row.status == "running" and row.job and not row.pid else "",
                )
            )
        return sorted(found, key=lambda run: (run.lane, run.place, run.started or 0.0))

    def prioritise(self, run_id: str, priority: int) -> None:
        """Let a waiting run go before others, or after them.

        Args:
            run_id: of anybody's run.
            priority: higher goes first; 0 is that of all others.

        Raises:
            AccessError: for everybody but administrators.
            NotFoundError: when there is no such run.
            StateError: when it does not wait, or the priority is out of bounds.
        """
        self._policy.require_admin()
        if not -HIGHEST <= priority <= HIGHEST:
            raise StateError(f"A priority lies between {-HIGHEST} and {HIGHEST}, not {priority:,}.")
        with self._engine.begin() as connection:
            if connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.status == "queued")
                .values(priority=priority)
            ).rowcount:
                self._policy.note(connection, "set priority", RUN, run_id, {"priority": priority})
                return
            status = connection.execute(select(runs.c.status).where(runs.c.id == run_id)).scalar()
        if status is None:
            raise NotFoundError(f"There is no run {run_id!r}.")
        raise StateError(f"Run {run_id} is {status}.", "Only runs that wait have a turn to change.")

    def _id_of(self, connection: Connection, person: str) -> str:
        """The id of a person; on a computer without sign-in the only one is their own."""
        own = self._policy.principal
        row = named(connection, person)
        found = row.id if row else None
        if found is None and person in (own.id, own.handle):
            return own.id
        if found is None:
            known = connection.execute(select(users.c.handle)).scalars()
            raise NotFoundError(
                f"There is nobody here called {person!r}.", "", nearest(person, known)
            )
        return str(found)
