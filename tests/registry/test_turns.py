"""Turns in the database, on SQLite and on PostgreSQL: claiming, places, the ledger of slots."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select, text
from tests_support.office import DAY, HOUR, MINUTE, NOON, ROOT, Office

from tl_core.access.principal import MEMBER, Principal
from tl_core.database import engine as database
from tl_core.database.tables import runs, stints
from tl_core.errors import AccessError, NotFoundError, StateError
from tl_core.registry import queue
from tl_core.registry.queue import mark_dead
from tl_core.registry.scheduling.lane import note_slots
from tl_core.settings import read_settings


@pytest.fixture
def office(engine, home):
    return Office(engine, home)


def test_the_next_run_is_of_who_has_used_least(office):
    office.work("ann", 30)
    office.work("bob", 10)
    first, second = office.queue("ann"), office.queue("ann")
    third, fourth = office.queue("bob"), office.queue("cy")
    places = {
        run: office.store(who).get(run).place for who, run in (("ann", first), ("bob", third))
    }
    assert places == {first: 3, third: 2}
    assert [office.next() for _ in range(5)] == [fourth, third, first, second, None]


def test_what_was_used_before_the_window_is_forgotten(office, monkeypatch):
    monkeypatch.setenv("TL_FAIR_SHARE_HOURS", "2")
    office.work("ann", 60)
    office.work("bob", 1)
    office.clock.go(119)
    first, _ = office.queue("ann"), office.queue("bob")
    assert office.next() == first  # an hour ago by now, all but a minute of bob's


def test_time_of_one_lane_does_not_count_in_the_other(office):
    office.work("ann", 60)
    spec = {"source": "x.csv", "name": "mail"}
    first = office.queue("ann", kind="import", recipe="", **spec)
    office.queue("bob", kind="import", recipe="", **spec)
    assert office.next("light") == first


def test_a_priority_goes_first_and_administrators_alone_set_it(office):
    first, second = office.queue("ann"), office.queue("bob")
    with pytest.raises(AccessError):
        office.desk(replace(ROOT, role=MEMBER)).prioritise(second, 1)
    with pytest.raises(AccessError):
        office.desk(replace(ROOT, scopes=frozenset({"runs:write"}))).prioritise(second, 1)
    office.desk().prioritise(second, 1)
    assert [office.store("ann").get(first).place, office.store("bob").get(second).place] == [2, 1]
    assert office.store("bob").get(second).priority == 1
    assert office.next() == second
    with pytest.raises(StateError, match="is running"):
        office.desk().prioritise(second, 2)
    with pytest.raises(NotFoundError):
        office.desk().prioritise("nix", 2)
    with pytest.raises(StateError, match="lies between -100 and 100"):
        office.desk().prioritise(first, 101)


def test_a_waiting_run_says_for_whom_and_when_it_starts(office):
    office.hire("ann", "bob")
    office.work("cy", 20)  # from now on this is what such a run takes
    running = office.queue("bob", 0)
    assert office.next() == running
    office.clock.go(5)
    for who in ("ann", "cy", "ann", "bob"):
        office.queue(who, 0)
    own = office.queue("dan", 0)
    waiting = office.store("dan").waiting(own)
    begins = office.clock() + 15 * MINUTE
    assert (waiting.place, waiting.starts) == (2, begins + 20 * MINUTE)
    assert (waiting.people, waiting.own, waiting.others) == ([("h-ann", 1), ("h-bob", 1)], 0, 0)
    assert waiting.words == "It waits for 1 run of h-ann and 1 run of h-bob."
    office.queue("dan", 0)
    last = office.store("ann").list(status="queued")
    order = {run.place: office.store("ann").waiting(run.id) for run in last}
    assert order[max(order)].own == 1 and "of the same owner" in order[max(order)].words
    assert office.store("bob").waiting(running) is None
    with pytest.raises(NotFoundError):
        office.store("dan").waiting(last[0].id)


def test_slots_are_those_that_the_dispatcher_tells(office):
    note_slots(office.engine, {"train": 2, "light": 1})
    note_slots(office.engine, {"train": 3, "light": 1})
    made = [office.search(who, 30) for who in "abcd"]
    starts = [office.store(who).waiting(run).starts for who, run in zip("abcd", made, strict=True)]
    assert starts == [NOON, NOON, NOON, NOON + 30 * MINUTE]


def test_everybodys_queue_is_for_administrators(office):
    first, second = office.queue("ann"), office.queue("bob")
    assert office.next() == first
    with pytest.raises(AccessError):
        office.desk(Principal("ann")).queue()
    assert [(run.run, run.owner, run.status, run.place) for run in office.desk().queue()] == [
        (first, "ann", "running", 0),
        (second, "bob", "queued", 1),
    ]


@pytest.mark.parametrize("end", ["done", "failed", "cancelled", "interrupted"])
def test_what_a_run_took_is_settled_at_its_end(office, end):
    run = office.queue("ann", 3)
    assert office.next() == run
    office.clock.go(7)
    office.writer.finish(run, end)
    office.writer.finish(run, "failed")  # a second end changes nothing
    assert office.ledger(run) == [(NOON + 3 * MINUTE, NOON + 10 * MINUTE)]


def test_a_killed_run_is_settled_up_to_its_last_sign_of_life(office):
    run = office.queue("ann", 0)
    office.next()
    office.clock.go(5)
    office.writer.beat(run, 0.5)
    office.writer.hand_over(run, 2**30, 1.0)
    office.clock.go(3 * 24 * 60)  # over the weekend nobody looked
    assert mark_dead(office.engine, office.clock) == [run]
    assert office.ledger(run) == [(NOON, NOON + 5 * MINUTE)]


def test_a_run_that_never_started_took_nothing(office):
    run = office.queue("ann", 5)
    office.store("ann").cancel(run)
    assert office.ledger(run) == [(None, NOON + 5 * MINUTE)]
    office.clock.go(10)
    office.store("ann").resume(run)
    assert office.next() == run and office.ledger(run)[1] == (NOON + 15 * MINUTE, None)


def test_the_ledger_outlives_the_run(office):
    run = office.work("ann", 20)
    office.store("ann").discard([run])
    other, _ = office.queue("bob"), office.queue("ann")
    assert office.next() == other


def test_a_clock_that_goes_back_gives_no_time_back(office):
    run = office.queue("ann", 0)
    office.next()
    office.clock.go(-60)
    office.writer.finish(run, "done")
    assert office.ledger(run) == [(NOON, NOON)]


def test_several_dispatchers_together_keep_to_what_a_person_may_have_running(office):
    for _ in range(6):
        office.queue("ann")
    office.hire("ann")
    office.desk().set_quota("h-ann", "running", 2)
    won, threads = [], []
    for _ in range(4):
        threads.append(threading.Thread(target=lambda: won.append(office.next())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([run for run in won if run]) == 2 and len(won) == 4
    assert office.writer.running("train") == 2


@pytest.mark.parametrize("most", [1, 2])
def test_a_dispatcher_that_read_too_early_decides_anew(office, monkeypatch, most):
    """Another one takes a run between its reading of the lane and its claim."""
    first, second, third = (office.queue("ann") for _ in range(3))
    office.hire("ann")
    office.desk().set_quota("ann", "running", most)
    early, now = [], queue.read_lane

    def read(*about):
        state = early.pop() if early else now(*about)
        return state

    with office.engine.connect() as connection:
        settings = read_settings()
        state = now(connection, "train", office.quotas(), settings, office.clock())
    assert office.next() == first
    early.append(replace(state, queued=state.queued[1:]))
    monkeypatch.setattr(queue, "read_lane", read)
    assert office.next() == (second if most == 2 else None) and not early
    early.append(state)  # with the run that has gone already
    assert office.next() is None and office.store("ann").get(third).status == "queued"


def test_a_queued_run_without_a_ledger_is_not_lost(office):
    """As an older version would leave it, at work while the schema was brought up to date."""
    run = office.queue("ann")
    with office.engine.begin() as connection:
        connection.execute(stints.delete())
    assert office.store("ann").get(run).place == 1
    assert office.next() == run and office.ledger(run) == [(office.clock(), None)]


@pytest.mark.parametrize("spent", [True, False])
def test_what_earlier_versions_noted_is_the_ledgers_beginning(tmp_path, spent):
    engine = create_engine(f"sqlite:///{tmp_path / 'graft.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    times = {
        "done": (NOON - DAY, NOON - HOUR if spent else NOON - DAY),
        "running": (NOON - HOUR, None),
        "queued": (NOON - DAY, NOON - HOUR),  # resumed: its earlier times are still there
        "cancelled": (None, NOON),
    }
    with engine.begin() as connection:
        config.attributes |= {"connection": connection, "home": tmp_path}
        command.upgrade(config, "0006")
        for status, (started, finished) in times.items():
            connection.execute(
                text(
                    "INSERT INTO runs (id, owner, kind, dataset, backbone, recipe, folder, status,"
                    " created, queued, started, finished, progress, headline, cancel_requested,"
                    " stop_requested, project) VALUES (:id, 'ann', :kind, 'd@1', '', 'probe', :id,"
                    " :id, 0, :queued, :started, :finished, 0, '', false, false, 'ann/d')"
                ),
                {
                    "id": status,
                    "kind": "import" if status == "running" else "train",
                    "queued": NOON,
                    "started": started,
                    "finished": finished,
                },
            )
        command.upgrade(config, "0007")
        rows = {row.run: row for row in connection.execute(text("SELECT * FROM stints")).all()}
        assert connection.execute(text("SELECT priority FROM runs")).scalars().all() == [0] * 4
    assert {run: (row.started, row.ended) for run, row in rows.items()} == {
        "done": times["done"],
        "running": times["running"],
        "queued": (None, None),
    }
    assert [rows[run].lane for run in ("done", "running")] == ["train", "light"]
    assert [bool(rows[run].metered) for run in ("done", "running")] == [True, False]
    assert rows["done"].recipe == "probe" and not rows["done"].known


def test_a_claimed_run_has_moved_just_now(office):
    run = office.queue("ann")
    office.next()
    with office.engine.connect() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run)).one()
    assert (row.status, row.started, row.moved) == ("running", office.clock(), office.clock())


def test_a_queue_is_looked_at_when_something_has_changed_and_once_a_second(office, engine):
    steady = [100.0]
    changes = queue.QueueChanges(engine, lambda: steady[0])

    def due_once():
        return [changes.due(), changes.due()] == [True, False]

    assert due_once()
    first = office.queue("ann")
    assert due_once()
    office.next()
    assert due_once()
    second = office.queue("bob")
    assert due_once()
    office.store("bob").cancel(second)  # one goes and one comes: as many wait as before
    office.queue("bob")
    assert due_once()
    office.writer.finish(first, "done")
    assert due_once()
    steady[0] += 0.9
    assert not changes.due()
    steady[0] += 0.1
    assert due_once()
