"""Random faults while runs are going: is one lost, done twice, or stuck, and how long does the
studio take to work again?

`python benchmarks/faults.py [FAULTS] [--seed N]` (200 as a rule). Faults come in batches of 20,
each on a fresh studio, in turn with a PostgreSQL of its own and a dispatcher that is a service, and
with SQLite and a dispatcher that the server starts. Batches that are done are kept in the results
and not repeated, so a campaign that was stopped goes on. All faults are real but one: the clock is
that of the processes (`time.time`), not the machine's. Where no small disk can be mounted (that
needs root), none is filled.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil
from common import RESULTS, machine, write_result
from fault_kind import STEPS, steps_of
from fault_world import World, until, world
from sqlalchemy.exc import SQLAlchemyError

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.errors import UserError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.run import ACTIVE, Run
from tl_core.services.datasets import add_dataset

Answer = TypeVar("Answer")
BATCH = 20
_REPAIR_SECONDS = 120.0  # what is not repaired by then counts as stuck
_DRAIN_SECONDS = 240.0
_ALIVE = 3  # runs that are active when a fault comes
_TRAINING_EVERY = 6  # of so many runs one is a real training
_RESUMABLE = ("interrupted", "disk", "database", "start")  # codes that a fault may leave behind


@dataclass
class Fault:
    """One fault and what came of it.

    Args:
        kind: see `faults_of`.
        seconds: how long it stood, or, of the clock, by how much it was set.
        repaired: seconds from its beginning until the studio worked again; None where it did not.
        resumed: runs that somebody had to resume.
    """

    kind: str
    seconds: float = 0.0
    repaired: float | None = None
    resumed: int = 0


@dataclass
class Batch:
    """What a batch of faults has shown."""

    seed: int
    database: str
    faults: list[Fault] = field(default_factory=list)
    runs: int = 0
    trainings: int = 0
    violations: list[str] = field(default_factory=list)


Doing = AbstractContextManager[float]


def faults_of(studio: World) -> dict[str, Callable[[random.Random], Doing]]:
    """The faults that this machine can do to a studio; each gives how long it stands."""
    kinds = {
        "server killed": lambda _: at_once(studio.app.kill),
        "worker killed": lambda chance: at_once(lambda: kill_worker(studio, chance)),
        "dispatcher killed": lambda _: at_once(lambda: kill_dispatcher(studio)),
        "all processes killed": lambda _: at_once(lambda: kill_all(studio)),
        "clock set": lambda chance: set_clock(studio, chance),
    }
    if studio.small_disk:
        kinds["disk full"] = lambda chance: lasting(studio.full_disk, chance)
    if (cluster := studio.cluster) and (wire := studio.wire):
        kinds |= {
            "database restarted": lambda chance: restart(
                lambda: cluster.stop(chance.choice(["fast", "immediate"])), cluster.start
            ),
            "database killed": lambda _: restart(cluster.kill, cluster.start),
            "network cut": lambda chance: lasting(lambda: between(wire.cut, wire.mend), chance),
            "network silent": lambda chance: lasting(
                lambda: between(wire.hold, wire.release), chance
            ),
        }
    return kinds


@contextmanager
def at_once(step: Callable[[], None]) -> Iterator[float]:
    step()
    yield 0.0


@contextmanager
def between(begin: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    begin()
    try:
        yield
    finally:
        end()


@contextmanager
def lasting(
    fault: Callable[[], AbstractContextManager[None]], chance: random.Random
) -> Iterator[float]:
    seconds = chance.uniform(1.0, 8.0)
    with fault():
        time.sleep(seconds)
    yield seconds


@contextmanager
def restart(stop: Callable[[], None], start: Callable[[], None]) -> Iterator[float]:
    began = time.monotonic()
    stop()
    start()
    yield time.monotonic() - began


@contextmanager
def set_clock(studio: World, chance: random.Random) -> Iterator[float]:
    """Forward or back by seconds to days; it stays so."""
    by = chance.choice([-1, 1]) * 10 ** chance.uniform(1.0, 5.0)
    studio.set_clock(by)
    yield by


def kill_worker(studio: World, chance: random.Random) -> None:
    """A worker of a random run; the one that stands by where nothing runs."""
    found = [one for one in studio.processes() if "tl_core.jobs.worker" in " ".join(named(one))]
    at_work = [one for one in found if "--standby" not in named(one)] or found
    for process in chance.sample(at_work, min(1, len(at_work))):
        kill(process)


def kill_dispatcher(studio: World) -> None:
    for process in studio.processes():
        if "tl_core.jobs.dispatch" in named(process):
            kill(process)


def kill_all(studio: World) -> None:
    """As when the machine loses its power, but for the database."""
    for process in studio.processes():
        kill(process)


def named(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return


class Person:
    """Starts runs and resumes what a fault has ended, and asks again where the studio is away."""

    def __init__(self, studio: World, batch: Batch) -> None:
        self._studio, self._batch = studio, batch
        self.mine: dict[str, str] = {}  # run by draft
        self._data: tuple[str, str] | None = None

    def bring_data(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "mail.csv"
            with table.open("w", newline="") as target:
                rows = [
                    [f"the {n}th note on {'sun' if n % 2 else 'rain'}", n % 2] for n in range(90)
                ]
                csv.writer(target).writerows([["text", "label"], *rows])
            studio = self._studio
            store = DatasetStore(studio.engine, "local", studio.home)
            record, _, _ = add_dataset(store, studio.settings, str(table), "mail", ImportOptions())
        self._data = (record.reference, str(record.folder))

    def start(self, *, training: bool) -> None:
        """One more run. The same draft is sent until it is answered, as a page does."""
        draft = f"{self._batch.seed}-{len(self.mine)}"
        if training and self._data:
            reference, folder = self._data
            config = RunConfig(
                "train", "local", reference, folder, "starter:text", "probe", {"baseline": False}
            )
        else:
            config = RunConfig("steps", "local", "d@1", "", "", options={"steps": STEPS})
        run = patiently(lambda: self._studio.runs.create(config, draft))
        self.mine[draft] = run.id
        self._batch.runs += 1
        self._batch.trainings += training

    def runs(self) -> list[Run]:
        return patiently(lambda: [self._studio.runs.get(one) for one in self.mine.values()])

    def active(self) -> list[Run]:
        return [run for run in self.runs() if run.status in ACTIVE]

    def top_up(self) -> None:
        while len(self.active()) < _ALIVE:
            turn = len(self.mine) % _TRAINING_EVERY == _TRAINING_EVERY - 1
            self.start(training=turn and self._data is not None)

    def resume(self) -> int:
        """Resume what has ended without being done; gives how many. An end that no fault explains
        is a violation.
        """
        count = 0
        for run in self.runs():
            if run.status in (*ACTIVE, "done"):
                continue
            code = (run.reason or {}).get("code", "")
            if code not in _RESUMABLE:
                self._batch.violations.append(f"{run.kind} {run.status}: {run.reason}")
            patiently(lambda run=run: self._studio.runs.resume(run.id))
            count += 1
        return count


def patiently(step: Callable[[], Answer]) -> Answer:
    """What a person does: once more where it did not work, for a minute."""
    end = time.monotonic() + 60
    while True:
        try:
            return step()
        except (SQLAlchemyError, UserError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def works(studio: World, person: Person) -> bool:
    """Whether the pages answer, somebody turns the queue where there is one, and what runs has a
    living process (a reader marks what has none).
    """
    if not studio.answers():
        return False
    try:
        active = person.active()
        return bool(studio.dispatcher() or not active) and (
            not active or any(run.status == "running" for run in active)
        )
    except SQLAlchemyError:
        return False


def suffer(studio: World, person: Person, fault: Fault, chance: random.Random) -> None:
    """One fault at a random moment, until the studio works again and its runs have been resumed."""
    person.top_up()
    time.sleep(chance.uniform(0.0, 4.0))
    began = time.monotonic()
    with faults_of(studio)[fault.kind](chance) as seconds:
        fault.seconds = round(seconds, 1)
    if until(lambda: works(studio, person), _REPAIR_SECONDS) is not None:
        fault.repaired = round(time.monotonic() - began, 1)
    fault.resumed = person.resume()


def judge(studio: World, person: Person, batch: Batch) -> None:
    """Let everything end; what is lost, done twice or stuck is a violation."""

    def ended() -> bool:
        person.resume()
        return not person.active()

    if until(ended, _DRAIN_SECONDS) is None:
        batch.violations += [f"stuck: {run.kind} {run.status}" for run in person.active()]
    runs = person.runs()
    batch.violations += [f"not done: {run.kind}" for run in runs if run.status != "done"]
    for run in runs:
        if run.kind == "steps" and steps_of(run.folder) != list(range(STEPS)):
            batch.violations.append(f"steps done: {steps_of(run.folder)}")
    scores = Counter(
        json.dumps((run.summary or {}).get("accuracy")) for run in runs if run.kind == "train"
    )
    if len(scores) > 1:  # the first of them ran undisturbed
        batch.violations.append(f"trainings differ: {dict(scores)}")
    known = patiently(lambda: {run.id for run in studio.runs.list()})
    if known != set(person.mine.values()):
        batch.violations.append(f"{len(known)} runs of {len(person.mine)} that were started")


def run_batch(seed: int, count: int, *, postgres: bool, trainings: bool = True) -> Batch:
    """A fresh studio and its faults; the same seed draws the same ones. Without trainings the runs
    are steps alone.
    """
    batch, chance = Batch(seed, "PostgreSQL" if postgres else "SQLite"), random.Random(seed)
    with world(postgres=postgres) as studio:
        person = Person(studio, batch)
        if trainings:
            person.bring_data()
            person.start(training=True)
            until(lambda: not person.active(), 120)
        kinds = sorted(faults_of(studio))
        order = [kinds[n % len(kinds)] for n in range(count)]  # each kind as often
        chance.shuffle(order)
        for kind in order:
            fault = Fault(kind)
            suffer(studio, person, fault, chance)
            batch.faults.append(fault)
            print(batch.database, fault, file=sys.stderr, flush=True)
            if fault.repaired is None:
                batch.violations.append(f"not repaired: {fault.kind}")
        judge(studio, person, batch)
    return batch


def summary(batches: list[Batch]) -> dict[str, object]:
    """Figures over all faults, and by kind."""
    faults = [fault for batch in batches for fault in batch.faults]
    seconds = [fault.repaired for fault in faults if fault.repaired is not None]
    kinds = sorted({fault.kind for fault in faults})
    return {
        "machine": machine(),
        "faults": len(faults),
        "runs": sum(batch.runs for batch in batches),
        "of them real trainings": sum(batch.trainings for batch in batches),
        "violations": [text for batch in batches for text in batch.violations],
        "repaired_median_s": round(statistics.median(seconds), 1),
        "repaired_longest_s": max(seconds),
        "resumed by a person": sum(fault.resumed for fault in faults),
        "by_kind": {
            kind: {
                "faults": len(own := [fault for fault in faults if fault.kind == kind]),
                "repaired_median_s": round(
                    statistics.median(fault.repaired or _REPAIR_SECONDS for fault in own), 1
                ),
            }
            for kind in kinds
        },
    }


def main(count: int, seed: int) -> None:
    """Do the batches that are missing."""
    kept = RESULTS / "faults.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    done = {content["seed"]: content for content in map(json.loads, lines)}
    for number in range(-(-count // BATCH)):
        own = 1000 * seed + number
        if own in done:
            continue
        batch = run_batch(own, BATCH, postgres=number % 2 == 0)
        done[own] = asdict(batch)
        with kept.open("a") as target:
            target.write(json.dumps(done[own]) + "\n")
    batches = [
        Batch(**{**content, "faults": [Fault(**one) for one in content["faults"]]})
        for content in done.values()
    ]
    write_result("faults", summary(batches))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    main(given.faults, given.seed)
