"""Rows of runs whose job another scheduler keeps, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from tests_support.office import Office

from tl_core.database.tables import runs, stints
from tl_core.registry.elsewhere.placed import PlacedRuns
from tl_core.registry.processes import own_identity
from tl_core.registry.queue import mark_dead

JOB = "graft-1"
REASON = {"code": "interrupted", "what": "It is over.", "why": "", "try_this": ""}


@pytest.fixture
def office(engine, home):
    return Office(engine, home)


@pytest.fixture
def placed(office):
    """The rows, and a run that has just been placed."""
    found = PlacedRuns(office.engine, office.clock)
    run = office.queue("ann", 0)
    assert office.next() == run
    found.name(run, "slurm", JOB)
    found.place(run, JOB)
    return found, run


def row_of(office, run):
    with office.engine.connect() as connection:
        return connection.execute(select(runs).where(runs.c.id == run)).one()


def slots_of(office, run):
    with office.engine.connect() as connection:
        rows = connection.execute(select(stints).where(stints.c.run == run).order_by(stints.c.id))
        return [(row.started, row.ended) for row in rows]


def test_a_placed_run_waits_there_and_no_reader_takes_it_for_dead(office, placed):
    rows, run = placed
    office.clock.go(1000)
    assert mark_dead(office.engine, office.clock) == []
    found = office.store("ann").get(run)
    assert found.waits_elsewhere and (found.status, found.started) == ("running", None)
    assert (found.executor, found.job) == ("slurm", JOB)
    assert slots_of(office, run) == [(None, None)]
    assert office.writer.claimed() == []
    assert [one.taken for one in rows.all()] == [False]


def test_only_a_worker_of_its_job_takes_it_over_and_its_time_counts_from_then(office, placed):
    rows, run = placed
    office.clock.go(30)
    assert not rows.take_over(run, "another") and not office.writer.take_over(run)
    assert rows.take_over(run, JOB)
    row = row_of(office, run)
    assert (row.host, row.pid, row.pid_started) == own_identity()
    assert row.started == office.clock() and slots_of(office, run) == [(office.clock(), None)]
    assert office.writer.beat(run, 0.5) == ""
    office.writer.finish(run, "done")
    assert not rows.take_over(run, JOB)


def test_a_worker_that_is_quicker_than_the_dispatcher_keeps_the_run(office):
    rows = PlacedRuns(office.engine, office.clock)
    run = office.queue("ann", 0)
    office.next()
    rows.name(run, "slurm", JOB)
    with office.engine.begin() as connection:  # the worker, a process of another machine
        connection.execute(update(runs).where(runs.c.id == run).values(host="n1", pid=7))
    rows.place(run, JOB)
    row = row_of(office, run)
    assert (row.host, row.pid) == ("n1", 7) and row.started is not None


def test_a_job_that_was_begun_again_takes_over_from_its_former_process(office, placed):
    rows, run = placed
    with office.engine.begin() as connection:
        former = {"host": "n1", "pid": 7, "started": office.clock()}
        connection.execute(update(runs).where(runs.c.id == run).values(**former))
    assert rows.take_over(run, JOB)
    assert row_of(office, run).pid == own_identity()[1]


def test_a_run_that_is_let_go_waits_again_and_pays_for_what_it_had(office, placed):
    rows, run = placed
    rows.take_over(run, JOB)
    began = office.clock()
    office.clock.go(10)
    office.writer.beat(run, 0.2)
    office.clock.go(5)
    with office.engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run).values(pid=7))
    assert not rows.let_go(run, JOB, own=True)  # it is another process's by now
    assert rows.let_go(run, JOB)
    assert office.store("ann").get(run).waits_elsewhere
    assert slots_of(office, run) == [(began, office.clock() - 300)]
    office.clock.go(60)
    assert rows.take_over(run, JOB)
    assert slots_of(office, run)[1:] == [(office.clock(), None)]


def test_a_lost_machine_queues_the_run_again_at_its_place(office, placed):
    rows, run = placed
    rows.take_over(run, JOB)
    office.clock.go(1)
    other = office.queue("ann", 0)
    assert not rows.put_back(run, "another")
    assert rows.put_back(run, JOB)
    row = row_of(office, run)
    assert (row.status, row.executor, row.job, row.losses, row.pid) == ("queued", "", "", 1, None)
    assert office.writer.beat(run, 0.9) == "cancel"  # whoever did it lets go of it
    assert office.next() == run and office.next() == other


def test_what_a_scheduler_did_not_take_waits_on_without_a_loss(office):
    rows = PlacedRuns(office.engine, office.clock)
    run = office.queue("ann", 0)
    office.next()
    rows.name(run, "slurm", JOB)
    assert rows.put_back(run)
    row = row_of(office, run)
    assert (row.status, row.job, row.losses, row.started) == ("queued", "", 0, None)
    assert office.next() == run


def test_an_end_that_the_worker_wrote_wins(office, placed):
    rows, run = placed
    rows.take_over(run, JOB)
    (known,) = rows.all()
    office.writer.finish(run, "done")
    assert not rows.end(known, "interrupted", REASON)
    assert office.store("ann").get(run).status == "done"


def test_a_job_that_ended_ends_its_run_which_can_be_resumed_as_a_new_one(office, placed):
    rows, run = placed
    (known,) = rows.all()
    assert rows.end(known, "interrupted", REASON) and rows.all() == []
    found = office.store("ann").resume(run)
    assert (found.status, found.executor, found.job) == ("queued", "", "")
    assert not rows.take_over(run, JOB)  # a job of before that begins late
