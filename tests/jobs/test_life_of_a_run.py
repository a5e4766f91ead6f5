"""Runs as real processes: queue, worker, kill, resume, cancel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests_support.datasets import write_texts
from tests_support.processes import kill_all, of_home
from tests_support.waiting import wait_for

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.jobs.dispatch import Dispatcher, ensure_dispatcher, slots_of, training_executor
from tl_core.jobs.events import read_events
from tl_core.jobs.executors.executor_contract import Job
from tl_core.jobs.executors.local import LocalExecutor
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def studio(home, tmp_path, tiny, monkeypatch):
    """Settings, stores and a registered dataset of many short texts."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = read_settings()
    engine = open_database(settings)
    datasets, runs = (
        kind(engine, "local", settings.home_path) for kind in (DatasetStore, RunStore)
    )
    record, _, _ = add_dataset(
        datasets, settings, str(write_texts(tmp_path / "t.csv", 2000)), "mail", ImportOptions()
    )

    def config(**options):
        options = {"batch_size": 1, "baseline": False, "precision": "float32", **options}
        return RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            f"local:{tiny('bert')}",
            "probe",
            options,
        )

    yield settings, engine, runs, config
    kill_all(home)


class InProcess:
    """An executor that carries the run out here, at once."""

    name = "local"

    def __init__(self, settings):
        self.settings, self.folders = settings, []

    def submit(self, folder, needs):
        from tl_core.jobs.worker import carry_out

        handler = signal.getsignal(signal.SIGTERM)
        carry_out(folder, self.settings)
        signal.signal(signal.SIGTERM, handler)
        self.folders.append(folder)
        return Job(needs.run, (os.getpid(), 0.0))

    def prepare(self):
        pass

    def close(self):
        pass


def batches(run):
    return [event for event in read_events(run.folder)[0] if event["type"] == "batch"]


def test_the_dispatcher_takes_runs_in_turn_and_reports_done(studio):
    settings, engine, runs, config = studio
    first, second = runs.create(config(batch_size=64)), runs.create(config(batch_size=64))
    dispatcher = Dispatcher(
        engine, settings.home_path, InProcess(settings), {"train": 1, "light": 1}
    )
    assert dispatcher.acquire()
    dispatcher.turn()
    assert [runs.get(r.id).status for r in (first, second)] == ["done", "done"]
    done = runs.get(first.id)
    assert done.headline.startswith("Right ")
    assert done.summary["n"] > 0
    assert (done.folder / "manifest.json").exists()
    dispatcher.release()


def test_a_second_dispatcher_goes_away(studio):
    settings, _, _, _ = studio
    ensure_dispatcher(settings)
    ensure_dispatcher(settings)
    alone = wait_for(lambda: len(found := dispatchers(settings)) == 1 and found)
    second = subprocess.run([sys.executable, "-m", "tl_core.jobs.dispatch"], cwd=ROOT, timeout=60)
    assert second.returncode == 0
    assert dispatchers(settings) == alone


def dispatchers(settings):
    return [p for p in of_home(settings.home_path) if "tl_core.jobs.dispatch" in p.cmdline()]


def test_a_failed_run_says_why(studio):
    settings, engine, runs, config = studio
    broken = config()
    run = runs.create(
        RunConfig("train", "local", broken.dataset, broken.dataset_dir, "local:/nowhere", "probe")
    )
    dispatcher = Dispatcher(engine, settings.home_path, InProcess(settings), {"train": 1})
    dispatcher.turn()
    found = runs.get(run.id)
    assert found.status == "failed"
    assert found.reason["what"] == "There is no model folder '/nowhere'."
    assert found.reason["code"] == "backbone"


def test_a_killed_worker_is_interrupted_and_resumes_only_what_is_missing(studio):
    settings, engine, runs, config = studio
    run = runs.create(config())
    runner = LocalExecutor(2, standby=False)
    dispatcher = Dispatcher(engine, settings.home_path, runner, {"train": 1})
    dispatcher.turn()
    wait_for(lambda: batches(run) and batches(run)[-1]["done"] > 100, 240)
    pid = runs.get(run.id).pid
    assert run.id in " ".join(psutil.Process(pid).cmdline())
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    found = wait_for(lambda: (now := runs.get(run.id)).status == "interrupted" and now, 15)
    assert time.monotonic() - killed < 15
    assert "Resume" in found.reason["try_this"]
    lines = (
        (next((settings.home_path / "features").glob("*/batches.jsonl"))).read_text().count("\n")
    )
    assert lines > 100
    runs.resume(run.id)
    dispatcher.turn()
    wait_for(lambda: runs.get(run.id).status == "done", 300)
    after = [
        path.read_text().splitlines()
        for path in (settings.home_path / "features").glob("*/batches.jsonl")
    ]
    longest = max(after, key=len)
    assert len(longest) <= 2000
    assert (
        len({line.split(",")[0] for line in longest}) >= len(longest) - 1
    )  # no batch was computed twice


def test_a_killed_dispatcher_leaves_its_run_alive(studio):
    settings, _, runs, config = studio
    run = runs.create(config())
    ensure_dispatcher(settings)
    wait_for(lambda: batches(run), 240)
    dispatcher = wait_for(lambda: dispatchers(settings))[0]
    dispatcher.kill()
    dispatcher.wait(10)
    seen = batches(run)[-1]["done"]
    wait_for(lambda: batches(run)[-1]["done"] != seen, 120)
    assert runs.get(run.id).status == "running"
    ensure_dispatcher(settings)
    other = runs.create(config())
    time.sleep(1.5)
    assert runs.get(other.id).status == "queued"  # the slot is still taken
    runs.cancel(run.id)
    wait_for(lambda: runs.get(run.id).status == "cancelled", 30)
    wait_for(lambda: runs.get(other.id).status == "running", 30)


def test_cancel_and_terminate(studio):
    settings, engine, runs, config = studio
    run = runs.create(config())
    dispatcher = Dispatcher(
        engine, settings.home_path, LocalExecutor(2, standby=False), {"train": 1}
    )
    dispatcher.turn()
    wait_for(lambda: batches(run), 240)
    runs.cancel(run.id)
    found = wait_for(lambda: (now := runs.get(run.id)).status == "cancelled" and now, 30)
    assert found.reason["what"] == "You cancelled it."
    runs.resume(run.id)
    before = len(batches(run))
    dispatcher.turn()
    wait_for(lambda: len(batches(run)) > before, 240)
    os.kill(runs.get(run.id).pid, signal.SIGTERM)
    found = wait_for(lambda: (now := runs.get(run.id)).status == "interrupted" and now, 30)
    assert "asked the worker to stop" in found.reason["what"]


def test_a_standing_by_worker_takes_the_run_and_names_it(studio):
    settings, engine, runs, config = studio
    runner = LocalExecutor(2)
    runner.prepare()
    waiting = runner._standby
    wait_for(lambda: psutil.Process(waiting.pid).memory_info().rss > 400 << 20, 240)
    run = runs.create(config(batch_size=64))
    dispatcher = Dispatcher(engine, settings.home_path, runner, {"train": 1})
    dispatcher.turn()
    wait_for(lambda: run.id in " ".join(psutil.Process(waiting.pid).cmdline()), 60)
    assert runs.get(run.id).pid == waiting.pid
    wait_for(lambda: runs.get(run.id).status == "done", 240)
    assert (run.folder / "worker.log").exists()
    runner.close()


def test_slots_follow_the_machine_and_the_setting(monkeypatch):
    from tl_core.jobs.executors import local

    monkeypatch.setattr(local, "gpu_count", lambda: 3)
    assert slots_of(read_settings()) == {"train": 3, "light": 1}
    monkeypatch.setenv("TL_WORKERS", "2")
    assert slots_of(read_settings())["train"] == 2


def test_a_scheduler_that_refuses_to_answer_keeps_nothing_else_waiting(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # without any command of Slurm
    monkeypatch.setenv("TL_EXECUTOR", "slurm")
    settings = read_settings()
    assert slots_of(settings, training_executor(settings)) == slots_of(settings)


@pytest.mark.parametrize(
    ("said", "workers", "each"), [("", "", 8), ("3", "", 3), ("6", "2", 3), ("", "16", 1)]
)
def test_trainings_share_the_processors_that_there_are_or_are_allowed(
    monkeypatch, said, workers, each
):
    from tl_core.jobs.executors import local

    monkeypatch.setattr(local, "gpu_count", lambda: 0)
    monkeypatch.setattr(local.os, "cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setenv("TL_WORKERS", workers)
    assert local.make(read_settings())._threads == each
