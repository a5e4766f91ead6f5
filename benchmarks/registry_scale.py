"""What the registry takes when it is large: `PYTHONPATH=. python benchmarks/registry_scale.py
[--runs N] [--waiting N] [--people N] [--url URL] [--label WORD]`.

A database is filled by bulk SQL: finished runs with their stints, dataset versions, people, runs
that wait. Then each call of the stores is made some times as its caller makes it; the figures are
milliseconds. A call that takes longer than a limit is broken off and named. They are kept by
database, size and label (`before`, `after`), so that what a change was worth stands side by side.
Measured as well: the slope of reading event files, and of the forecast of a long queue.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from common import RESULTS, machine
from registry_filled import PERSON, Size, fill

from tl_core.access.principal import ADMIN, MEMBER, Principal
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs.events import RunView
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.holdings import holdings
from tl_core.registry.queue import RunWriter, is_busy, mark_dead, sweep
from tl_core.registry.quotas import Quotas
from tl_core.registry.runs import RunStore
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.registry.scheduling.run_times import end_overdue
from tl_core.registry.trash import expired
from tl_core.settings import Settings

OUT = RESULTS / "registry_scale.json"
TIMES, LIMIT_SECONDS, ENOUGH_SECONDS = 20, 10.0, 3.0
FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
Call = Callable[[int], object]


class _TooLong(Exception):
    pass


def _ring(_signal: int, _frame: object) -> None:
    raise _TooLong


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Breaks off what takes longer; a query of a database ends first."""
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def timed(call: Call) -> dict[str, object]:
    """Median and 95th percentile of some calls, in milliseconds; the first, which fills caches, is
    not counted.
    """
    taken, begun = [], time.perf_counter()
    try:
        with limited(LIMIT_SECONDS):
            call(0)
        for number in range(1, TIMES + 1):
            with limited(LIMIT_SECONDS):
                started = time.perf_counter()
                call(number)
                taken.append(1000 * (time.perf_counter() - started))
            if time.perf_counter() - begun > ENOUGH_SECONDS:
                break
    except _TooLong:
        return {"over_ms": 1000 * LIMIT_SECONDS}
    except Exception as error:  # noqa: BLE001 - the others are still measured
        return {"failed": f"{type(error).__name__}: {str(error)[:200]}"}
    taken.sort()
    at = min(len(taken) - 1, round(0.95 * len(taken)))
    median = round(statistics.median(taken), 2)
    return {"median_ms": median, "p95_ms": round(taken[at], 2), "calls": len(taken)}


def calls(settings: Settings, size: Size) -> dict[str, Call]:
    """Each call of the stores as its caller makes it, by what it is."""
    return {**of_people(settings, size), **of_the_server(settings, size)}


def of_people(settings: Settings, size: Size) -> dict[str, Call]:
    """What pages and commands of one person ask."""
    engine, home = open_database(settings), settings.home_path
    me = Principal(PERSON, "person1", "Person", MEMBER)
    runs, data = RunStore(engine, me, home), DatasetStore(engine, me, home)
    done, waits = f"d{size.mine:09d}", f"w{size.waiting_mine:09d}"
    middle = (1_700_000_000.0 + size.runs / 2, "d")
    config = RunConfig("train", PERSON, "data1@1", "", "starter:text", "probe", {})

    def submit(number: int) -> object:
        return runs.create(config, draft=f"draft{time.time_ns()}{number}")

    def version(number: int) -> object:
        name = f"datasets/new{time.time_ns()}{number}"
        return data.add("data1", home / name, {**FACTS, "fingerprint": name[-40:]})

    return {
        "list of runs, 200 newest": lambda _: runs.list(),
        "list of runs, those that fail": lambda _: runs.list(status="failed"),
        "list of runs, active ones": lambda _: runs.list(active=True),
        "a page of runs": lambda _: runs.page(limit=50),
        "a page of runs, half way down": lambda _: runs.page(after=middle, limit=50),
        "runs of a dataset": lambda _: runs.of_dataset("data1"),
        "runs that follow one": lambda _: runs.children(done, "stress"),
        "trash of runs": lambda _: runs.trash(),
        "one finished run": lambda _: runs.get(done),
        "one waiting run": lambda _: runs.get(waits),
        "how a waiting run stands": lambda _: runs.waiting(waits),
        "note on a run": lambda number: runs.annotate(done, note=f"note {number}"),
        "start a run": submit,
        "list of datasets": lambda _: data.list(),
        "one dataset": lambda _: data.get("data1"),
        "new version": version,
        "trash of datasets": lambda _: data.trash(),
    }


def of_the_server(settings: Settings, size: Size) -> dict[str, Call]:
    """What dispatcher, workers and administrators ask."""
    engine, home = open_database(settings), settings.home_path
    root, writer = Principal("p0", "person0", "Root", ADMIN), RunWriter(engine)
    limits = Quotas(engine, replace(settings, quotas="queued=1000000,gpu_minutes_day=100000"))

    def claim(_number: int) -> None:
        claimed = writer.claim_next("train")
        if claimed:
            writer.finish(claimed[0], "done", summary={"accuracy": {"value": 0.9}})

    return {
        "dispatcher: claim and finish": claim,
        "dispatcher: mark the dead": lambda _: mark_dead(engine),
        "dispatcher: end what is overdue": lambda _: end_overdue(engine, settings, time.time),
        "dispatcher: running and waiting": lambda _: (
            writer.running("train"),
            writer.waiting(),
            writer.deaf(),
            writer.claimed(),
            is_busy(engine),
        ),
        "worker: sign of life": lambda _: writer.beat("r000000001", 0.5),
        "quotas of a person": lambda _: limits.standing(PERSON),
        "quotas used up, everybody": lambda _: _used_up(engine, limits, size),
        "administrator: whole queue": lambda _: Oversight(engine, root, settings).queue(),
        "administrator: what everybody has": lambda _: holdings(engine, root, home),
        "hourly: folders without a row": lambda _: sweep(engine, home),
        "hourly: empty the trash": lambda _: expired(engine, home, 1.0),
    }


def _used_up(engine: object, limits: Quotas, size: Size) -> object:
    with engine.connect() as connection:  # type: ignore[attr-defined]
        return limits.used_up(
            connection, [f"p{number}" for number in range(min(size.people, 1000))]
        )


def measure(settings: Settings, size: Size, only: str) -> dict[str, object]:
    """Fill the database and time the calls."""
    engine = open_database(settings)
    started = time.perf_counter()
    fill(engine, size)
    found: dict[str, object] = {"filled_in_s": round(time.perf_counter() - started, 1)}
    for name, call in calls(settings, size).items():
        if only in name:
            found[name] = timed(call)
            sys.stderr.write(f"{engine.dialect.name} {name}: {found[name]}\n")
    return found


def event_files() -> dict[str, object]:
    """Milliseconds to read an event file whole, and what is new of it, by its lines."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for lines in (1_000, 10_000, 100_000):
            folder = Path(place) / str(lines)
            folder.mkdir()
            values = {"step": 1, "loss": 0.5, "lr layer": 1e-4}
            line = json.dumps({"t": 1.0, "type": "curve", "name": "training", "values": values})
            (folder / "events.jsonl").write_text((line + "\n") * lines)
            started = time.perf_counter()
            view = RunView().follow(folder)
            whole = time.perf_counter() - started
            with (folder / "events.jsonl").open("a") as handle:
                handle.write(line + "\n")
            started = time.perf_counter()
            view.follow(folder)
            rest = time.perf_counter() - started
            found[str(lines)] = {"whole_ms": round(1e3 * whole, 1), "new_ms": round(1e3 * rest, 2)}
    return found


def keep(key: str, figures: dict[str, object]) -> None:
    """Write the figures beside those that are there."""
    known: dict[str, object] = {}
    with suppress(FileNotFoundError):
        known = json.loads(OUT.read_text())
    OUT.write_text(json.dumps({**known, "machine": machine(), key: figures}, indent=1) + "\n")


def main() -> None:
    """One database at one size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--label", default="after")
    parser.add_argument("--only", default="", help="calls whose name holds these words")
    given = parser.parse_args()
    size = Size(given.runs, given.waiting, given.people)
    with tempfile.TemporaryDirectory() as home:
        figures = measure(Settings(home=home, database_url=given.url), size, given.only)
    figures["event files"] = event_files()
    database = "postgresql" if given.url else "sqlite"
    keep(f"{database}, {given.runs} runs, {given.waiting} waiting, {given.label}", figures)


if __name__ == "__main__":
    main()
