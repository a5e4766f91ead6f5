"""What somebody is told whose run waits: its place, for whom it waits, and when it will start.

Of a long queue only the first runs of each person are read and foretold. For any other run it is
counted how many of its owner's go before it: as many of everybody else's do, as turns go round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, or_, select

from tl_core.config.kinds import RUN_KINDS, kinds_of
from tl_core.database.tables import runs
from tl_core.registry.quotas import Quotas
from tl_core.registry.scheduling.forecast import Lane, Turn, forecast
from tl_core.registry.scheduling.lane import read_lane, waiting_by_person, window_of
from tl_core.settings import Settings

_FORETOLD = 2000  # runs of one lane that are read
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
        self._counts: dict[str, dict[str, int]] = {}  # by lane: who has how many that wait

    def turns(self, lane: str) -> dict[str, Turn]:
        """What is to be expected of each run that waits in a lane, in the order of their turns."""
        return self._read(lane)[1]

    def place(self, run: str, kind: str) -> int:
        """The place of a waiting run, from 1; 0 for one that waits no more."""
        lane = RUN_KINDS[kind].lane
        turn = self.turns(lane).get(run)
        if turn:
            return turn.place
        found = self._further(run, lane)
        return found[1].total() + 1 if found else 0

    def waiting(
        self, run: str, kind: str, called: Callable[[Iterable[str]], Mapping[str, str]]
    ) -> Waiting | None:
        """How a run stands; None when it does not wait.

        Args:
            run: its id.
            kind: of the run.
            called: gives handles by the ids of people.
        """
        lane, turns = self._read(RUN_KINDS[kind].lane)
        before = Counter(one.owner for one in lane.running)
        if turn := turns.get(run):
            owner, place, starts = turn.run.owner, turn.place, turn.starts
            before.update(one.run.owner for one in turns.values() if one.place < place)
        elif found := self._further(run, RUN_KINDS[kind].lane):
            (owner, ahead), starts = found, None
            place = ahead.total() + 1
            before.update(ahead)
        else:
            return None
        own = before.pop(owner, 0)
        handles = called(before)
        named = [(handles[owner], count) for owner, count in before.items() if owner in handles]
        return Waiting(
            place,
            starts,
            sorted(named, key=lambda one: (-one[1], one[0])),
            own,
            before.total() - sum(count for _, count in named),
            any(one.run == run for one in lane.barred),
        )

    def _further(self, run: str, lane: str) -> tuple[str, Counter[str]] | None:
        """Whose run it is that is not among the foretold ones, and how many of whom go before it;
        None where it waits no more.
        """
        waits = (runs.c.status == "queued", runs.c.kind.in_(kinds_of(lane)))
        counts = self._counts[lane]
        if sum(counts.values()) <= len(self.turns(lane)):
            return None
        with self._engine.connect() as connection:
            columns = (runs.c.owner, runs.c.priority, runs.c.queued)
            row = connection.execute(select(*columns).where(runs.c.id == run, *waits)).first()
            if row is None:
                return None
            older = and_(runs.c.priority == row.priority, runs.c.queued < row.queued)
            sooner = (runs.c.owner == row.owner, or_(runs.c.priority > row.priority, older))
            own = connection.execute(
                select(func.count()).select_from(runs).where(*waits, *sooner)
            ).scalar_one()
        first: dict[str, int] = {}
        for turn in self.turns(lane).values():
            first.setdefault(turn.run.owner, turn.place)
        mine = first.get(row.owner, 0)
        return row.owner, Counter(
            {
                owner: own
                if owner == row.owner
                else min(count, own + (first.get(owner, mine) < mine))
                for owner, count in counts.items()
            }
        )

    def _read(self, name: str) -> tuple[Lane, dict[str, Turn]]:
        if name not in self._lanes:
            now, settings = self._clock(), self._settings
            quotas = Quotas(self._engine, settings, self._clock)
            with self._engine.connect() as connection:
                counts = waiting_by_person(connection, name)
                long = sum(counts.values()) > _FORETOLD
                heads = max(1, _FORETOLD // len(counts)) if long else None
                lane = read_lane(connection, name, quotas, settings, now, heads)
            self._counts[name] = counts
            turns = forecast(lane, now, window_of(settings))
            self._lanes[name] = lane, {turn.run.run: turn for turn in turns}
        return self._lanes[name]


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"
