"""A run on a machine that shares nothing but database and bucket with the one that queued it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from tests_support.buckets import in_memory, s3_server, set_keys
from tests_support.datasets import write_texts

from tl_core.artifacts.folder_store import FolderStore
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.errors import Cancelled, NotFoundError
from tl_core.jobs import courier
from tl_core.jobs.executors.executor_contract import Needs
from tl_core.jobs.executors.local import LocalExecutor
from tl_core.progress import Progress
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.registry.stored import opened
from tl_core.registry.stored.store_rows import ready_here
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


@pytest.fixture
def shared(home, tmp_path):
    """Settings of two homes on one database."""
    settings = read_settings()
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "graft.db").symlink_to(home / "graft.db")
    return settings, replace(settings, home=str(tmp_path / "far"))


def queued(settings, engine, tmp_path):
    """A dataset, and a run that takes it out as a table, queued here."""
    data = DatasetStore(engine, "local", settings.home_path)
    source = write_texts(tmp_path / "texts.csv")
    record, _, _ = add_dataset(
        data, settings, str(source), "texts", ImportOptions(), progress=Progress()
    )
    config = RunConfig(
        kind="takeout",
        owner="local",
        dataset=record.reference,
        dataset_dir=str(record.folder),
        options={"format": "csv"},
    )
    return record, RunStore(engine, "local", settings.home_path).create(config)


@pytest.fixture
def remembered(shared, monkeypatch):
    """The same with a bucket in memory."""
    files = in_memory()[1]
    settings, far = (replace(one, store="s3://bucket/prefix") for one in shared)
    stores = {one.home: FolderStore(in_memory()[0], one.home_path) for one in (settings, far)}
    for store in stores.values():
        store.bucket._files = files
    monkeypatch.setattr(opened, "_opened", lambda given, _engine: stores[given.home])
    monkeypatch.setenv("TL_STORE", "s3://bucket/prefix")
    return settings, far, stores, files


def test_what_a_run_reads_is_brought(remembered, tmp_path):
    settings, far, stores, _ = remembered
    engine = open_database(settings)
    record, run = queued(settings, engine, tmp_path)
    stores[settings.home].push(f"datasets/{record.id}")
    folder = far.home_path / "runs" / run.id
    assert courier.is_needed(folder, far) and not courier.is_needed(run.folder, settings)
    courier.bring(folder, far, engine, Progress())
    assert RunConfig.read(folder).dataset_dir == str(far.home_path / "datasets" / record.id)
    assert (far.home_path / "datasets" / record.id / "version.json").is_file()
    assert not courier.is_needed(folder, far)
    stores[far.home].notes.path(f"datasets/{record.id}").touch()


def test_features_of_these_items_are_brought(remembered, tmp_path):
    settings, far, stores, _ = remembered
    engine, here = open_database(settings), stores[settings.home]
    record, run = queued(settings, engine, tmp_path)
    config = replace(
        RunConfig.read(run.folder),
        kind="train",
        recipe="probe",
        backbone="starter:text",
        options={},
    )
    config.write(run.folder)
    here.push(f"runs/{run.id}")
    here.push(f"datasets/{record.id}")
    from tl_core.data.versions.store import DatasetVersion

    inputs = DatasetVersion(record.folder).info.inputs_fingerprint
    for name, items, backbone in (
        ("a" * 32, inputs, "starter:text"),
        ("b" * 32, inputs, "starter:image"),
        ("c" * 32, "0" * 64, "starter:text"),
    ):
        place = settings.home_path / "features" / name
        place.mkdir(parents=True)
        facts = f'{{"rows": 1, "inputs": "{items}", "backbone": "{backbone}"}}'
        (place / "manifest.json").write_text(facts)
        here.push(f"features/{name}")
    courier.bring(far.home_path / "runs" / run.id, far, engine, Progress())
    assert [one.name for one in (far.home_path / "features").iterdir()] == ["a" * 32]


def test_a_run_whose_folder_never_comes_is_refused_and_a_cancelled_one_stops(
    remembered, monkeypatch
):
    settings, far, _, _ = remembered
    engine, passed = open_database(settings), []

    def pause(seconds):
        passed.append(seconds)

    monkeypatch.setattr(courier, "_PATIENCE_SECONDS", 0.1)
    with pytest.raises(NotFoundError, match="is not in the store"):
        courier.bring(far.home_path / "runs/none", far, engine, Progress(), pause)
    assert passed and not (far.home_path / "runs/none").exists()

    class Stops(Progress):
        def batch(self, done, total):
            raise Cancelled

    with pytest.raises(Cancelled):
        courier.bring(far.home_path / "runs/none", far, engine, Stops(), pause)


def test_the_worker_gets_neither_store_nor_credentials(remembered, tmp_path, monkeypatch):
    settings, _, _, _ = remembered
    _, run = queued(settings, open_database(settings), tmp_path)
    set_keys(monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "also secret")
    monkeypatch.setenv("TL_HUB_TOKEN", "hidden")
    given = {}
    monkeypatch.setattr(courier.os, "dup2", lambda *_: None)
    monkeypatch.setattr(courier.os, "execve", lambda *a: given.update(command=a[1], env=a[2]))
    courier._become_worker(run.folder, settings)
    assert given["command"][1:] == ["-m", "tl_core.jobs.worker", str(run.folder)]
    assert not {name for name in given["env"] if name.startswith("AWS_") and "REGION" not in name}
    assert not {"TL_STORE", "TL_HUB_TOKEN"} & set(given["env"])


def test_a_run_is_done_far_away_and_comes_back(shared, tmp_path, monkeypatch):
    """A real worker behind a real courier, and a bucket over HTTP."""
    set_keys(monkeypatch)
    with s3_server() as port:
        monkeypatch.setenv("TL_STORE", "s3://bucket/prefix")
        monkeypatch.setenv("TL_STORE_ENDPOINT", f"http://127.0.0.1:{port}")
        settings = replace(read_settings(), home=shared[0].home)
        far = replace(settings, home=shared[1].home)
        engine = open_database(settings)
        record, run = queued(settings, engine, tmp_path)
        here = opened.open_store(settings, engine)
        here.push(f"datasets/{record.id}")
        monkeypatch.setenv("TL_HOME", far.home)
        writer = RunWriter(engine)
        run_id, place = writer.claim_next("light")
        assert run_id == run.id
        job = LocalExecutor(1, standby=False, home=far.home_path).submit(
            far.home_path / place, Needs(run_id)
        )
        writer.hand_over(run_id, *job.process)
        runs = RunStore(engine, "local", settings.home_path)
        end = time.monotonic() + 120
        while (found := runs.find(run_id)).status == "running" and time.monotonic() < end:
            time.sleep(0.1)
        log = (far.home_path / place / "worker.log").read_text()
        assert found.status == "done", (found.reason, log)
        assert not (runs.find(run_id).folder / "texts-1.csv").exists()
        for folder in ready_here(engine, far.home_path):
            opened.open_store(far, engine).push(folder)
        made = runs.get(run_id).folder / "texts-1.csv"
        assert made.read_bytes() == (far.home_path / place / "texts-1.csv").read_bytes()
        assert made.is_relative_to(settings.home_path) and b"text" in made.read_bytes()


def test_a_store_that_hangs_keeps_nobody_from_queueing(remembered, tmp_path, monkeypatch):
    settings, _, stores, _ = remembered
    monkeypatch.setattr(opened, "_PATIENCE", 0.05)
    hanging, gone_on, push = threading.Event(), threading.Event(), stores[settings.home].push

    def slowly(folder, **options):
        if folder.startswith("runs/"):
            assert hanging.wait(60)
        push(folder, **options)
        gone_on.set()

    stores[settings.home].push = slowly
    _, run = queued(settings, open_database(settings), tmp_path)
    assert run.status == "queued"
    with pytest.raises(NotFoundError):
        stores[settings.home].manifest(f"runs/{run.id}")
    gone_on.clear()
    hanging.set()
    assert gone_on.wait(60) and stores[settings.home].manifest(f"runs/{run.id}")
