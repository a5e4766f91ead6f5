"""A clock that somebody sets, or that corrects itself by more than a moment: what runs meanwhile
has neither taken that time nor done nothing for so long.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Engine, update

from tl_core.database.tables import runs, stints

_LEAST = 2.0  # seconds; less is how long a turn of the queue may be held up between two readings


class ClockWatch:
    """Notices when the clock is set, by a second one that nobody can set.

    Args:
        clock: gives seconds since 1970.
        steady: gives seconds since any time.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._steady = clock, steady
        self._apart = self._found = clock() - steady()

    def set_by(self) -> float:
        """Seconds by which the clock was set since it was `known`; 0 where it was not."""
        self._found = self._clock() - self._steady()
        by = self._found - self._apart
        return by if abs(by) >= _LEAST else 0.0

    def known(self) -> None:
        """What was found last has been taken account of."""
        self._apart = self._found


def move_times(engine: Engine, by: float) -> None:
    """Let the runs that run have started, moved and lived as much later as the clock was set by, so
    that neither limits of time nor accounts take the difference for theirs.
    """
    with engine.begin() as connection:
        connection.execute(
            update(runs)
            .where(runs.c.status == "running")
            .values({name: runs.c[name] + by for name in ("started", "moved", "heartbeat")})
        )
        connection.execute(
            update(stints)
            .where(stints.c.started.is_not(None), stints.c.ended.is_(None))
            .values(started=stints.c.started + by)
        )
