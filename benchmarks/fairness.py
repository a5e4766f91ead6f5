"""Fair share and quotas by simulation: the real dispatcher, registry and quotas on a clock that is
turned by hand, with runs that only take their time.

`PYTHONPATH=. python benchmarks/fairness.py`. Waiting times are those of fair share against first come, first
served; a second, plain computation of the same rule has to give the same times. Then somebody who
has used much waits among thirty others who always have a run waiting, and people with quotas work
for a month.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from tl_core.access.people import Claims, People
from tl_core.access.principal import ADMIN, Principal
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.database.tables import stints
from tl_core.errors import QuotaError
from tl_core.jobs.dispatch import Dispatcher
from tl_core.registry.processes import own_identity
from tl_core.registry.queue import RunWriter
from tl_core.registry.quotas import Quotas
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

    def submit(self, folder: Path) -> tuple[int, float]:
        """The dispatcher starts a worker."""
        self.jobs[folder.name].started = self.now
        self.running[folder.name] = self.now + MINUTE * self.jobs[folder.name].minutes
        return own_identity()[1:]

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


# Quotas


@dataclass
class Account:
    """What one person has really used, kept apart from the program: intervals of work."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def seconds(self, since: float, now: float) -> float:
        """Of work since a time."""
        return sum(max(0.0, min(end, now) - max(start, since)) for start, end in self.spans)


LIMITS = {"queued": 2, "running": 1, "gpu_minutes_day": 150, "gpu_minutes_month": 2000}


class Month:
    """People with quotas, who queue, kill and cancel runs at random for some days."""

    def __init__(
        self, home: Path, people: Iterable[str], days: int, tick: float, seed: int = 3
    ) -> None:
        self.start = datetime(2026, 3, 1, tzinfo=UTC)
        self.studio = Simulation(home, 2, self.start.timestamp())
        here = People(self.studio.engine, self.studio.settings)
        self.names = {here.arrive(Claims("simulation", name, name)).id: name for name in people}
        self.people, self.days, self.tick = list(self.names), days, tick
        self.chance = random.Random(seed)
        self.told = dict.fromkeys(
            ("queued", "refused for waiting runs", "refused for minutes", "ended by their quota")
            + ("killed", "cancelled"),
            0,
        )
        self.wrong: list[str] = []
        self.difference = self.over = 0.0  # seconds
        desk = Oversight(self.studio.engine, ROOT, self.studio.settings, self.studio.clock)
        for person in self.people[1:]:  # the first has the defaults, the last no limit a day
            desk.set_quota(person, "gpu_minutes_month", LIMITS["gpu_minutes_month"])
        desk.set_quota(self.people[-1], "gpu_minutes_day", 0)

    def live(self) -> None:
        """All days, with something happening every 20 minutes from 8 to 20 o'clock."""
        for day in range(self.days):
            begin = (self.start + timedelta(days=day)).timestamp()
            for slot in range(36):
                self.studio.until(begin + 8 * HOUR + 20 * MINUTE * slot, self.tick)
                self._happen()
                self._check()
            self.studio.until(begin + DAY - 1, self.tick)
            self._check()

    def _happen(self) -> None:
        for person in self.people:
            if self.chance.random() < 0.35:
                self._ask(person)
        for run_id in list(self.studio.running):
            if (fate := self.chance.random()) < 0.03:
                self.studio.end(run_id, "killed")
                self.told["killed"] += 1
            elif fate < 0.05:
                self.studio.store(self.studio.jobs[run_id].owner).cancel(run_id)
                self.told["cancelled"] += 1
        self.studio.turn()

    def _ask(self, person: str) -> None:
        """Queue a run, and judge whether it was rightly taken or refused."""
        budget = self.chance.choice([10, 20, 40, 60])
        waiting, fits = self._waiting(person), self._fits(person, MINUTE * budget)
        rightly = "queued" if fits and waiting < LIMITS["queued"] else "refused for minutes"
        rightly = "refused for waiting runs" if waiting >= LIMITS["queued"] else rightly
        try:
            self.studio.queue(person, budget * self.chance.uniform(0.5, 1.3), budget)
            done = "queued"
        except QuotaError as error:
            many = error.what.startswith("Too many")
            done = "refused for waiting runs" if many else "refused for minutes"
        self.told[done] += 1
        if done != rightly:
            self.wrong.append(f"{person} at {self.studio.now}: {done}, not {rightly}")

    def _mine(self, person: str) -> list[Job]:
        return [job for job in self.studio.jobs.values() if job.owner == person]

    def _waiting(self, person: str) -> int:
        return sum(job.started is None and job.ended is None for job in self._mine(person))

    def _account(self, person: str) -> Account:
        own = [job for job in self._mine(person) if job.started is not None]
        return Account([(job.started or 0.0, job.ended or self.studio.now) for job in own])

    def _limits(self, person: str) -> dict[str, tuple[float, float]]:
        """The seconds that a person may use, and from when on they count."""
        now = datetime.fromtimestamp(self.studio.now, UTC)
        day = now.replace(hour=0, minute=0, second=0)
        found = {"month": (MINUTE * LIMITS["gpu_minutes_month"], day.replace(day=1).timestamp())}
        if person != self.people[-1]:
            found["day"] = MINUTE * LIMITS["gpu_minutes_day"], day.timestamp()
        return found

    def _fits(self, person: str, seconds: float) -> bool:
        now, held = self.studio.now, 0.0
        for job in self._mine(person):
            if job.ended is None:
                gone = 0.0 if job.started is None else now - job.started
                held += max(0.0, MINUTE * job.expected - gone)
        return all(
            self._account(person).seconds(since, now) + held + seconds <= most
            for most, since in self._limits(person).values()
        )

    def _check(self) -> None:
        """The program's figures against the accounts."""
        studio, now = self.studio, self.studio.now
        settings = Settings(home=str(studio.home), quotas=DEFAULTS)
        quotas = Quotas(studio.engine, settings, studio.clock)
        for person in self.people:
            running = [job for job in self._mine(person) if job.id in studio.running]
            if len(running) > LIMITS["running"]:
                self.wrong.append(f"{person} at {now}: {len(running)} run")
            standing = {one.name: one for one in quotas.standing(person)}
            for of, (most, since) in self._limits(person).items():
                used = self._account(person).seconds(since, now)
                said = MINUTE * (standing[f"gpu_minutes_{of}"].used or 0.0)
                self.difference = max(self.difference, abs(said - used))
                self.over = max(self.over, used - most)

    def result(self) -> dict[str, object]:
        """What happened, and how exact it was."""
        studio = self.studio
        reasons = [run.reason or {} for one in self.people for run in studio.store(one).list()]
        self.told["ended by their quota"] = sum(one.get("code") == "quota" for one in reasons)
        return {
            "people": len(self.people),
            "days": self.days,
            "limits": LIMITS,
            **self.told,
            "GPU minutes used": {
                name: round(self._account(person).seconds(0.0, studio.now) / MINUTE, 1)
                for person, name in self.names.items()
            },
            "wrong decisions": len(self.wrong),
            "largest difference of a figure in seconds": round(self.difference, 6),
            "most above a limit in seconds": round(self.over, 3),
            "seconds between two looks at what runs": self.tick,
        }


DEFAULTS = ",".join(f"{name}={value}" for name, value in LIMITS.items())


def main() -> None:
    """All three, on a registry of their own each."""
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
        os.environ["TL_QUOTAS"] = DEFAULTS
        month = Month(root / "month", ["ann", "bob", "cara", "dan", "eve"], 31, MINUTE)
        month.live()
        write_result(
            "fairness",
            {
                "waiting times in minutes": afternoons,
                "somebody who has used 20 of 24 hours": heavy,
                "a month with quotas": month.result(),
            },
        )


if __name__ == "__main__":
    main()
