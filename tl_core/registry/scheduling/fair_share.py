"""Whose run is next: who has used least of a lane in the last hours, and nobody waits for ever.

Pure functions of rows and of a time. The order between people, each represented by the first of
their waiting runs:

1. the higher level: the run's priority, and one more for each whole window that its owner has
   waited with nothing of theirs running;
2. who has used less of the lane in the window; a running run counts from its start on with what it
   is expected to take, or with what it has taken, whichever is more, so that one person does not
   get all free slots at once;
3. who has waited longer.

Nobody starves. What somebody has used leaves the window while they wait. And against any flood of
runs with higher priorities: let `p` be a person's priority and `P` the highest one. After waiting
`(P - p + 1)` windows they are above everybody whose wait began later by so much, and a person's
wait begins anew whenever one of their runs ends. From then on each of the others who waited already
goes before them at most once, and nobody who comes later does.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

Rank = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Queued:
    """A run that waits.

    Args:
        run: its id.
        owner: whose it is.
        queued: since when, in seconds since 1970.
        priority: as administrators set it; higher goes first.
        seconds: that it is expected, or allowed, to take.
        known: whether these are expected from experience.
        gpus: how many it takes.
    """

    run: str
    owner: str
    queued: float
    priority: int = 0
    seconds: float = 0.0
    known: bool = False
    gpus: int = 1


@dataclass(frozen=True, slots=True)
class Stint:
    """A time for which a run had a slot.

    Args:
        run: its id.
        owner: whose use it counts as.
        started: seconds since 1970.
        ended: the same; None while it runs.
        seconds: that it was expected, or allowed, to take.
        known: whether these were expected from experience.
        gpus: how many it had.
    """

    run: str
    owner: str
    started: float
    ended: float | None = None
    seconds: float = 0.0
    known: bool = False
    gpus: int = 1


Stints = Mapping[str, Sequence[Stint]]
"""Stints by owner: all that run, and those that ended within the window or since anybody waits."""


def used(stints: Iterable[Stint], now: float, window: float) -> float:
    """Seconds of GPUs that one person's stints count for, over the last `window` seconds."""
    since, total = now - window, 0.0
    for stint in stints:
        if stint.ended is None:
            seconds = max(min(now - stint.started, window), stint.seconds)
        else:
            seconds = max(0.0, min(stint.ended, now) - max(stint.started, since))
        total += stint.gpus * seconds
    return total


def in_order(queue: Iterable[Queued]) -> list[Queued]:
    """One person's runs as they take their turns: by priority, then the oldest first; those of one
    moment as they are given.
    """
    return sorted(queue, key=lambda run: (-run.priority, run.queued))


def rank(queue: Sequence[Queued], stints: Sequence[Stint], now: float, window: float) -> Rank:
    """Where one person stands among those who wait; the lowest is next.

    Args:
        queue: their waiting runs, in order.
        stints: theirs, see `Stints`.
        now: seconds since 1970.
        window: seconds.
    """
    served = max((now if one.ended is None else one.ended for one in stints), default=-math.inf)
    since = max(min(run.queued for run in queue), served)
    level = queue[0].priority + math.floor(max(0.0, now - since) / window)
    return -level, used(stints, now, window), since, queue[0].queued


def next_run(
    queues: Mapping[str, Sequence[Queued]],
    stints: Stints,
    now: float,
    window: float,
    closed: Container[str] = (),
) -> Queued | None:
    """The run that is next; None when nobody's may start. Among equals it is whose queue is given
    first.

    Args:
        queues: by owner, each in order.
        stints: by owner.
        now: seconds since 1970.
        window: seconds.
        closed: who may start nothing now.
    """
    open_ = [owner for owner, queue in queues.items() if queue and owner not in closed]
    if len(open_) > 1:
        ranks = {owner: rank(queues[owner], stints.get(owner, ()), now, window) for owner in open_}
        return queues[min(open_, key=ranks.__getitem__)][0]
    return queues[open_[0]][0] if open_ else None


def by_owner(queue: Iterable[Queued]) -> dict[str, list[Queued]]:
    """Waiting runs of several people by owner, each in order."""
    found: dict[str, list[Queued]] = {}
    for run in queue:
        found.setdefault(run.owner, []).append(run)
    return {owner: in_order(runs) for owner, runs in found.items()}
