"""A registry on a clock that stands still until it is turned, and people who queue runs in it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert, select

from tl_core.access.principal import ADMIN, MEMBER, Principal
from tl_core.config import RunConfig
from tl_core.database.tables import stints, users
from tl_core.registry.queue import RunWriter
from tl_core.registry.quotas import Quotas
from tl_core.registry.runs import RunStore
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.settings import read_settings

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
ROOT = Principal("root", "root", "Root", ADMIN)


class TurnedClock:
    """Gives seconds since 1970, as `time.time` does."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now

    def go(self, minutes):
        self.now += MINUTE * minutes


class Office:
    """Whoever queues a run is there; `hire` gives somebody a row among the users."""

    def __init__(self, engine, home):
        self.engine, self.home, self.clock = engine, home, TurnedClock()
        self.writer = RunWriter(engine, self.clock)

    def hire(self, *names):
        """People whose id is their name, and whose handle begins with h-."""
        with self.engine.begin() as connection:
            for name in names:
                about = {"issuer": "x", "subject": name, "handle": f"h-{name}", "name": name}
                values = {**about, "id": name, "role": MEMBER, "created": 0, "seen": 0}
                connection.execute(insert(users).values(**values))

    def store(self, who):
        return RunStore(self.engine, who, self.home, self.clock)

    def quotas(self):
        return Quotas(self.engine, read_settings(), self.clock)

    def desk(self, who=ROOT):
        return Oversight(self.engine, who, read_settings(), self.clock)

    def queue(self, who, minutes=1.0, kind="train", recipe="probe", **options):
        """Somebody queues a run, and some minutes pass."""
        backbone = "" if recipe == "auto" else "starter:text"
        run = self.store(who).create(RunConfig(kind, who, "d@1", "", backbone, recipe, options))
        self.clock.go(minutes)
        return run.id

    def search(self, who, budget, minutes=0.0):
        """A run of which it is known how many minutes it takes."""
        return self.queue(who, minutes, recipe="auto", budget_minutes=float(budget))

    def next(self, lane="train"):
        claimed = self.writer.claim_next(lane)
        return claimed and claimed[0]

    def work(self, who, minutes):
        """Somebody has a slot for some minutes."""
        run = self.queue(who, 0)
        assert self.next() == run
        self.clock.go(minutes)
        self.writer.finish(run, "done")
        return run

    def ledger(self, run):
        """When each stint of a run began and ended."""
        query = select(stints).where(stints.c.run == run).order_by(stints.c.id)
        with self.engine.connect() as connection:
            return [(row.started, row.ended) for row in connection.execute(query).all()]
