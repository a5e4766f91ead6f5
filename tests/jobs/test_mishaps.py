"""What breaks around a run costs it little: database, disk, a worker that cannot start."""

from __future__ import annotations

import errno
import os

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from tests_support.processes import kill_all

from tl_core.config import RunConfig
from tl_core.config.kinds import RUN_KINDS, RunKind
from tl_core.config.specs import RunSpec
from tl_core.database.engine import open_database
from tl_core.jobs import dispatch, worker
from tl_core.jobs.context import Outcome
from tl_core.jobs.dispatch import Dispatcher
from tl_core.jobs.events import EventLog, read_events
from tl_core.jobs.executors.executor_contract import Job
from tl_core.jobs.heart import Heart
from tl_core.registry.processes import start_time
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

AWAY = OperationalError("SELECT 1", {}, Exception("server closed the connection"))
_todo: list = []


def work(_run):
    """What the test wants."""
    return _todo[0]()


@pytest.fixture
def queue(home, monkeypatch):
    """`queue(what)`: a claimed run that does it, its settings and its store."""
    monkeypatch.setitem(RUN_KINDS, "mishap", RunKind("mishap", f"{__name__}:work", RunSpec))
    monkeypatch.setattr(worker, "_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    settings = read_settings()
    engine = open_database(settings)
    store = RunStore(engine, "local", settings.home_path)

    def make(what=lambda: Outcome("well", {}), *, claim=True):
        _todo[:] = [what]
        run = store.create(RunConfig("mishap", "local", "d@1", "", ""))
        if claim:
            RunWriter(engine).claim_next("light")
        return run

    yield settings, store, make
    kill_all(home)


@pytest.mark.parametrize("end", ["done", "failed"])
def test_an_end_is_recorded_when_the_database_is_there_again(queue, monkeypatch, end):
    settings, store, make = queue
    outcome = {"done": lambda: Outcome("well", {}), "failed": lambda: 1 / 0}[end]
    run, away = make(outcome), [AWAY] * 4
    finish = RunWriter.finish

    def sometimes(self, *args, **options):
        if away:
            raise away.pop()
        return finish(self, *args, **options)

    monkeypatch.setattr(RunWriter, "finish", sometimes)
    worker.carry_out(run.folder, settings)
    assert store.get(run.id).status == end and not away


def test_a_database_that_never_comes_back_is_not_waited_for_for_ever(queue, monkeypatch):
    settings, _, make = queue
    monkeypatch.setattr(worker, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(RunWriter, "finish", lambda *_, **__: (_ for _ in ()).throw(AWAY))
    run = make()
    with pytest.raises(DBAPIError):
        worker.carry_out(run.folder, settings)


def test_a_worker_waits_for_a_database_that_is_away_when_it_starts(queue, monkeypatch):
    settings, store, make = queue
    run, away, true = make(), [AWAY] * 3, RunWriter.take_over

    def sometimes(self, run_id):
        if away:
            raise away.pop()
        return true(self, run_id)

    monkeypatch.setattr(RunWriter, "take_over", sometimes)
    assert worker.carry_out(run.folder, settings) == 0
    assert store.get(run.id).status == "done" and not away


def test_a_worker_whose_run_was_given_to_another_does_nothing(queue):
    settings, store, make = queue
    done = []
    run = make(lambda: done.append(1) or Outcome("well", {}))
    RunWriter(open_database(settings)).hand_over(run.id, 1, start_time(1))
    assert worker.carry_out(run.folder, settings) == 1
    assert not done and store.get(run.id).status == "running"


FULL = "database or disk is full"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "disk"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "disk"),
        (OperationalError("INSERT", {}, Exception(FULL)), "disk"),
        (OperationalError("INSERT", {}, Exception("No space left on device")), "disk"),
        (AWAY, "database"),
        (TimeoutError("no connection got free"), "database"),
        (OSError(errno.EACCES, "no"), "unexpected"),
    ],
)
def test_what_was_away_or_full_is_said(queue, error, code):
    settings, store, make = queue

    def fail():
        raise error

    run = make(fail)
    assert worker.carry_out(run.folder, settings) == 1
    reason = store.get(run.id).reason
    assert reason["code"] == code
    assert "resume" in reason["try_this"].lower() or code == "unexpected"


def test_a_run_whose_worker_cannot_be_started_has_failed_and_frees_its_slot(queue, caplog):
    settings, store, make = queue
    first, second = make(claim=False), make(claim=False)

    class Runner:
        """Nothing can be started at first."""

        name, started = "local", []

        def submit(self, folder, needs):
            if folder.name == first.id:
                raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
            self.started.append(folder.name)
            return Job(needs.run, (os.getpid(), 0.0))

        def prepare(self):
            pass

    dispatcher = Dispatcher(
        open_database(settings), settings.home_path, Runner(), {"train": 1, "light": 1}
    )
    dispatcher.turn()
    found = store.get(first.id)
    assert (found.status, found.reason["code"]) == ("failed", "start")
    assert "temporarily unavailable" in found.reason["why"]
    assert Runner.started == [second.id]


class Elsewhere:
    """An executor whose workers are the process with the id 1."""

    name = "local"

    def __init__(self):
        self.started = []

    def submit(self, folder, needs):
        self.started.append(folder.name)
        return Job(needs.run, (1, start_time(1)))

    def prepare(self):
        pass


@pytest.mark.parametrize("lost", ["the claim", "the name"])
def test_a_claim_whose_answer_was_lost_keeps_no_slot(queue, monkeypatch, lost):
    """The database goes away between the claim and its answer, or before the worker is named."""
    settings, store, make = queue
    run, runner = make(claim=False), Elsewhere()
    place = {"the claim": "claim_next", "the name": "hand_over"}[lost]
    true, once = getattr(RunWriter, place), [AWAY]

    def sometimes(self, *args):
        if once and lost == "the name":
            raise once.pop()
        answer = true(self, *args)
        if once and answer:
            raise once.pop()
        return answer

    monkeypatch.setattr(RunWriter, place, sometimes)
    slots = {"light": 1}
    dispatcher = Dispatcher(open_database(settings), settings.home_path, runner, slots)
    with pytest.raises(DBAPIError):
        dispatcher.turn()
    assert store.get(run.id).status == "running"
    dispatcher.turn()
    found = store.get(run.id)
    if lost == "the claim":
        assert not runner.started and (found.status, found.reason["code"]) == ("failed", "start")
        store.resume(run.id)
        dispatcher.turn()
    assert runner.started == [run.id]
    assert (store.get(run.id).status, store.get(run.id).pid) == ("running", 1)


@pytest.mark.parametrize("error", [AWAY, OSError(errno.ENOSPC, "full")])
def test_the_dispatcher_goes_on_when_database_or_disk_are_back(queue, monkeypatch, error, caplog):
    turns = []

    def turn(self):
        turns.append(1)
        if len(turns) == 1:
            raise error
        raise SystemExit(0)

    monkeypatch.setattr(Dispatcher, "turn", turn)
    monkeypatch.setattr(dispatch.signal, "signal", lambda *_: None)
    monkeypatch.setattr(dispatch, "_TURN_SECONDS", 0.0)
    with pytest.raises(SystemExit):
        dispatch.main(["--forever"])
    assert len(turns) == 2


def test_a_heart_outlives_a_full_disk(tmp_path):
    class Writer:
        beats = 0

        def beat(self, *_):
            Writer.beats += 1
            raise AWAY

    class Full(EventLog):
        def log(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    heart = Heart("one", Writer(), Full(tmp_path), lambda: None, beat_seconds=0.01)
    heart.start()
    while Writer.beats < 3:
        assert heart.is_alive()
    heart.stop()
    heart.join(10)


def test_batches_are_told_when_the_clock_goes_back(tmp_path):
    now = [1000.0]
    log = EventLog(tmp_path, lambda: now[0])
    log.stage("Stepping", 100, 1.0)
    for done in (1, 2, 3):
        now[0] -= 3600
        log.batch(done, 100)
    log.close()
    told = [event["done"] for event in read_events(tmp_path)[0] if event["type"] == "batch"]
    assert told == [1, 2, 3]
