"""The dispatcher ends what has had its time, stays while anything waits, and cleans up."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from sqlalchemy import update
from tests_support.datasets import write_texts
from tests_support.office import DAY
from tests_support.processes import kill_all

from benchmarks.fairness import MINUTE, START, Simulation
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.database.tables import runs
from tl_core.errors import QuotaError
from tl_core.jobs.context import RunContext
from tl_core.jobs.dispatch import Dispatcher
from tl_core.jobs.events import EventLog, RunView
from tl_core.jobs.executors.local import LocalExecutor
from tl_core.jobs.handlers import predicting
from tl_core.jobs.heart import Heart
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.processes import start_time
from tl_core.registry.runs import RunStore
from tl_core.registry.trash import remove_checkpoints
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


@pytest.fixture
def studio(home):
    return Simulation(home, 1)


def changed(engine, run_id, **values):
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(**values))


def test_the_dispatcher_ends_runs_that_have_had_their_time(studio, monkeypatch):
    monkeypatch.setenv("TL_RUN_MINUTES", "20")
    plain, search = studio.queue("ann", 60), studio.queue("ann", 60, budget=50)
    studio.until(START + 50 * MINUTE, MINUTE)
    assert [(job.ended - job.started) / MINUTE for job in (plain, search)] == [20, 20]
    store = studio.store("ann")
    assert [store.get(job.id).status for job in (plain, search)] == ["cancelled", "done"]
    assert {store.get(job.id).reason["code"] for job in (plain, search)} == {"run_time"}


def test_the_dispatcher_stays_while_anything_waits(studio, monkeypatch):
    monkeypatch.setenv("TL_QUOTAS", "gpu_minutes_day=10")
    job = studio.queue("ann", 20, budget=10)
    studio.queue("bob", 1, budget=10)
    studio.until(START + 11 * MINUTE, MINUTE)
    assert job.ended == START + 10 * MINUTE
    studio.until(START + 20 * MINUTE)
    changed(studio.engine, job.id, status="queued")  # who has no minutes left today
    studio.dispatcher.last_busy = 0.0
    studio.turn()
    assert not studio.running and time.monotonic() - studio.dispatcher.last_busy < 10
    studio.store("ann").cancel(job.id)
    studio.dispatcher.last_busy = 0.0
    studio.turn()
    assert studio.dispatcher.last_busy == 0.0


def test_a_worker_that_hears_nothing_any_more_is_ended_with_its_children(studio):
    """Its heart has stopped with it, as in a library that never comes back."""
    job = studio.queue("ann", 60)
    studio.turn()
    code = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    worker = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    process = psutil.Process(worker.pid)
    while not process.children():
        time.sleep(0.02)
    child = process.children()[0]
    studio.writer.hand_over(job.id, worker.pid, start_time(worker.pid))
    studio.store("ann").cancel(job.id)
    studio.now += 50
    studio.dispatcher.turn()
    assert worker.poll() is None and studio.store("ann").get(job.id).status == "running"
    studio.now += 50
    studio.dispatcher.turn()
    assert worker.wait(10) == -9 and psutil.wait_procs([child], 10)[1] == []
    assert studio.store("ann").get(job.id).status == "cancelled"


def test_the_events_say_why_a_training_stops(tmp_path):
    reason = {"code": "run_time", "what": "It had the 60 minutes.", "why": "", "try_this": ""}
    writer = SimpleNamespace(beat=lambda *_: "stop", stop_reason=lambda _: reason)
    events = EventLog(tmp_path)
    heart = Heart("one", writer, events, lambda: None, beat_seconds=0.01)
    heart.start()
    assert events.stopping.wait(10)
    heart.stop()
    heart.join(10)
    events.close()
    told = RunView().follow(tmp_path).logs
    assert told == ["It had the 60 minutes. The training stops and keeps its best state."]


def test_a_real_worker_ends_with_the_reason_of_the_limit(home, tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("TL_RUN_MINUTES", "60")
    settings = read_settings()
    engine = open_database(settings)
    datasets = DatasetStore(engine, "local", home)
    texts = str(write_texts(tmp_path / "t.csv", 2000))
    record, _, _ = add_dataset(datasets, settings, texts, "mail", ImportOptions())
    options = {"batch_size": 1, "baseline": False, "precision": "float32"}
    about = ("train", "local", record.reference, str(record.folder), f"local:{tiny('bert')}")
    store = RunStore(engine, "local", home)
    run = store.create(RunConfig(*about, "probe", options))
    dispatcher = Dispatcher(engine, home, LocalExecutor(1, standby=False), {"train": 1})
    dispatcher.turn()
    try:
        end = time.monotonic() + 120
        while not RunView().follow(run.folder).done:
            assert time.monotonic() < end
            time.sleep(0.2)
        changed(engine, run.id, started=time.time() - 3601)
        dispatcher.turn()
        while store.get(run.id).status == "running":
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        kill_all(home)
    ended = store.get(run.id)
    assert (ended.status, ended.reason["code"]) == ("cancelled", "run_time")


def test_checkpoints_go_when_a_run_has_ended_for_long_enough(studio):
    store, kept = studio.store("ann"), {}
    for name, status, days in (
        ("old", "done", 20),
        ("old search", "interrupted", 20),
        ("young", "failed", 3),
        ("resumed", "queued", 20),
    ):
        run = store.get(studio.queue("ann", 1).id)
        kept[name] = run.folder / ("rungs/a" if name == "old search" else ".") / "checkpoints"
        kept[name].mkdir(parents=True)
        (kept[name] / "state.safetensors").write_bytes(b"x")
        (run.folder / "model").mkdir(exist_ok=True)
        changed(studio.engine, run.id, status=status, finished=time.time() - days * DAY)
    assert remove_checkpoints(studio.engine, read_settings()) == 2
    assert [name for name, folder in kept.items() if folder.exists()] == ["young", "resumed"]
    assert all((folder.parent / "model").exists() for folder in (kept["old"], kept["young"]))
    assert remove_checkpoints(studio.engine, read_settings()) == 0


def test_rows_of_a_file_are_limited_for_the_one_who_asks(home, tmp_path, monkeypatch):
    monkeypatch.setenv("TL_QUOTAS", "prediction_rows=7")
    asked = {}

    def predict_source(*_, most, **__):
        asked["most"] = most
        raise QuotaError("There are 8 rows to predict.")

    monkeypatch.setattr("tl_core.predict.batch.predict_source", predict_source)
    monkeypatch.setattr("tl_core.predict.carried.preparation_of", lambda _: object())
    monkeypatch.setattr(RunContext, "folder_of", lambda *_: tmp_path)
    config = RunConfig("predict", "ann", options={"run": "r1", "source": "in.csv"})
    events = EventLog(tmp_path)
    with pytest.raises(QuotaError):
        predicting.predict(RunContext(config, tmp_path, read_settings(), events))
    events.close()
    assert asked["most"] == 7
