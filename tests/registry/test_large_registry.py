"""A registry with many rows: nothing asked often reads a whole table, and a long queue keeps
its order although only its beginning is read.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from tl_core.access.principal import ADMIN, MEMBER, Principal
from tl_core.config import RunConfig
from tl_core.database.tables import runs
from tl_core.registry import queue
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter, mark_dead, sweep
from tl_core.registry.quotas import Quotas
from tl_core.registry.runs import RunStore
from tl_core.registry.scheduling import forecast, waiting
from tl_core.registry.scheduling.fair_share import by_owner, next_run
from tl_core.registry.scheduling.lane import read_lane
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.registry.scheduling.run_times import end_overdue
from tl_core.registry.trash import expired
from tl_core.settings import read_settings

ME = Principal("p1", "person1", "Person", MEMBER)
ROOT = Principal("p0", "person0", "Root", ADMIN)


@pytest.fixture
def filled(monkeypatch):
    """`filled(engine, runs, waiting, people)` fills a registry by bulk SQL and gives its size."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from registry_filled import Size, fill

    def make(engine, *size):
        fill(engine, Size(*size))
        return Size(*size)

    return make


@contextmanager
def statements(engine):
    """What is read inside, each with its values."""
    heard = []

    def hear(_connection, _cursor, statement, values, _context, _many):
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            heard.append((statement, values))

    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


def whole_tables(engine, heard):
    """The statements that read all of `runs`, `datasets` or `stints`, by the database's plans."""
    found = []
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET enable_seqscan = off"))  # ten thousand rows are few
        for statement, values in heard:
            word = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
            plan = connection.exec_driver_sql(f"{word} {statement}", values).all()
            lines = [str(row[-1]) for row in plan]
            for table in ("runs", "datasets", "stints"):
                names = (f"Seq Scan on {table}", f"SCAN {table}")
                found += [
                    (line, statement)
                    for line in lines
                    if line.strip(" ->").startswith(names) and "USING" not in line
                ]
    return found


def test_nothing_that_is_asked_often_reads_a_whole_table(engine, home, filled):
    size = filled(engine, 10_000, 1_000, 50)
    store, data, writer = (
        RunStore(engine, ME, home),
        DatasetStore(engine, ME, home),
        RunWriter(engine),
    )
    settings = replace(read_settings(), home=str(home), quotas="queued=50,gpu_minutes_day=100")
    quotas = Quotas(engine, settings)
    done, waits = f"d{size.mine:09d}", f"w{size.waiting_mine:09d}"
    with statements(engine) as heard:
        assert len(store.list()) == 200 and len(store.page(limit=20)) == 20
        assert store.get(done).status == "done" and store.get(waits).place > 100
        assert store.of_dataset("data1") and store.trash() and not store.children(done, "stress")
        assert data.list() and data.get("data1") and data.trash()
        assert store.waiting(waits) and len(Oversight(engine, ROOT, settings).queue()) > 1000
        mark_dead(engine), end_overdue(engine, settings, time.time), expired(engine, home, 1.0)
        assert writer.running("train") and writer.waiting() and not writer.deaf()
        assert quotas.standing("p1") and writer.claim_next("train")
        config = RunConfig("train", "p1", "data1@1", "", "starter:text", "probe", {})
        assert store.create(config).place > 900
        with engine.connect() as connection:
            assert not quotas.used_up(connection, [f"p{number}" for number in range(1200)])
    assert len(heard) > 40 and not whole_tables(engine, heard)


def test_who_may_see_what_is_as_before(engine, home, filled):
    """The bounded list against the condition on single rows, which the whole list once was."""
    filled(engine, 2_000, 100, 10)
    store = RunStore(engine, ME, home)
    with engine.connect() as connection:
        seen = store._policy.seen(runs)
        rows = connection.execute(runs.select().where(seen)).all()
    newest = sorted(rows, key=lambda row: (row.created, row.id), reverse=True)
    kinds = [row for row in newest if row.kind == "train"]
    assert len({row.owner for row in rows}) > 5  # shared ones as well
    found = [run.id for run in store.list(kind="train", limit=None)]
    assert found == [row.id for row in kinds]
    assert [run.id for run in store.list(kind="train", limit=37)] == found[:37]


@pytest.mark.parametrize("seed", range(5))
def test_the_heads_of_a_queue_are_enough_to_know_who_is_next(engine, home, filled, seed):
    filled(engine, 100, 120, 7)
    chance = random.Random(seed)
    with engine.begin() as connection:
        for number in range(120):
            values = {
                "priority": chance.choice([0, 0, 5]),
                "queued": time.time() - chance.choice([1, 9, 2e5]),
            }
            connection.execute(update(runs).where(runs.c.id == f"w{number:09d}").values(**values))
    quotas, settings = Quotas(engine, read_settings()), read_settings()
    now = time.time()
    with engine.connect() as connection:
        whole = read_lane(connection, "train", quotas, settings, now)
        heads = read_lane(connection, "train", quotas, settings, now, 1)
    assert len(heads.queued) < len(whole.queued) == 120
    first, other = (
        next_run(by_owner(lane.queued), whole.stints, now, 86_400.0) for lane in (whole, heads)
    )
    assert first == other


def test_places_behind_what_is_read_go_round_by_round(engine, home, filled, monkeypatch):
    """Where all people are alike that is what happens: the same places as of a whole reading."""
    filled(engine, 100, 100, 5)
    store = RunStore(engine, ME, home)
    mine = [f"w{number:09d}" for number in range(1, 100, 5)]
    exact = [store.get(run).place for run in mine]
    assert exact == sorted(exact) and len(set(exact)) == 20
    monkeypatch.setattr(waiting, "_FORETOLD", 15)
    assert [store.get(run).place for run in mine] == exact
    stands = store.waiting(mine[10])
    assert stands.place == exact[10] and stands.own == 10
    others = sum(count for _, count in stands.people) + stands.others
    assert others == exact[10] - 1 - 10 + 8  # and those that run
    monkeypatch.setattr(forecast, "_COMPARISONS", 20)
    assert [store.get(run).place for run in mine] == exact


def test_folders_without_a_row_are_found_a_few_at_a_time(engine, home, filled, monkeypatch):
    filled(engine, 10, 0, 2)
    monkeypatch.setattr(queue, "_AT_ONCE", 3)
    for name in [*(f"d{number:09d}" for number in range(10)), "left1", "left2", "new"]:
        folder = home / "runs" / name
        folder.mkdir(parents=True)
        if name != "new":
            os.utime(folder, (1.0, 1.0))
    assert sweep(engine, home) == 2
    assert {path.name for path in (home / "runs").iterdir()} >= {"new", "d000000009"}
