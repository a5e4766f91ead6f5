"""Several dispatchers on one registry: each run is started once, and slots are those of each."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from sqlalchemy import insert, select
from tests_support.studio import ROOT

from tl_core.database.tables import locks, runs
from tl_core.jobs.dispatch import Dispatcher, lock_beside
from tl_core.registry.processes import HOST
from tl_core.registry.queue import RunWriter
from tl_core.registry.scheduling.ledger import Asked, Need, hold

RUNS = 24


def queue(engine, name):
    row = {"owner": "ann", "kind": "train", "recipe": "probe", "status": "queued"}
    with engine.begin() as connection:
        values = {"created": 1.0, "queued": 1.0, "folder": f"runs/{name}"}
        connection.execute(insert(runs).values(id=name, **row, **values))
        hold(connection, Asked(name, "ann", "train", "probe"), Need(1.0, True, 0), 1.0)


def test_two_processes_start_each_run_once(engine, home, tmp_path):
    for number in range(RUNS):
        queue(engine, f"r{number:03}")
    homes = [tmp_path / "one", tmp_path / "two"]
    url = engine.url.render_as_string(hide_password=False)
    processes = []
    for number, place in enumerate(homes):
        place.mkdir()
        command = [sys.executable, str(ROOT / "tests/tests_support/two_dispatchers.py")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TL_DATABASE_URL": url}
        arguments = [str(place), str(number), "3", "120"]
        processes.append(subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment))
    while not all((place / "ready").exists() for place in homes):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)
    for place in homes:
        (place / "go").touch()
    assert [process.wait(timeout=200) for process in processes] == [0, 0]
    started = [(place / "started").read_text().split() for place in homes if _any(place)]
    assert sorted(sum(started, [])) == [f"r{number:03}" for number in range(RUNS)]
    with engine.connect() as connection:
        assert set(connection.execute(select(runs.c.status)).scalars()) == {"done"}
        assert not connection.execute(select(locks)).all()


def _any(place):
    return (place / "started").exists()


class Here:
    name = "local"


def test_one_beside_is_another_lock_and_other_slots(engine, home, tmp_path):
    main = Dispatcher(engine, home, Here(), {"train": 2})
    beside = Dispatcher(engine, tmp_path, Here(), {"train": 1}, beside=True)
    again = Dispatcher(engine, tmp_path, Here(), {"train": 1}, beside=True)
    assert main.acquire() and beside.acquire()
    assert not Dispatcher(engine, home, Here(), {"train": 2}).acquire()
    assert not again.acquire()
    with engine.begin() as connection:
        query = locks.update().where(locks.c.name == lock_beside(tmp_path))
        connection.execute(query.values(host="other"))
    for name, host in (("a", HOST), ("b", "other"), ("c", "other"), ("d", None), ("e", "third")):
        queue(engine, name)
        with engine.begin() as connection:
            connection.execute(
                runs.update().where(runs.c.id == name).values(status="running", host=host)
            )
    assert main._running("train") == 3  # what another scheduler keeps is ours, and who is unknown
    assert beside._running("train") == 1
    assert RunWriter(engine).running("train") == 5


@pytest.mark.parametrize("beside", [False, True])
def test_only_the_first_says_how_many_slots_there_are(engine, home, beside, monkeypatch):
    told = []
    monkeypatch.setattr("tl_core.jobs.dispatch.note_slots", lambda *given: told.append(given))
    dispatcher = Dispatcher(engine, home, Here(), {"train": 2}, beside=beside)
    monkeypatch.setattr(dispatcher, "_may_prepare", lambda: False)
    assert dispatcher.acquire()
    dispatcher.turn()
    assert bool(told) != beside
