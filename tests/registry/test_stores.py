"""Rows: owners, guarded changes of status, dead processes; on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from tl_core.config import RunConfig
from tl_core.database.engine import HEAD, current_revision, open_database
from tl_core.database.tables import activity, metadata, runs
from tl_core.errors import DataError, NotFoundError, StateError
from tl_core.registry import queue
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.processes import Absences, own_identity, start_time
from tl_core.registry.queue import RunWriter, sweep
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings


def config(owner="ann", kind="train"):
    return RunConfig(kind, owner, "d@1", "", "starter:text", "probe")


def test_the_schema_is_the_one_of_the_code(engine):
    from sqlalchemy import inspect

    with engine.connect() as connection:
        assert current_revision(connection) == HEAD
        for table in metadata.sorted_tables:
            found = {
                column["name"]: column["nullable"]
                for column in inspect(connection).get_columns(table.name)
            }
            assert found == {column.name: column.nullable for column in table.columns}


def test_a_newer_database_is_refused(home):
    engine = open_database(Settings(home=str(home)))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    from tl_core.database import engine as database

    database._open.cache_clear()
    with pytest.raises(StateError, match="newer version"):
        open_database(Settings(home=str(home)))


def test_owners_do_not_see_each_other(engine, home, ann):
    run = ann.create(config())
    bob = RunStore(engine, "bob", home)
    for action in (bob.get, bob.cancel, bob.resume, bob.restore):
        with pytest.raises(NotFoundError):
            action(run.id)
    for removal in (bob.delete, bob.purge, bob.discard):
        with pytest.raises(NotFoundError):
            removal([run.id])
    assert bob.list() == []
    with pytest.raises(StateError, match="cannot start a run for"):
        bob.create(config())


def test_a_run_on_a_sample_belongs_to_the_project_of_the_dataset_that_it_makes(engine, ann, data):
    run = ann.create(RunConfig("train", "ann", "sample:d", "", "starter:text", "probe"))
    assert ann.of_dataset("d") == []
    writer, made = RunWriter(engine), data.get("d")
    writer.claim_next("train")
    writer.rename_dataset(run.id, made.reference, made.project)
    assert [one.id for one in ann.of_dataset("d")] == [run.id]
    assert [one.id for one in ann.of_dataset("d@1")] == [run.id]


def test_earlier_runs_on_a_sample_come_to_their_project_too(engine, home, ann, data):
    made = ann.create(RunConfig("train", "ann", "sample:d", "", "starter:text", "probe"))
    waits = ann.create(RunConfig("train", "ann", "sample:d", "", "starter:text", "probe"))
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == made.id).values(dataset="d@1"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0014'"))
    from tl_core.database import engine as database

    url = str(engine.url.render_as_string(hide_password=False))
    database._open.cache_clear()
    again = open_database(Settings(home=str(home), database_url="" if "sqlite" in url else url))
    found = RunStore(again, "ann", home)
    assert [one.id for one in found.of_dataset("d")] == [made.id]
    assert [one.id for one in found.of_dataset("sample:d")] == [waits.id]
    again.dispose()
    database._open.cache_clear()


def test_datasets_have_owners_versions_and_equal_content_makes_none(engine, home):
    store = DatasetStore(engine, "ann", home)
    facts = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
    first, new = store.add("mail", store.new_folder(), {**facts, "fingerprint": "a"})
    assert (first.reference, new) == ("mail@1", True)
    assert store.add("mail", store.new_folder(), {**facts, "fingerprint": "a"}) == (first, False)
    assert (
        store.add("mail", store.new_folder(), {**facts, "fingerprint": "b"})[0].reference
        == "mail@2"
    )
    assert store.get("mail").version == 2
    assert store.get("mail@1").fingerprint == "a"
    assert [record.version for record in store.list()] == [2]
    other = DatasetStore(engine, "bob", home)
    assert other.list() == []
    with pytest.raises(NotFoundError, match="no dataset"):
        other.get("mail")
    with pytest.raises(NotFoundError, match="Did you mean mail"):
        store.get("mial")


def test_a_dataset_in_use_is_not_deleted(engine, home, ann):
    store = DatasetStore(engine, "ann", home)
    store.add(
        "d",
        store.new_folder(),
        {"modality": "text", "task": "single_label", "rows": 4, "classes": 2, "fingerprint": "a"},
    )
    run = ann.create(config())
    with pytest.raises(DataError, match="1 run"):
        store.delete("d")
    ann.cancel(run.id)
    ann.delete([run.id])
    assert len(store.delete("d")) == 1


@pytest.mark.parametrize("name", ["", "  ", "../x", "a" * 81, "a/b", "a@1", "<b>"])
def test_bad_dataset_names_are_refused(engine, home, name):
    store = DatasetStore(engine, "ann", home)
    with pytest.raises(DataError):
        store.add(name, home, {"fingerprint": "a"})


def test_the_same_draft_makes_one_run_however_often_it_is_sent(ann):
    found, threads = [], []
    for _ in range(8):
        threads.append(
            threading.Thread(target=lambda: found.append(ann.create(config(), draft="one").id))
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(ann.list()) == 1
    assert len(list((ann._home / "runs").iterdir())) == 1


def test_only_one_of_many_dispatchers_gets_a_run(engine, ann):
    for _ in range(5):
        ann.create(config())
    won, threads = [], []
    for _ in range(4):
        threads.append(
            threading.Thread(
                target=lambda: won.extend(
                    [
                        claim[0]
                        for claim in iter(lambda: RunWriter(engine).claim_next("train"), None)
                    ]
                )
            )
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == len(set(won)) == 5


def test_the_queue_shows_places_and_is_fair_between_owners(engine, home, ann):
    first, second = ann.create(config()), ann.create(config())
    third = RunStore(engine, "bob", home).create(config("bob"))
    assert [ann.get(first.id).place, ann.get(second.id).place] == [1, 3]  # bob's goes before it
    writer = RunWriter(engine)
    assert writer.claim_next("train")[0] == first.id
    assert writer.claim_next("train")[0] == third.id  # ann has one running already
    assert writer.claim_next("light") is None
    assert ann.get(second.id).place == 1


def test_cancelling(engine, ann):
    queued, running = ann.create(config()), ann.create(config())
    ann.cancel(queued.id)
    assert ann.get(queued.id).status == "cancelled"
    writer = RunWriter(engine)
    assert writer.claim_next("train")[0] == running.id
    assert not writer.beat(running.id, 0.5)
    assert ann.cancel(running.id).status == "running"
    assert writer.beat(running.id, 0.5)
    writer.finish(running.id, "cancelled")
    with pytest.raises(StateError, match="already cancelled"):
        ann.cancel(running.id)


@pytest.mark.parametrize("how", ["zombie", "gone", "reused", "other host"])
def test_a_dead_process_is_seen_by_every_reader(engine, ann, how, monkeypatch):
    steady = [0.0]
    monkeypatch.setattr(queue, "absences", Absences(lambda: steady[0]))
    run = ann.create(config())
    writer = RunWriter(engine)
    writer.claim_next("train")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = start_time(child.pid)
    writer.hand_over(run.id, child.pid, started)
    assert ann.get(run.id).status == "running"
    if how == "reused":
        writer.hand_over(run.id, child.pid, started - 100)
    elif how == "other host":
        with engine.begin() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run.id)
                .values(host="elsewhere", heartbeat=time.time() - 1000)
            )
        for _ in range(6):
            assert ann.get(run.id).status == "running"  # its clock may be another one
            steady[0] += 10.0
    else:
        child.kill()
        if how == "gone":
            child.wait()
    time.sleep(0.2)
    found = ann.get(run.id)
    assert found.status == "interrupted"
    assert "Resume" in found.reason["try_this"]
    child.kill()
    child.wait()
    assert ann.resume(run.id).status == "queued"
    with engine.connect() as connection:
        last = select(activity.c.action).where(activity.c.object == run.id)
        done = connection.execute(last.order_by(activity.c.id.desc()).limit(1))
        assert done.scalar_one() == "resume"


def test_finish_changes_only_running_rows(engine, ann):
    run = ann.create(config())
    RunWriter(engine).finish(run.id, "done", headline="x")
    assert ann.get(run.id).status == "queued"
    with pytest.raises(StateError, match="Only failed"):
        ann.resume(run.id)
    with pytest.raises(StateError, match="Cancel it first"):
        ann.delete([run.id])


def test_own_process_is_alive():
    from tl_core.registry.processes import is_alive

    host, pid, started = own_identity()
    assert is_alive(host, pid, started, None, 0.0)
    assert not is_alive(host, None, None, None, 0.0)
    assert Path(f"/proc/{pid}").exists()


def test_folders_of_runs_without_a_row_are_swept_after_a_day(engine, home, ann):
    kept = ann.create(config())
    old, fresh = home / "runs" / "0123456789", home / "runs" / "abcdef0123"
    for folder in (old, fresh):
        (folder / "model").mkdir(parents=True)
    for folder in (old, kept.folder):
        os.utime(folder, (time.time() - 90_000,) * 2)
    assert sweep(engine, home) == 1
    assert not old.exists() and fresh.exists() and kept.folder.exists()


def test_every_run_is_listed_however_many_there_are(ann):
    made = [ann.create(config()).id for _ in range(230)]
    assert [run.id for run in ann.list(kind="train", limit=None)] == made[::-1]
    assert ann.list(kind="train", status="done", limit=None) == []


ODD = ["d@²", "d@٣", "d@" + "9" * 30, "d@-1", "d@ 1", "d@1.0"]


@pytest.mark.parametrize("reference", ODD)
def test_odd_numbers_name_no_version(engine, home, reference):
    store = DatasetStore(engine, "ann", home)
    facts = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
    store.add("d", store.new_folder(), {**facts, "fingerprint": "a"})
    with pytest.raises(NotFoundError):
        store.get(reference)
