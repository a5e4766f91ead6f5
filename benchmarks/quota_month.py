"""A month of quotas by simulation: people queue at random against limits, and plain accounts kept
beside have to agree with the ledger.

`PYTHONPATH=. python benchmarks/quota_month.py`.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.fairness import DAY, HOUR, MINUTE, ROOT, Job, Simulation
from tl_core.access.people import Claims, People
from tl_core.errors import QuotaError
from tl_core.registry.quotas import Quotas
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.settings import Settings


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
    """Five people, 31 days, a look of the dispatcher each minute."""
    from common import write_result

    with tempfile.TemporaryDirectory() as folder:
        os.environ["TL_HOME"] = folder
        os.environ["TL_QUOTAS"] = DEFAULTS
        month = Month(Path(folder) / "month", ["ann", "bob", "cara", "dan", "eve"], 31, MINUTE)
        month.live()
        write_result("quota_month", {"a month with quotas": month.result()})


if __name__ == "__main__":
    main()
