"""The keeper stores what is complete here, tries again what failed, and says how it stands."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import insert
from tests_support.buckets import in_memory

from tl_core.artifacts.folder_store import FolderStore
from tl_core.database.engine import open_database
from tl_core.database.tables import runs
from tl_core.errors import UserError
from tl_core.jobs.keeper import Keeper
from tl_core.registry.processes import HOST
from tl_core.settings import Settings


class Clock:
    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def kept(home):
    """A keeper, its store, the objects of the bucket, and the clock of all."""
    clock, settings = Clock(), Settings(home=str(home), store="s3://bucket/prefix")
    bucket, files = in_memory(clock)
    store = FolderStore(bucket, home)
    engine = open_database(settings)
    return Keeper(lambda: store, engine, settings, clock), store, files, clock, engine


def done(engine, home, name, at, **values):
    (home / "runs" / name).mkdir(parents=True)
    (home / "runs" / name / "config.json").write_text("{}")
    row = {"owner": "ann", "kind": "train", "status": "done", "created": at, "queued": at}
    with engine.begin() as connection:
        connection.execute(
            insert(runs).values(
                id=name, folder=f"runs/{name}", **row, finished=at, host=HOST, **values
            )
        )


def state(home):
    return json.loads((home / "store/state.json").read_text())


def stored(files):
    return {path.rpartition("/")[2] for path in files.objects if "/folders/" in path}


def test_what_has_ended_is_stored_and_what_changed_is_stored_again(kept, home):
    keeper, store, files, clock, engine = kept
    done(engine, home, "a", clock.now)
    keeper.turn()
    assert stored(files) == {"a.json"}
    clock.now += 5
    done(engine, home, "b", clock.now)
    keeper.turn()
    assert stored(files) == {"a.json", "b.json"}
    (home / "runs/a/thresholds.json").write_text("[]")
    clock.now += 700
    keeper.turn()
    assert set(store.manifest("runs/a").files) == {"config.json", "thresholds.json"}
    assert state(home)["folders"] == 2 and state(home)["troubles"] == []
    assert state(home)["collection"]["folders"] == 1  # as of the first turn


def test_what_fails_is_told_and_tried_again(kept, home):
    keeper, store, files, clock, engine = kept
    done(engine, home, "a", clock.now)

    def no_pieces(request, path):
        if request == "put" and "/pieces/" in path:
            raise PermissionError("not there")

    files.before = no_pieces
    keeper.turn()
    assert "refuses" in state(home)["troubles"][0] and not stored(files)
    done(engine, home, "b", clock.now)
    (home / "runs/b/config.json").write_text("")  # an empty file has no piece
    clock.now += 1
    keeper.turn()
    assert stored(files) == {"b.json"}  # nobody waits for what fails
    files.before = lambda *_: None
    clock.now += 40
    keeper.turn()
    assert stored(files) == {"a.json", "b.json"}
    clock.now += 700
    keeper.turn()
    assert state(home)["troubles"] == []


def test_it_goes_on_where_the_store_is_away(home):
    settings = Settings(home=str(home), store="s3://bucket/prefix")

    def away():
        raise UserError("It is away.")

    keeper = Keeper(away, open_database(settings), settings)
    with pytest.raises(UserError):
        keeper.turn()


def test_what_is_not_used_makes_room_but_for_what_runs_read(kept, home, monkeypatch):
    from tl_core.config import RunConfig

    keeper, store, files, clock, engine = kept
    keeper._settings = Settings(home=str(home), store="s3://bucket/prefix", store_cache_mb="1")
    for name in ("old", "read"):
        done(engine, home, name, clock.now)
        (home / "runs" / name / "model.bin").write_bytes(name.encode() * (1 << 18))
    keeper.turn()
    (home / "runs/active").mkdir()
    RunConfig(kind="stress", owner="ann", options={"run": "read"}).write(home / "runs/active")
    row = {"id": "active", "folder": "runs/active", "owner": "ann", "kind": "stress"}
    with engine.begin() as connection:
        times = {"created": clock.now, "queued": clock.now}
        connection.execute(insert(runs).values(**row, status="running", host="other", **times))
    monkeypatch.setattr("tl_core.artifacts.room.IDLE_SECONDS", -1.0)
    clock.now += 700
    keeper.turn()
    assert not (home / "runs/old/model.bin").exists()
    assert (home / "runs/read/model.bin").exists()
