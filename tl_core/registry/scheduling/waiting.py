"""What somebody is told whose run waits: its place, for whom it waits, and when it will start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from tl_core.config.kinds import RUN_KINDS
from tl_core.registry.quotas import Quotas
from tl_core.registry.scheduling.forecast import Lane, Turn, forecast
from tl_core.registry.scheduling.lane import read_lane, window_of
from tl_core.settings import Settings

_NAMED = 3  # people that are named; more of them are counted


@dataclass(frozen=True)
class Waiting:
    """How a waiting run stands.

    Args:
        place: among all that wait for the same slots, from 1, in the order of their turns.
        starts: when it will probably start, in seconds since 1970; None where that is not known.
        people: who has runs that run or go before it, by handle, and how many; those with most of
            them first.
        own: how many of these are of the same owner.
        others: how many are of people without a handle.
        minutes: whether it waits until its owner has GPU minutes again.
    """

    place: int
    starts: float | None
    people: Sequence[tuple[str, int]] = ()
    own: int = 0
    others: int = 0
    minutes: bool = False

    @property
    def words(self) -> str:
        """For whom it waits, in a sentence; empty where nobody is before it."""
        if self.minutes:
            return "It waits until there are GPU minutes for it again."
        named, rest = self.people[:_NAMED], self.people[_NAMED:]
        parts = [f"{_runs(count)} of {handle}" for handle, count in named]
        others = self.others + sum(count for _, count in rest)
        parts += [f"{_runs(others)} of others"] if others else []
        parts += [f"{_runs(self.own)} of the same owner"] if self.own else []
        if not parts:
            return ""
        first = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
        return f"It waits for {first}."


class Outlook:
    """The lanes as they are at one moment, each read when it is first asked for."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], float]) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._lanes: dict[str, tuple[Lane, dict[str, Turn]]] = {}

    def turns(self, lane: str) -> dict[str, Turn]:
        """What is to be expected of each run that waits in a lane, in the order of their turns."""
        return self._read(lane)[1]

    def place(self, run: str, kind: str) -> int:
        """The place of a waiting run, from 1; 0 for one that waits no more."""
        turn = self.turns(RUN_KINDS[kind].lane).get(run)
        return turn.place if turn else 0

    def waiting(self, run: str, kind: str, handles: Mapping[str, str]) -> Waiting | None:
        """How a run stands; None when it does not wait.

        Args:
            run: its id.
            kind: of the run.
            handles: by the ids of people.
        """
        lane, turns = self._read(RUN_KINDS[kind].lane)
        turn = turns.get(run)
        if turn is None:
            return None
        before = Counter(one.owner for one in lane.running)
        before.update(one.run.owner for one in turns.values() if one.place < turn.place)
        own = before.pop(turn.run.owner, 0)
        named = [(handles[owner], count) for owner, count in before.items() if owner in handles]
        return Waiting(
            turn.place,
            turn.starts,
            sorted(named, key=lambda one: (-one[1], one[0])),
            own,
            before.total() - sum(count for _, count in named),
            any(one.run == run for one in lane.barred),
        )

    def _read(self, name: str) -> tuple[Lane, dict[str, Turn]]:
        if name not in self._lanes:
            now, settings = self._clock(), self._settings
            quotas = Quotas(self._engine, settings, self._clock)
            with self._engine.connect() as connection:
                lane = read_lane(connection, name, quotas, settings, now)
            turns = forecast(lane, now, window_of(settings))
            self._lanes[name] = lane, {turn.run.run: turn for turn in turns}
        return self._lanes[name]


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"
