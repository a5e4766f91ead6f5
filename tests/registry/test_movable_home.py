"""A home that is moved or copied opens elsewhere with everything in it; an old one becomes such."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from tests_support.datasets import write_texts

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import DatasetVersion
from tl_core.database import engine as database
from tl_core.database.engine import open_database
from tl_core.jobs.worker import carry_out
from tl_core.places import inside, placed, written
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


@pytest.fixture
def at(monkeypatch):
    """The stores of a home, which is that of this process from then on."""

    def open_home(home):
        monkeypatch.setenv("TL_HOME", str(home))
        engine = open_database(read_settings())
        return DatasetStore(engine, "local", home), RunStore(engine, "local", home), engine

    return open_home


def do_next(engine, lane):
    """What a dispatcher and a worker do with the next run, in this process."""
    handler = signal.getsignal(signal.SIGTERM)
    _, folder = RunWriter(engine).claim_next(lane)
    assert carry_out(read_settings().home_path / folder, read_settings()) == 0
    signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize("way", ["moved", "copied"])
def test_a_home_works_at_another_place(tmp_path, at, way):
    """Data, a report and what still waits in the queue come along; no file names the old place."""
    old, new = tmp_path / "old", tmp_path / "new place"
    datasets, runs, engine = at(old)
    source = str(write_texts(tmp_path / "t.csv", 60))
    record, _, _ = add_dataset(datasets, read_settings(), source, "mail", ImportOptions())
    data = (record.reference, str(record.folder))
    done = runs.create(RunConfig("train", "local", *data, "", "baseline"))
    do_next(engine, "train")
    upload = old / "uploads" / "a1" / "more.csv"
    upload.parent.mkdir(parents=True)
    shutil.copy(source, upload)
    brought = {"source": str(upload), "name": "more", "upload": str(upload.parent)}
    waiting = runs.create(RunConfig("import", "local", "more", options=brought))
    headline = runs.get(done.id).headline
    engine.dispose()
    database._open.cache_clear()

    shutil.move(old, new) if way == "moved" else shutil.copytree(old, new)
    for path in new.rglob("*"):
        if path.is_file():
            assert str(old).encode() not in path.read_bytes(), path
    shutil.rmtree(old, ignore_errors=True)

    datasets, runs, engine = at(new)
    assert datasets.get("mail").folder.parent == new / "datasets"
    assert DatasetVersion(datasets.get("mail").folder).info.rows == 60
    moved = runs.get(done.id)
    assert (moved.folder, moved.headline) == (new / "runs" / done.id, headline)
    assert json.loads((moved.folder / "report.json").read_text())["headline"] == headline
    assert RunConfig.read(moved.folder).dataset_dir == str(datasets.get("mail").folder)
    do_next(engine, "light")
    assert runs.get(waiting.id).status == "done"
    assert datasets.get("more").rows == 60
    again = runs.create(RunConfig.read(moved.folder))  # its data are where the registry says
    do_next(engine, "train")
    assert runs.get(again.id).headline == headline


def test_paths_are_relative_inside_a_home_alone(tmp_path):
    home = tmp_path / "home"
    told = {
        "in": f"{home}/uploads/a.csv",
        "out": "/data/a.csv",
        "beside": f"{home}less/a.csv",
        "all": [str(home), {"deep": f"{home}/x/y"}],
        "n": 1,
    }
    kept = written(told, home)
    assert kept["in"] == "${TL_HOME}/uploads/a.csv" and kept["all"][1]["deep"] == "${TL_HOME}/x/y"
    assert kept | {"in": "", "all": 0} == told | {"in": "", "all": 0}
    assert placed(kept, home) == told
    assert placed(kept, Path("/b"))["in"] == "/b/uploads/a.csv"
    assert inside(home / "runs" / "a", home) == "runs/a"
    assert inside(Path("/elsewhere"), home) == "/elsewhere"


def test_a_config_cannot_lead_out_of_its_home(tmp_path):
    """`${TL_HOME}` is for what lies in it: a text that climbs out of it stays a text."""
    for text_ in ("${TL_HOME}/../x", "${TL_HOME}/a/../../x", "${TL_HOME}//etc/passwd"):
        assert placed(text_, tmp_path) == text_


@pytest.mark.parametrize("moved", [False, True], ids=["in its place", "moved before"])
def test_an_old_home_becomes_one_that_can_be_moved(tmp_path, moved):
    """Absolute paths, and folders where ids stand today, as earlier versions wrote them."""
    old, home = tmp_path / "was", tmp_path / ("is" if moved else "was")
    configs = {
        "aaaa": {"kind": "train", "backbone": "starter:text", "dataset_dir": f"{old}/datasets/d1"},
        "bbbb": {"kind": "train", "backbone": "x", "options": {"continue_from": "aaaa"}},
        "cccc": {"kind": "predict", "options": {"model": f"{old}/runs/aaaa/model"}},
        "dddd": {"kind": "train", "backbone": "run:aaaa", "options": {"strategy": "lpft"}},
        "eeee": {"kind": "stress", "options": {"run": "aaaa"}},
        "ffff": {"kind": "push", "options": {"bundle": f"{old}/runs/eeee/m-1"}},
    }
    for name, told in configs.items():
        folder = home / "runs" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"owner": "me", **told}))
    (home / "runs" / "aaaa" / "rungs" / "p").mkdir(parents=True)
    rung = home / "runs" / "aaaa" / "rungs" / "p" / "config.json"
    rung.write_text(json.dumps(configs["aaaa"]))
    (home / "runs" / "ffff" / "config.json").write_text("{broken")
    engine = create_engine(f"sqlite:///{home / 'studio.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes |= {"connection": connection, "home": home}
        command.upgrade(config, "0003")
        for name in configs:
            connection.execute(
                text(
                    "INSERT INTO runs (id, owner, kind, dataset, backbone, recipe, folder, status,"
                    " created, queued, progress, headline, cancel_requested, stop_requested) VALUES"
                    " (:id, 'me', 'train', 'd@1', '', '', :folder, 'done', 0, 0, 1, '',"
                    " false, false)"
                ),
                {"id": name, "folder": f"{old}/runs/{name}"},
            )
        connection.execute(
            text(
                "INSERT INTO datasets (id, owner, name, version, fingerprint, modality, task,"
                " rows, classes, folder, created) VALUES ('d1', 'me', 'd', 1, 'f', 'text', 't', 1,"
                " 2, :folder, 0)"
            ),
            {"folder": f"{old}/datasets/d1"},
        )
    for _ in range(2):  # a second time changes nothing
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    runs = RunStore(engine, "me", home)
    assert {run.id: run.parent for run in runs.list(limit=None)} == {
        "aaaa": "",
        "bbbb": "aaaa",
        "cccc": "aaaa",
        "dddd": "aaaa",
        "eeee": "aaaa",
        "ffff": "",
    }
    assert runs.get("aaaa").folder == home / "runs" / "aaaa"
    assert DatasetStore(engine, "me", home).get("d").folder == home / "datasets" / "d1"
    for path in (home / "runs" / "aaaa" / "config.json", rung):
        assert json.loads(path.read_text())["dataset_dir"] == "${TL_HOME}/datasets/d1"


def test_what_looks_at_a_run_is_found_by_it(tmp_path, at):
    datasets, runs, _ = at(tmp_path / "home")
    first, second = (
        runs.create(RunConfig("train", "local", "d@1", "", "starter:text", "probe"))
        for _ in range(2)
    )
    for run in (first, first, second):
        runs.create(RunConfig("stress", "local", "d@1", options={"run": run.id}))
    further = RunConfig("train", "local", "d@1", "", f"run:{first.id}", "probe")
    child = runs.create(further)
    assert [run.parent for run in runs.children(first.id, "stress")] == [first.id] * 2
    assert [run.id for run in runs.children(first.id, "train")] == [child.id]
    assert runs.children(child.id, "stress") == []
    assert RunStore(runs._engine, "somebody", tmp_path / "home").children(first.id, "stress") == []
