"""Backup and restore: a round trip with a model that still answers, and archives that lie."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sqlite3
import threading
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from tests_support.datasets import write_texts
from tests_support.postgres import new_database

from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database import engine as database
from tl_core.database.engine import open_database
from tl_core.database.tables import (
    locks,
    models,
    runs,
    sessions,
    stints,
    uploads,
    users,
)
from tl_core.errors import StateError
from tl_core.evaluate.report import load_report
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.services import backup, database_copy
from tl_core.services.backup import KEPT, LEFT, back_up
from tl_core.services.datasets import add_dataset, fix_dataset
from tl_core.services.restore import restore
from tl_core.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
TEXT = "the parcel never came"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def places(request, monkeypatch):
    """The address of a database, and of an empty one for the restore; both empty for SQLite."""
    if request.param == "sqlite":
        yield "", ""
        return
    with new_database() as old, new_database() as new:
        yield old, new
        database._open.cache_clear()


@pytest.fixture
def at(monkeypatch):
    """`at(home, url)`: the stores of a home, which is that of this process from then on."""
    engines = []

    def open_home(home, url=""):
        monkeypatch.setenv("TL_HOME", str(home))
        if url:
            monkeypatch.setenv("TL_DATABASE_URL", url)
        engine = open_database(read_settings())
        engines.append(engine)
        return engine, DatasetStore(engine, "local", home), RunStore(engine, "local", home)

    yield open_home
    for engine in engines:
        engine.dispose()


def train(engine, store, record, tiny):
    """A finished run, done by a worker in this process."""
    made = store.create(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            f"local:{tiny('bert')}",
            "probe",
            {"baseline": False, "precision": "float32"},
        )
    )
    handler = signal.getsignal(signal.SIGTERM)
    _, folder = RunWriter(engine).claim_next("train")
    assert carry_out(read_settings().home_path / folder, read_settings()) == 0
    signal.signal(signal.SIGTERM, handler)
    return made.id


def ask(run_id, tmp_path):
    """What the model of a run answers, by command."""
    question, answers = tmp_path / "q.csv", tmp_path / "a.csv"
    question.write_text(f"text\n{TEXT}\n")
    answers.unlink(missing_ok=True)
    assert main(["predict", run_id, str(question), "-o", str(answers)]) == 0
    return answers.read_text()


def test_a_home_comes_back_with_a_model_that_answers(places, home, tmp_path, tiny, at, monkeypatch):
    engine, datasets, store = at(home, places[0])
    source = str(write_texts(tmp_path / "t.csv", 60))
    record, _, _ = add_dataset(datasets, read_settings(), source, "mail", ImportOptions())
    done = train(engine, store, record, tiny)
    running, queued = (store.create(RunConfig("train", "local", recipe="baseline")) for _ in "ab")
    RunWriter(engine).claim_next("train")
    with engine.begin() as connection:
        connection.execute(
            insert(users).values(
                id="ann",
                issuer="here",
                subject="ann",
                handle="ann",
                name="Ann",
                role="member",
                created=1.0,
                seen=1.0,
            )
        )
        connection.execute(insert(sessions).values(hash="0" * 64, user="ann", started=1.0))
    (home / "features" / "cache").mkdir(parents=True)
    (home / "cookie_secret").write_text("do not tell")
    report, answer = load_report(store.get(done).folder), ask(done, tmp_path)

    archive, new = tmp_path / "saved.graft", tmp_path / "new home"
    assert main(["backup", str(archive)]) == 0
    assert archive.stat().st_mode & 0o777 == 0o600
    engine.dispose()
    shutil.rmtree(home)
    if places[1]:
        monkeypatch.setenv("TL_DATABASE_URL", places[1])
    assert main(["restore", str(archive), "--into", str(new)]) == 0
    assert {path.name for path in new.iterdir()} <= {*KEPT, "graft.db"}

    engine, datasets, store = at(new, places[1])
    assert datasets.get("mail").rows == 60
    assert {run.id: run.status for run in store.list()} == {
        done: "done",
        running.id: "interrupted",
        queued.id: "queued",
    }
    assert "Resume it" in store.get(running.id).reason["try_this"]
    assert load_report(store.get(done).folder) == report
    assert ask(done, tmp_path) == answer
    with engine.connect() as connection:
        assert connection.execute(select(sessions)).all() == []
        assert connection.execute(select(locks)).all() == []
        open_stints = select(stints.c.run).where(stints.c.ended.is_(None))
        assert connection.execute(open_stints).scalars().all() == [queued.id]
        assert connection.execute(select(users.c.sessions_valid_after)).scalar_one() > 1.7e9
    assert store.resume(running.id).status == "queued"
    assert main(["backup", str(tmp_path / "again.graft")]) == 0


def test_what_is_saved_is_told(saved):
    settings, archive, told = saved
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))
        names = opened.namelist()
        for name, facts in manifest["files"].items():
            content = opened.read(name)
            assert hashlib.sha256(content).hexdigest() == facts["sha256"]
            assert len(content) == facts["bytes"]
        assert hashlib.sha256(opened.read("manifest.json")).hexdigest() == told.fingerprint
    assert sorted(names) == sorted([*manifest["files"], "manifest.json"])
    assert told.files == 4 and len(manifest["links"]) == 1  # shared content lies in it once
    assert told.left_out == ["unknown", "runs/r1/elsewhere", "runs/r1/folder"]
    assert manifest["database"] == {"kind": "sqlite", "schema": database.HEAD}
    assert [path.name for path in archive.parent.glob(".*")] == []


def test_shared_files_are_shared_again(saved, tmp_path):
    settings, archive, told = saved
    restored = restore(archive, tmp_path / "new", Settings())
    assert restored.fingerprint == told.fingerprint and restored.files == 4
    one, two = (tmp_path / "new/datasets/d1" / name for name in ("version.json", "again.json"))
    assert one.samefile(two)


def test_a_backup_is_consistent_while_others_write(home, tmp_path):
    """Rows that belong together are written by another thread all the while."""
    settings = Settings(home=str(home))
    engine, stop = open_database(settings), threading.Event()
    store = RunStore(engine, "local", home)
    first, second = (store.create(RunConfig("train", "local", recipe="baseline")) for _ in "ab")

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            with engine.begin() as connection:
                for run in (first, second):
                    connection.execute(
                        update(runs).where(runs.c.id == run.id).values(note=str(number))
                    )
                    with (run.folder / "events.jsonl").open("a") as events:
                        events.write("{}\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            back_up(settings, tmp_path / f"{number}.graft")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        new = tmp_path / f"new{number}"
        restore(tmp_path / f"{number}.graft", new, Settings())
        with sqlite3.connect(new / "graft.db") as connection:
            notes = {row[0] for row in connection.execute("SELECT note FROM runs")}
        connection.close()
        assert len(notes) == 1


def test_rows_whose_folder_was_deleted_meanwhile_are_left_out(home, tmp_path, monkeypatch):
    settings = Settings(home=str(home))
    store = RunStore(open_database(settings), "local", home)
    kept, gone = (store.create(RunConfig("train", "local", recipe="baseline")) for _ in "ab")
    with open_database(settings).begin() as connection:
        for name in ("kept", "lost"):
            about = {"id": name, "owner": "local", "name": name, "created": 0.0}
            model = {"project": f"local/{name}", "folder": f"models/{name}"}
            connection.execute(insert(models).values(**about, **model))
            connection.execute(insert(uploads).values(**about, size=1, touched=0.0))
            for folder in ("models", "uploads"):
                (home / folder / name).mkdir(parents=True)
                (home / folder / name / "file").write_text("content")
    own = backup.copy_database

    def copy(settings, target):
        facts = own(settings, target)
        for folder in (gone.folder, home / "models" / "lost", home / "uploads" / "lost"):
            shutil.rmtree(folder)
        return facts

    monkeypatch.setattr(backup, "copy_database", copy)
    back_up(settings, tmp_path / "saved.graft")
    assert restore(tmp_path / "saved.graft", tmp_path / "new", Settings()).missing == 3
    engine = open_database(Settings(home=str(tmp_path / "new")))
    assert [run.id for run in RunStore(engine, "local", tmp_path / "new").list()] == [kept.id]
    with engine.connect() as connection:
        for table in (models, uploads):
            assert list(connection.execute(select(table.c.id)).scalars()) == ["kept"]


@pytest.mark.postgres
def test_a_database_that_is_not_empty_stays_as_it_is(home, tmp_path):
    with new_database() as url:
        settings = Settings(home=str(home), database_url=url)
        engine = open_database(settings)
        back_up(settings, tmp_path / "saved.graft")
        with pytest.raises(StateError, match="database is not empty"):
            restore(tmp_path / "saved.graft", tmp_path / "new", settings)
        with engine.connect() as connection:
            count = connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one()
        assert count == 1
        engine.dispose()


def program(folder, name, version):
    """A program that only tells its version."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("at_least", "chosen"), [(12, "14"), (14, "14"), (15, "16"), (16, "16"), (17, "")]
)
def test_programs_of_postgresql_are_found_by_version(tmp_path, monkeypatch, at_least, chosen):
    for version in ("14", "16"):
        program(tmp_path / version / "bin", "pg_dump", f"{version}.2 (Debian)")
    monkeypatch.setenv("PATH", str(tmp_path / "16" / "bin") + ":/bin")
    monkeypatch.setattr(database_copy, "_FOLDERS", (f"{tmp_path}/*/bin",))
    if chosen:
        found = database_copy._program("pg_dump", at_least)
        assert found == (str(tmp_path / chosen / "bin" / "pg_dump"), int(chosen))
    else:
        with pytest.raises(StateError, match="no pg_dump of PostgreSQL 17") as told:
            database_copy._program("pg_dump", at_least)
        assert told.value.why == "Found: 14, 16."


def test_no_folder_of_a_home_is_forgotten():
    """Whatever the code writes into a home is either kept or known to be left."""
    pattern = re.compile(r"home(?:_path)?\b\s*/\s*\"([\w.]+)\"")
    named = {
        name
        for folder in ("tl_core", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for name in pattern.findall(path.read_text())
    }
    assert len(named) >= 10 and named <= set(KEPT) | set(LEFT), named - set(KEPT) - set(LEFT)
    assert not set(KEPT) & set(LEFT)


def test_versions_of_a_dataset_share_their_items_in_a_backup(home, tmp_path, at):
    _, datasets, _ = at(home)
    path = write_texts(tmp_path / "t.csv", 60)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *lines[1:20]]))  # exact copies, which can be removed
    record, info, _ = add_dataset(datasets, read_settings(), str(path), "mail", ImportOptions())
    finding = next(one for one in info.findings if one["actions"])
    fix_dataset(datasets, record.reference, finding["id"], finding["actions"][0]["id"])
    back_up(read_settings(), tmp_path / "saved.graft")
    with zipfile.ZipFile(tmp_path / "saved.graft") as opened:
        items = [name for name in opened.namelist() if name.endswith("items.arrow")]
    assert len(items) == 1
