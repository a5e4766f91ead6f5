"""A running row belongs to one process, whatever happens to the clock and to who started it."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from sqlalchemy import select, update
from tests_support.office import NOON, Office

from tl_core.database.tables import runs
from tl_core.registry import processes
from tl_core.registry.processes import HOST, Absences, is_alive, own_identity, start_time
from tl_core.registry.queue import is_busy, mark_dead
from tl_core.registry.scheduling.clock_setting import ClockWatch, move_times
from tl_core.registry.scheduling.run_times import end_overdue
from tl_core.settings import read_settings

SOMEBODY = 2**30  # no process has this id


@pytest.fixture
def office(engine, home):
    return Office(engine, home)


def claimed(office, **values):
    """A running run of which some columns are then changed."""
    run = office.queue("ann", 0)
    assert office.next() == run
    with office.engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run).values(**values))
    return run


@pytest.mark.parametrize(
    "values", [{"pid": SOMEBODY}, {"host": "elsewhere"}], ids=["another process", "another host"]
)
def test_who_does_a_run_that_is_somebody_elses_by_now_lets_go_of_it(office, values):
    run = claimed(office, **values)
    assert not office.writer.take_over(run)
    assert office.writer.beat(run, 0.5) == "cancel"
    office.writer.finish(run, "done", headline="mine")
    with office.engine.connect() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run)).one()
    assert (row.status, row.headline, row.progress) == ("running", "", 0.0)


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid()], ids=["its own", "of its dispatcher"])
def test_a_worker_takes_over_what_its_dispatcher_has_claimed(office, pid):
    run = claimed(office, pid=pid)
    assert office.writer.take_over(run)
    assert office.writer.beat(run, 0.5) == ""
    with office.engine.connect() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run)).one()
    assert (row.host, row.pid, row.pid_started) == own_identity()
    office.writer.finish(run, "done")
    assert office.store("ann").get(run).status == "done"


def test_a_run_that_waits_again_is_not_taken_over(office):
    run = claimed(office, headline="")
    office.writer.finish(run, "failed")
    office.store("ann").resume(run)
    assert not office.writer.take_over(run) and office.writer.beat(run, 0.5) == "cancel"


def test_a_process_is_known_by_when_it_started_however_the_clock_is_set(monkeypatch):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    before = start_time(child.pid)
    monkeypatch.setattr(psutil, "boot_time", lambda: 1.0)  # as the kernel tells it afterwards
    monkeypatch.setattr("psutil._pslinux.BOOT_TIME", 1.0, raising=False)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 1.0)
    assert start_time(child.pid) == before
    assert is_alive(HOST, child.pid, before, None, 0.0)
    assert not is_alive(HOST, child.pid, before - 2, None, 0.0)
    since_1970 = psutil.Process(child.pid).create_time()  # of a worker of an earlier version
    assert is_alive(HOST, child.pid, since_1970, None, 0.0)
    assert not is_alive(HOST, child.pid, since_1970 - 2, None, 0.0)
    monkeypatch.setattr(processes, "_boot", lambda: 7 * processes._APART)  # the machine restarted
    assert not is_alive(HOST, child.pid, before, None, 0.0)
    child.kill()
    child.wait()
    assert start_time(child.pid) == 0.0


@pytest.mark.parametrize("by", [-7200.0, 5.0, 86_400.0])
def test_a_clock_that_is_set_is_noticed_once(by):
    now = {"clock": NOON, "steady": 100.0}
    watch = ClockWatch(lambda: now["clock"], lambda: now["steady"])
    for name in now:
        now[name] += 0.3
    assert watch.set_by() == 0.0
    now["clock"] += by
    assert watch.set_by() == watch.set_by() == pytest.approx(by)  # until it is taken account of
    watch.known()
    assert watch.set_by() == 0.0


@pytest.mark.parametrize("by", [-3 * 86_400.0, 3 * 86_400.0])
def test_a_set_clock_takes_no_time_from_what_runs(office, monkeypatch, by):
    monkeypatch.setenv("TL_RUN_MINUTES", "60")
    monkeypatch.setenv("TL_IDLE_MINUTES", "10")
    run = office.queue("ann", 0)
    office.next()
    office.clock.go(30)
    office.writer.beat(run, 0.5)
    office.clock.now += by
    move_times(office.engine, by)
    assert end_overdue(office.engine, read_settings(), office.clock) == []
    assert mark_dead(office.engine, office.clock) == []
    office.clock.go(10)
    office.writer.finish(run, "done")
    assert office.ledger(run) == [(NOON + by, NOON + by + 40 * 60)]


def test_work_that_is_done_counts_though_a_reader_took_its_process_for_dead(office):
    run = claimed(office, status="interrupted")
    assert not office.writer.finish(run, "failed")
    assert office.writer.finish(run, "done", headline="well")
    assert office.store("ann").get(run).headline == "well"
    run = claimed(office, status="interrupted")
    office.store("ann").resume(run)
    assert not office.writer.finish(run, "done")


def test_an_outage_of_the_database_is_no_absence_of_those_who_use_it():
    now, seen = [0.0], []
    absences = Absences(lambda: now[0])
    for gap in (0, 5, 3600, 5):  # the same heartbeat, nobody could look for an hour
        now[0] += gap
        seen.append(absences.seconds("run", 17.0))
    assert seen == [0.0, 5.0, 15.0, 20.0]
    assert absences.seconds("run", 18.0) == 0.0  # it lives
    assert absences.seconds("another", 17.0) == 0.0


def test_whether_a_dispatcher_is_needed(office):
    assert not is_busy(office.engine)
    run = office.queue("ann", 0)
    assert is_busy(office.engine)
    office.next()
    assert is_busy(office.engine)
    office.writer.finish(run, "done")
    assert not is_busy(office.engine)
