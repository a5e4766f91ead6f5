"""What each person may use: defaults by setting, exceptions by administrators, checked where
something is queued, brought or computed.

Days and months are those of UTC. GPU minutes are minutes of a slot in which a network computes,
times the GPUs that the run takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select, true

from tl_core.config.kinds import RUN_KINDS, kinds_of
from tl_core.database.tables import datasets, models, quotas, runs, stints, uploads
from tl_core.database.turns import alone
from tl_core.errors import ConfigError, QuotaError, nearest
from tl_core.registry.scheduling.fair_share import Stint
from tl_core.registry.scheduling.ledger import (
    Asked,
    Need,
    held_by,
    hold,
    still_held,
    stints_of,
    taken,
)
from tl_core.settings import Settings
from tl_core.storage import folder_size

QUOTAS = {
    "queued": "runs that may wait at once, trainings and short jobs counted apart",
    "running": "runs that may run at once, trainings and short jobs counted apart",
    "gpu_minutes_day": "GPU minutes a day",
    "gpu_minutes_month": "GPU minutes a month",
    "disk_mb": "MB of datasets, runs, models and uploads",
    "upload_mb": "MB of one upload",
    "prediction_rows": "rows of one file to be predicted",
}
"""What can be limited, with the words for it."""

_MINUTES = {"gpu_minutes_day": "day", "gpu_minutes_month": "month"}
WHEN = {"day": "today", "month": "this month"}
_AGAIN = {"day": "after midnight (UTC)", "month": "next month"}
_LEAST = 60.0  # seconds that must be left for a run of unknown duration
_NAMED = 500  # people that a query names one by one
_ASK = "or ask an administrator for more"


@dataclass(frozen=True)
class Standing:
    """How much of one quota a person has used.

    Args:
        name: one of `QUOTAS`.
        limit: the most; None for no limit.
        own: whether an administrator set it for this person.
        used: so far; None where nothing adds up.
        held: for runs that wait or run.
        resets: when it begins anew, in seconds since 1970; None where it does not.
    """

    name: str
    limit: int | None
    own: bool
    used: float | None = None
    held: float = 0.0
    resets: float | None = None


def default_quotas(settings: Settings) -> dict[str, int]:
    """The limits out of `TL_QUOTAS`.

    Raises:
        ConfigError: when it is not of the form `name=number,name=number`.
    """
    found = {}
    for pair in settings.listed("quotas"):
        name, _, value = (part.strip() for part in pair.partition("="))
        if name not in QUOTAS or not value.isdigit():
            raise ConfigError(
                f"TL_QUOTAS holds {pair!r}.",
                "It is a list such as running=2,gpu_minutes_day=240.",
                nearest(name, QUOTAS),
            )
        found[name] = int(value)
    return found


def period(name: str, now: float) -> tuple[float, float]:
    """Begin and end of the day or month of a time, in seconds since 1970."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "day":
        return day.timestamp(), (day + timedelta(days=1)).timestamp()
    first = day.replace(day=1)
    return first.timestamp(), (first + timedelta(days=32)).replace(day=1).timestamp()


class Quotas:
    """Limits in effect, and whether something fits them.

    Args:
        engine: of the registry.
        settings: the defaults, and where the folders lie.
        clock: gives seconds since 1970.
    """

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._defaults = default_quotas(settings)

    def limits(self, connection: Connection, owners: Iterable[str]) -> dict[str, dict[str, int]]:
        """The limits of several people; a name that is missing has none."""
        found = {owner: dict(self._defaults) for owner in owners}
        # exceptions are few: all are read where naming each person would be too long for a query
        about = quotas.c.owner.in_(found) if len(found) <= _NAMED else true()
        for row in connection.execute(select(quotas).where(about)).all():
            if row.owner in found:
                found[row.owner][row.name] = row.value
        return {
            owner: {name: value for name, value in limits.items() if value}
            for owner, limits in found.items()
        }

    def limit(self, owner: str, name: str) -> int | None:
        """One limit of one person; None for no limit."""
        with self._engine.connect() as connection:
            return self.limits(connection, [owner])[owner].get(name)

    def admit(self, connection: Connection, asked: Asked, need: Need) -> None:
        """Hold what a run needs that has just been written as queued, in the same transaction.

        A run of unknown duration holds what its owner has left, if that is less than it may take:
        it is ended when that is used up.

        Raises:
            QuotaError: when its owner has too many waiting already, or too few minutes left.
        """
        alone(connection, asked.owner)
        now, limits = self._clock(), self.limits(connection, [asked.owner])[asked.owner]
        if "queued" in limits:
            self._check_queued(connection, asked, limits["queued"])
        if RUN_KINDS[asked.kind].metered:
            for name, of in _MINUTES.items():
                if name in limits:
                    need = self._fitted(connection, asked.owner, need, limits[name], of, now)
        hold(connection, asked, need, now)

    def _check_queued(self, connection: Connection, asked: Asked, most: int) -> None:
        kinds = kinds_of(RUN_KINDS[asked.kind].lane)
        waiting = connection.execute(
            select(func.count())
            .select_from(runs)
            .where(runs.c.owner == asked.owner, runs.c.status == "queued", runs.c.kind.in_(kinds))
        ).scalar_one()
        if waiting > most:
            raise QuotaError(
                "Too many runs are waiting already.",
                f"The limit is {most:,} waiting runs for one person, and {waiting - 1:,} wait.",
                f"Try again when one has started, cancel one, {_ASK}.",
            )

    def _fitted(
        self, connection: Connection, owner: str, need: Need, most: int, of: str, now: float
    ) -> Need:
        """What can be held of a need within `most` minutes a day or month."""
        used, held = self._seconds(connection, owner, of, now)
        left, wanted = 60.0 * most - used - held, need.gpus * need.seconds
        if left < (wanted if need.known else min(wanted, need.gpus * _LEAST)):
            expected = (
                f"this run is expected to take {wanted / 60:,.0f}"
                if need.known
                else "this run needs some"
            )
            raise QuotaError(
                f"There are too few GPU minutes left {WHEN[of]}.",
                f"The limit is {most:,} a {of}: {used / 60:,.0f} are used, {held / 60:,.0f} are"
                f" held for runs that wait or run, and {expected}.",
                f"Try again {_AGAIN[of]}, cancel a run that waits, train for less time, {_ASK}.",
            )
        return Need(min(wanted, left) / need.gpus, need.known, need.gpus)

    def _seconds(
        self, connection: Connection, owner: str, of: str, now: float
    ) -> tuple[float, float]:
        """Seconds of GPUs that a person has used in a day or month, and that are held."""
        since, _ = period(of, now)
        own = stints_of(connection, (stints.c.owner == owner) & stints.c.metered, since)
        mine = own.get(owner, [])
        waiting = sum(need.gpus * need.seconds for need in held_by(connection, owner))
        return taken(mine, since, now), waiting + still_held(mine, now)

    def used_up(
        self, connection: Connection, owners: Iterable[str]
    ) -> dict[str, tuple[str, float]]:
        """Who has used all GPU minutes: of what, `day` or `month`, and how many seconds more. The
        dispatcher asks several times a second, so it is one query for all.
        """
        now, found = self._clock(), {}
        limited = {
            owner: minutes
            for owner, limits in self.limits(connection, owners).items()
            if (minutes := {of: limits[name] for name, of in _MINUTES.items() if name in limits})
        }
        if not limited:
            return {}
        since = period("month", now)[0]
        people, taken_by = list(limited), dict[str, list[Stint]]()
        for begin in range(0, len(people), _NAMED):
            some = stints.c.owner.in_(people[begin : begin + _NAMED])
            taken_by |= stints_of(connection, some & stints.c.metered, since)
        for owner, minutes in limited.items():
            for of, most in minutes.items():
                used = taken(taken_by.get(owner, ()), period(of, now)[0], now)
                if used >= 60.0 * most:
                    found[owner] = of, used - 60.0 * most
        return found

    def require_disk(self, owner: str, more: int = 0) -> None:
        """Refuse when a person's files, and `more` bytes, take more than they may.

        Raises:
            QuotaError: in that case.
        """
        most = self.limit(owner, "disk_mb")
        if most is None:
            return
        used = self.disk(owner)
        if used + more > most << 20 or used >= most << 20:
            needed = f", and this needs {_mb(more)} MB" if more else ""
            raise QuotaError(
                "The disk space is used up.",
                f"The limit is {most:,} MB; datasets, runs, models and uploads take {_mb(used)} MB"
                f"{needed}.",
                f"Delete what is no longer needed, also from the trash, {_ASK}.",
            )

    def disk(self, owner: str) -> int:
        """Bytes of a person's datasets, runs and models, what lies in the trash included, and of
        files that they have uploaded and not used yet.
        """
        with self._engine.connect() as connection:
            return self._taken(connection, owner)

    def _taken(self, connection: Connection, owner: str) -> int:
        home, folders = self._settings.home_path, list[Path]()
        for table in (datasets, runs, models):
            own = select(table.c.folder).where(table.c.owner == owner)
            folders += [home / str(one) for one in connection.execute(own).scalars()]
        own = select(uploads.c.id).where(uploads.c.owner == owner)
        folders += [home / "uploads" / str(one) for one in connection.execute(own).scalars()]
        return sum(folder_size(folder) for folder in folders)

    def require_upload(self, owner: str, size: int) -> None:
        """Refuse a file of `size` bytes that is larger than a person may bring, or does not fit.

        Raises:
            QuotaError: in these cases.
        """
        most = self.limit(owner, "upload_mb")
        if most is not None and size > most << 20:
            raise QuotaError(
                f"The file has {_mb(size)} MB.",
                f"The largest upload is limited to {most:,} MB.",
                f"Split it, bring it as a folder on this server, {_ASK}.",
            )
        self.require_disk(owner, size)

    def standing(self, owner: str) -> list[Standing]:
        """All quotas of one person, with what is used."""
        now = self._clock()
        with self._engine.connect() as connection:
            limits = self.limits(connection, [owner])[owner]
            own = set(
                connection.execute(select(quotas.c.name).where(quotas.c.owner == owner)).scalars()
            )
            count = {
                name: self._fullest(connection, owner, status)
                for name, status in (("queued", "queued"), ("running", "running"))
            }
            minutes = {
                name: tuple(seconds / 60 for seconds in self._seconds(connection, owner, of, now))
                for name, of in _MINUTES.items()
            }
        used: Mapping[str, float] = {**count, "disk_mb": self.disk(owner) / (1 << 20)}
        return [
            Standing(
                name,
                limits.get(name),
                name in own,
                minutes[name][0] if name in minutes else used.get(name),
                minutes[name][1] if name in minutes else 0.0,
                period(_MINUTES[name], now)[1] if name in _MINUTES else None,
            )
            for name in QUOTAS
        ]

    def _fullest(self, connection: Connection, owner: str, status: str) -> int:
        """How many runs of a person have a status, in the lane that has most of them."""
        kinds = connection.execute(
            select(runs.c.kind).where(runs.c.owner == owner, runs.c.status == status)
        ).scalars()
        lanes = [RUN_KINDS[kind].lane for kind in kinds]
        return max((lanes.count(lane) for lane in lanes), default=0)


def _mb(size: int) -> str:
    return f"{size / (1 << 20):,.0f}"
