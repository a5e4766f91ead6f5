"""In which order waiting runs will really start, and when, as far as that can be known.

The same rule that the dispatcher uses is played forward: slots become free as running runs end,
each time the next run takes one, and counts from then on. Runs that come later, or end sooner or
later than expected, change it. That costs a comparison of all people for each run: behind what can
be played forward in a moment, everybody's runs are taken to go round by round.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tl_core.registry.scheduling.fair_share import Queued, Stint, by_owner, next_run, rank

_TRUSTED = 0.05  # share done from which on progress says how long the rest takes
_COMPARISONS = 10_000  # of people: some tenths of a second
_LEAST = 60.0  # seconds that a run still takes which is over its time already


@dataclass(frozen=True, slots=True)
class Running:
    """A run that has a slot: its id, its owner, since when, and the share done of it, 0-1."""

    run: str
    owner: str
    started: float
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane as it is at a time.

    Args:
        slots: how many runs it has at once.
        running: what has one.
        queued: what waits for a slot.
        barred: what waits for its owner's GPU minutes, which are used up.
        stints: what has had or has a slot, see `fair_share.Stints`.
        most: how many runs each person may have running, where that is limited.
        longest: seconds after which a run is ended; None without a limit.
    """

    slots: int
    running: Sequence[Running] = ()
    queued: Sequence[Queued] = ()
    barred: Sequence[Queued] = ()
    stints: Mapping[str, Sequence[Stint]] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)
    longest: float | None = None

    @property
    def full(self) -> set[str]:
        """Who has as many runs running as they may."""
        count = Counter(run.owner for run in self.running)
        return {owner for owner, most in self.most.items() if count[owner] >= most}


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be expected for a waiting run: its place, from 1, and when it starts, in seconds
    since 1970; None where that is not known.
    """

    run: Queued
    place: int
    starts: float | None


def seconds_left(
    stint: Stint, progress: float, now: float, longest: float | None = None
) -> tuple[float, bool]:
    """Seconds that a running run still takes, and whether they are known or only assumed.

    Args:
        stint: of the run.
        progress: share done, 0-1.
        now: seconds since 1970.
        longest: seconds after which a run is ended; None without a limit.
    """
    gone = max(0.0, now - stint.started)
    if progress >= _TRUSTED and gone > 0:
        left, known = gone * (1 - min(progress, 1.0)) / progress, True
    elif stint.known and stint.seconds > gone:
        left, known = stint.seconds - gone, True
    else:
        left, known = max(stint.seconds - gone, _LEAST), False
    return (left if longest is None else min(left, max(0.0, longest - gone))), known


def forecast(lane: Lane, now: float, window: float) -> list[Turn]:
    """All waiting runs of a lane in the order of their turns.

    Those that wait for their owners' GPU minutes come last. When they start is not known, nor is it
    for any run after the end of one whose duration is only assumed, nor for those of a queue that
    is too long to be played forward to its end.

    Args:
        lane: what runs and waits.
        now: seconds since 1970.
        window: of the fair share, in seconds.
    """
    course = _Course(lane, now, window)
    turns: list[Turn] = []
    while (found := course.next()) is not None:
        run, starts = found
        turns.append(Turn(run, len(turns) + 1, starts))
    for run in course.left():
        turns.append(Turn(run, len(turns) + 1, None))
    return turns


class _Course:
    """A lane played forward."""

    def __init__(self, lane: Lane, now: float, window: float) -> None:
        self._lane, self._now, self._window = lane, now, window
        self._queues = by_owner(lane.queued)
        self._stints = {owner: list(stints) for owner, stints in lane.stints.items()}
        self._sure, self._compared = True, 0
        noted = {one.run: one for own in lane.stints.values() for one in own if one.ended is None}
        self._ends: list[tuple[float, str, str, bool]] = []  # when, run, owner, known
        for one in lane.running:
            stint = noted.get(one.run) or Stint(one.run, one.owner, one.started)
            left, known = seconds_left(stint, one.progress, now, lane.longest)
            heapq.heappush(self._ends, (now + left, one.run, one.owner, known))

    def next(self) -> tuple[Queued, float | None] | None:
        """The next run that starts, and when; None also where the rest is too long."""
        while self._queues and self._compared < _COMPARISONS:
            if len(self._ends) < self._lane.slots:
                self._compared += len(self._queues)
                run = next_run(self._queues, self._stints, self._now, self._window, self._full())
                if run is not None:
                    return run, self._start(run)
            if not self._ends:
                return None
            self._end()
        return None

    def left(self) -> list[Queued]:
        """Those that cannot start, in the order in which they would; those of a long queue, and
        then these, round by round: everybody's first, everybody's second.
        """
        waiting = [run for queue in self._queues.values() for run in queue]
        if self._compared >= _COMPARISONS:
            return [*self._rounds(waiting), *self._rounds(self._lane.barred)]
        queues, found = by_owner([*waiting, *self._lane.barred]), list[Queued]()
        while (run := next_run(queues, self._stints, self._now, self._window)) is not None:
            queues[run.owner].pop(0)
            found.append(run)
            self._compared += len(queues)
            if self._compared >= _COMPARISONS:
                rest = [run for queue in queues.values() for run in queue]
                return [*found, *self._rounds(rest)]
        return found

    def _rounds(self, runs: Iterable[Queued]) -> list[Queued]:
        queues = by_owner(runs)
        ranks = {
            owner: rank(queue, self._stints.get(owner, ()), self._now, self._window)
            for owner, queue in queues.items()
        }
        turns = [
            (place, ranks[one.owner], one) for q in queues.values() for place, one in enumerate(q)
        ]
        return [one for _, _, one in sorted(turns, key=lambda turn: turn[:2])]

    def _full(self) -> set[str]:
        count = Counter(owner for _, _, owner, _ in self._ends)
        return {owner for owner, most in self._lane.most.items() if count[owner] >= most}

    def _start(self, run: Queued) -> float | None:
        queue = self._queues[run.owner]
        queue.pop(0)
        if not queue:
            del self._queues[run.owner]
        self._stints.setdefault(run.owner, []).append(
            Stint(run.run, run.owner, self._now, None, run.seconds, run.known, run.gpus)
        )
        heapq.heappush(self._ends, (self._now + run.seconds, run.run, run.owner, run.known))
        return self._now if self._sure else None

    def _end(self) -> None:
        """Go on to the next end."""
        at, run, owner, known = heapq.heappop(self._ends)
        self._now, self._sure = max(self._now, at), self._sure and known
        self._stints[owner] = [
            Stint(one.run, owner, one.started, self._now, one.seconds, one.known, one.gpus)
            if one.run == run and one.ended is None
            else one
            for one in self._stints.get(owner, ())
        ]
