"""Fair share by simulation: the real dispatcher and registry on a clock that is turned by hand,
with runs that only take their time; quota_month.py is about quotas.

`PYTHONPATH=. python benchmarks/fairness.py`. Waiting times are those of fair share against first
come, first served; a second, plain computation of the same rule has to give the same times. Then
somebody who has used much waits among thirty others who always have a run waiting.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from tl_core.access.principal import ADMIN, Principal
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.database.tables import stints
from tl_core.jobs.dispatch import Dispatcher
from tl_core.jobs.executors import executor_contract as executors
from tl_core.jobs.executors.executor_contract import Needs
from tl_core.registry.processes import own_identity
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.settings import Settings

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
START = datetime(2026, 3, 1, 9, tzinfo=UTC).timestamp()
NOBODY = 2**30  # an id that no process has
ROOT = Principal("root", "root", "Root", ADMIN)


@dataclass
class Job:
    """A run of the simulation: whose, for how long it works, and when what happened to it."""

    owner: str
    minutes: float
    queued: float
    id: str = ""
    started: float | None = None
    ended: float | None = None
    expected: float = 0.0  # minutes that the registry expects

    @property
    def waited(self) -> float:
        """Minutes in the queue."""
        assert self.started is not None
        return (self.started - self.queued) / MINUTE


class Simulation:
    """A server on a clock of its own, whose workers are entries in a table."""

    name = "local"

    def __init__(self, home: Path, gpus: int, start: float = START) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.now, self.home, self.gpus = start, home, gpus
        self.settings = Settings(home=str(home))
        self.engine = open_database(self.settings)
        self.writer = RunWriter(self.engine, self.clock)
        self.dispatcher = Dispatcher(
            self.engine, home, self, {"train": gpus, "light": 1}, self.clock
        )
        self.jobs: dict[str, Job] = {}
        self.running: dict[str, float] = {}  # when each will have done its work

    def clock(self) -> float:
        return self.now

    def submit(self, folder: Path, needs: Needs) -> executors.Job:
        """The dispatcher starts a worker."""
        self.jobs[folder.name].started = self.now
        self.running[folder.name] = self.now + MINUTE * self.jobs[folder.name].minutes
        return executors.Job(needs.run, own_identity()[1:])

    def prepare(self) -> None:
        """Nothing stands by."""

    def close(self) -> None:
        """Nothing was prepared."""

    def store(self, owner: str) -> RunStore:
        return RunStore(self.engine, owner, self.home, self.clock)

    def queue(self, owner: str, minutes: float, budget: float | None = None) -> Job:
        """Somebody starts a training, an automatic search where it has a budget."""
        recipe, options = ("probe", {}) if budget is None else ("auto", {"budget_minutes": budget})
        backbone = "" if recipe == "auto" else "starter:text"
        run = self.store(owner).create(
            RunConfig("train", owner, "d@1", "", backbone, recipe, options)
        )
        self.jobs[run.id] = job = Job(owner, minutes, self.now, run.id)
        with self.engine.connect() as connection:
            held = connection.execute(select(stints.c.held).where(stints.c.run == run.id)).scalar()
        job.expected = float(held or 0.0) / MINUTE
        return job

    def turn(self) -> None:
        """What is done ends, the dispatcher turns, and workers hear what it asks."""
        for run_id, end in list(self.running.items()):
            if end <= self.now:
                self.end(run_id, "done")
        self.dispatcher.turn()
        for run_id, end in list(self.running.items()):
            job = self.jobs[run_id]
            left = (end - self.now) / (MINUTE * job.minutes)
            wish = self.writer.beat(run_id, 1 - left)
            if wish:
                self.end(run_id, "cancelled" if wish == "cancel" else "done")
        if len(self.running) < self.gpus:
            self.dispatcher.turn()

    def end(self, run_id: str, status: str) -> None:
        """A worker ends; `killed` leaves its row to whoever looks next."""
        del self.running[run_id]
        self.jobs[run_id].ended = self.now
        if status == "killed":
            self.writer.hand_over(run_id, NOBODY, 1.0)
        else:
            self.writer.finish(run_id, status)

    def until(self, time: float, tick: float = DAY) -> None:
        """Let time pass, in steps of `tick` seconds at most while anything runs."""
        self.turn()
        while self.now < time:
            step = [end for end in self.running.values() if end > self.now]
            self.now = min([time, *([self.now + tick, *step] if step else [])])
            self.turn()


# Waiting times


def first_come(jobs: Sequence[Job], gpus: int) -> list[float]:
    """Minutes that each would wait, first come, first served."""
    free = [0.0] * gpus
    waits = []
    for job in jobs:  # in the order of their coming
        free.sort()
        start = max(free[0], job.queued)
        free[0] = start + MINUTE * job.minutes
        waits.append((start - job.queued) / MINUTE)
    return waits


def plainly(jobs: Sequence[Job], gpus: int, window: int = 1440) -> list[float]:
    """The same rule of fair share minute by minute, without any of the program's own code: who has
    used fewest minutes of the last day goes first, a running run counting with what is expected of
    it if that is more; else who has waited longer since their last run.
    """
    begin = min(job.queued for job in jobs)
    coming = [round((job.queued - begin) / MINUTE) for job in jobs]
    started: dict[int, int] = {}
    minute = 0

    def ended(number: int) -> bool:
        return number in started and started[number] + jobs[number].minutes <= minute

    while len(started) < len(jobs):
        while sum(not ended(number) for number in started) < gpus:
            owners: dict[str, tuple[float, float, int]] = {}
            for number, job in enumerate(jobs):
                if number in started or coming[number] > minute or job.owner in owners:
                    continue
                used, last = 0.0, coming[number]
                for other, start in started.items():
                    if jobs[other].owner != job.owner:
                        continue
                    length = int(jobs[other].minutes)
                    worked = sum(
                        minute - window <= at < minute for at in range(start, start + length)
                    )
                    over = ended(other)
                    used += worked if over else max(worked, jobs[other].expected)
                    last = max(last, start + length if over else minute)
                owners[job.owner] = used, last, number
            if not owners:
                break
            started[min(owners.values())[2]] = minute
        minute += 1
    return [float(started[number] - coming[number]) for number in range(len(jobs))]


@dataclass(frozen=True)
class Afternoon:
    """People who queue runs: name, how many, when (minutes), how long each takes at least and at
    most (minutes).
    """

    gpus: int
    people: Sequence[tuple[str, int, int, int, int]]
    seed: int = 0


ALL_AT_ONCE = (("ann", 32, 0, 30, 30), ("bob", 2, 0, 30, 30), ("cara", 3, 0, 30, 30))
AFTERNOONS = {
    "one GPU, all at once, 30 minutes each": Afternoon(1, ALL_AT_ONCE),
    "two GPUs, all at once, 30 minutes each": Afternoon(2, ALL_AT_ONCE),
    "two GPUs, others come later, 5 to 60 minutes each": Afternoon(
        2, (("ann", 32, 0, 5, 60), ("bob", 2, 60, 5, 60), ("cara", 3, 90, 5, 60)), 7
    ),
}


def spend(afternoon: Afternoon, home: Path) -> list[Job]:
    """All runs of an afternoon, done, in the order of their coming."""
    studio, chance = Simulation(home, afternoon.gpus), random.Random(afternoon.seed)
    for owner, count, after, least, most in afternoon.people:
        if studio.now < START + MINUTE * after:
            studio.until(START + MINUTE * after)
        for _ in range(count):
            studio.queue(owner, chance.randint(least, most))
    while any(job.ended is None for job in studio.jobs.values()):
        studio.until(studio.now + HOUR)
    return list(studio.jobs.values())


def told(jobs: Sequence[Job], waits: Sequence[float]) -> dict[str, dict[str, float]]:
    """Mean and longest wait of each person, in minutes."""
    found = {}
    for owner in dict.fromkeys(job.owner for job in jobs):
        own = [wait for job, wait in zip(jobs, waits, strict=True) if job.owner == owner]
        found[owner] = {"mean": round(sum(own) / len(own), 1), "longest": round(max(own), 1)}
    return found


def compare(afternoon: Afternoon, home: Path) -> dict[str, object]:
    """Fair share against first come, first served, and against the plain computation."""
    jobs = spend(afternoon, home)
    fair, plain = [job.waited for job in jobs], plainly(jobs, afternoon.gpus)
    return {
        "fair share": told(jobs, fair),
        "first come, first served": told(jobs, first_come(jobs, afternoon.gpus)),
        "largest difference to the plain computation": max(
            abs(one - other) for one, other in zip(fair, plain, strict=True)
        ),
    }


# Starvation


def wait_of_the_heavy(home: Path, others: int, priority: int = 0) -> dict[str, float]:
    """How long somebody waits who has just used 20 of 24 hours of the only GPU, among others who
    always have a run of 30 minutes waiting, with that priority.
    """
    studio = Simulation(home, 1)
    desk = Oversight(studio.engine, ROOT, studio.settings, studio.clock)
    studio.queue("zoe", 20 * 60)
    studio.until(START + 20 * HOUR + MINUTE)
    names = [f"p{number}" for number in range(others)]

    def one_more(name: str) -> None:
        desk.prioritise(studio.queue(name, 30).id, priority)

    for name in names:
        one_more(name)
    own = studio.queue("zoe", 30)
    while own.started is None:
        studio.until(studio.now + 30 * MINUTE)
        waiting = {job.owner for job in studio.jobs.values() if job.started is None}
        for name in names:
            if name not in waiting:
                one_more(name)
    # after (priority + 1) windows, each of the others goes first once more at most
    bound = 24 * (priority + 1) + 0.5 * (others + 1)
    return {"hours waited": round(own.waited / 60, 2), "bound in hours": bound}


def main() -> None:
    """Both, on a registry of their own each."""
    from common import write_result

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["TL_HOME"] = str(root)
        afternoons = {
            name: compare(one, root / str(number))
            for number, (name, one) in enumerate(AFTERNOONS.items())
        }
        heavy = {
            "others with equal priority": wait_of_the_heavy(root / "equal", 30),
            "others with higher priority": wait_of_the_heavy(root / "higher", 30, 1),
        }
        write_result(
            "fairness",
            {
                "waiting times in minutes": afternoons,
                "somebody who has used 20 of 24 hours": heavy,
            },
        )


if __name__ == "__main__":
    main()
