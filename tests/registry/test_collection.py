"""What nobody refers to leaves the store; what a row refers to or is being sent never does."""

from __future__ import annotations

import random
import threading
import time

import pytest
from sqlalchemy import delete, insert, select
from tests_support.buckets import in_memory

from tl_core.artifacts import manifests
from tl_core.artifacts.bucket import Bucket, StoreError
from tl_core.artifacts.folder_store import FolderStore, object_name
from tl_core.config import RunConfig
from tl_core.database.tables import locks, runs, stores
from tl_core.registry.runs import RunStore
from tl_core.registry.stored.checking import check
from tl_core.registry.stored.collection import GRACE_SECONDS, collect, last_collection
from tl_core.registry.stored.store_rows import claim, living, ready_here
from tl_core.registry.stored.turns_of_store import TurnsOfStore
from tl_core.settings import Settings

DAY = 86_400.0


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(manifests, "PIECE_BYTES", 1000)


class Machine:
    """A home with a store in a shared bucket."""

    def __init__(self, engine, home, files, **turns):
        quick = {"upload_seconds": 0.0, "collect_seconds": 0.0, "pause": lambda _seconds: None}
        self.turns = TurnsOfStore(engine, **{**quick, **turns})
        self.bucket = Bucket(files, "bucket/prefix", pause=lambda _seconds: None)
        self.store = FolderStore(self.bucket, home, self.turns.uploading)
        self.engine, self.settings, self.home = engine, Settings(home=str(home)), home
        home.mkdir(exist_ok=True)

    def run(self, name, *parts):
        """A run with a row and a folder of some contents."""
        folder = self.home / "runs" / name
        folder.mkdir(parents=True)
        for number, part in enumerate(parts):
            (folder / f"{number}.bin").write_bytes(part)
        with self.engine.begin() as connection:
            connection.execute(insert(runs).values(**row(name)))
        return f"runs/{name}"

    def remove_row(self, folder):
        with self.engine.begin() as connection:
            connection.execute(delete(runs).where(runs.c.folder == folder))

    def collect(self, grace=0.0, clock=time.time):
        return collect(
            self.bucket, self.engine, self.settings, grace=grace, clock=clock, turns=self.turns
        )


def row(name, status="done"):
    return {
        "id": name,
        "owner": "ann",
        "kind": "train",
        "folder": f"runs/{name}",
        "status": status,
        "created": 1.0,
        "queued": 1.0,
        "finished": 2.0,
    }


def later(seconds):
    return lambda: time.time() + seconds


@pytest.fixture
def files():
    return in_memory()[1]


@pytest.fixture
def one(engine, tmp_path, files):
    return Machine(engine, tmp_path / "one", files)


@pytest.fixture
def other(engine, tmp_path, files):
    return Machine(engine, tmp_path / "other", files)


def test_what_no_row_refers_to_goes_and_shared_pieces_stay(one, other):
    shared = b"s" * 3500
    stays, goes = one.run("a", shared, b"a" * 500), one.run("b", shared, b"b" * 500)
    one.store.push(stays)
    one.store.push(goes)
    one.remove_row(goes)
    told = one.collect(clock=later(60))
    assert (told.folders, told.removed_folders) == (1, 1)
    assert (told.removed_pieces, told.removed_bytes) == (1, 500)
    other.store.pull(stays)
    assert (other.home / "runs/a/0.bin").read_bytes() == shared
    assert check(one.bucket, one.engine, content=True).damaged == {}
    assert last_collection(one.bucket) == told


def test_what_is_new_stays_for_a_day(one):
    folder = one.run("a", b"x" * 1500)
    one.store.push(folder)
    one.remove_row(folder)
    assert one.collect(GRACE_SECONDS).removed_pieces == 0
    assert one.collect(GRACE_SECONDS, later(2 * DAY)).removed_pieces == 2


def test_rows_in_the_trash_live(one, engine):
    folder = one.run("a", b"x")
    with engine.begin() as connection:
        connection.execute(runs.update().values(deleted=1.0))
    one.store.push(folder)
    one.collect(clock=later(60))
    assert one.store.manifest(folder).files


def test_features_go_when_nobody_has_used_them(one):
    place = one.home / "features" / "ab"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text('{"inputs": "%s", "backbone": "b"}' % ("1" * 64))
    one.store.push("features/ab")
    assert one.collect(clock=later(29 * DAY)).removed_folders == 0
    assert one.collect(clock=later(31 * DAY)).removed_folders == 1


def test_nothing_goes_where_one_manifest_cannot_be_read(one, files):
    kept, gone = one.run("a", b"x" * 2500), one.run("b", b"y" * 2500)
    for folder in (kept, gone):
        one.store.push(folder)
    one.remove_row(gone)
    path = f"bucket/prefix/{object_name(kept)}"
    files.objects[path] = (files.objects[path][0][:99], 0.0)
    claim(one.engine, one.bucket)
    before = dict(files.objects)
    with pytest.raises(StoreError, match="damaged"):
        one.collect(clock=later(60))
    assert files.objects == before


def test_a_store_belongs_to_one_registry(one, engine, home, tmp_path, files):
    from tl_core.database.engine import open_database

    one.store.push(one.run("a", b"x"))
    one.collect()
    claim(engine, one.bucket)
    stranger = open_database(Settings(home=str(tmp_path / "stranger")))
    foreign = Machine(stranger, tmp_path / "stranger", files)
    for step in (foreign.collect, lambda: check(foreign.bucket, stranger)):
        with pytest.raises(StoreError, match="belongs to another installation"):
            step()
    stranger.dispose()
    with engine.connect() as connection:
        assert len(connection.execute(select(stores)).all()) == 1


def moments(engine, tmp_path, how_many):
    """A bucket for each moment, in which the pieces of a run lie, old and of nobody, while another
    run of the same content has just been made: two machines, the objects, that run and its content.
    """
    for moment in range(1, how_many):
        files, parts = in_memory()[1], [b"p" * 2500, b"q" * 1500]
        one, other = (Machine(engine, tmp_path / f"{name}{moment}", files) for name in ("m", "n"))
        gone = one.run(f"gone{moment}", *parts)
        one.store.push(gone)
        one.remove_row(gone)
        folder = one.run(f"new{moment}", *parts)
        claim(engine, other.bucket)
        files.requests.clear()
        yield moment, one, other, files, folder
        files.before = lambda *_: None
        other.collect(clock=later(60))
        one.store.push(folder)
        other.store.pull(folder)
        assert [(other.home / folder / f"{n}.bin").read_bytes() for n in (0, 1)] == parts


def test_a_collection_at_any_moment_of_an_upload(engine, tmp_path):
    """An upload that counts on pieces must not lose them to a collection that begins within it."""
    for moment, one, other, files, folder in moments(engine, tmp_path, 14):
        busy = []

        def collect_now(request, path, other=other, files=files, moment=moment, busy=busy):
            if len(files.requests) == moment:
                try:
                    other.collect(clock=later(60))
                except StoreError as error:
                    busy.append(error.why)

        files.before = collect_now
        one.store.push(folder)
        assert len(files.requests) < moment or busy == ["Folders are being uploaded."]


def test_an_upload_at_any_moment_of_a_collection(engine, tmp_path):
    for moment, one, other, files, folder in moments(engine, tmp_path, 12):
        tried = []

        def push_now(request, path, one=one, files=files, moment=moment, tried=tried, new=folder):
            if len(files.requests) == moment:
                tried.append(moment)
                try:
                    one.store.push(new)
                except StoreError as error:
                    assert "is being collected" in str(error)

        files.before = push_now
        other.collect(clock=later(60))
        assert tried or len(files.requests) < moment


def test_uploads_and_collections_of_many_at_once(engine, tmp_path, files):
    """Three machines upload and delete, two collect without any grace: what lives comes back."""
    contents = [bytes([n]) * (700 * n + 1) for n in range(8)]
    patient = {
        "upload_seconds": 60.0,
        "collect_seconds": 60.0,
        "pause": lambda _s: time.sleep(0.01),
    }
    end, errors, kept = threading.Event(), [], []

    def upload(number):
        draw = random.Random(number)
        machine = Machine(engine, tmp_path / f"m{number}", files, **patient)
        try:
            for turn in range(6):
                folder = machine.run(f"r{number}x{turn}", *draw.sample(contents, 3))
                machine.store.push(folder)
                if draw.random() < 0.5:
                    machine.remove_row(folder)
                else:
                    kept.append(folder)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    def collect_on(number):
        machine = Machine(engine, tmp_path / f"c{number}", files, **patient)
        while not end.wait(0.05):
            try:
                machine.collect(clock=later(60))
            except StoreError as error:
                if "Another machine is collecting" not in str(error):
                    errors.append(error)

    uploaders = [threading.Thread(target=upload, args=(number,)) for number in range(3)]
    collectors = [threading.Thread(target=collect_on, args=(number,)) for number in range(2)]
    for thread in (*uploaders, *collectors):
        thread.start()
    for thread in uploaders:
        thread.join()
    end.set()
    for thread in collectors:
        thread.join()
    assert not errors
    reader = Machine(engine, tmp_path / "reader", files)
    reader.collect(clock=later(60))
    for folder in kept:
        reader.store.pull(folder)
    assert set(kept) == living(engine) and len(kept) > 4
    assert check(reader.bucket, engine, content=True).damaged == {}
    with engine.connect() as connection:
        assert not connection.execute(select(locks)).all()


def test_turns_of_the_dead_do_not_count(one, other, engine):
    """A machine that died while it uploaded, or collected, holds up nobody for ever."""
    for name in ("store upload 00", "store collection"):
        values = {"host": "elsewhere", "pid": 1, "pid_started": 1.0, "heartbeat": time.time()}
        with engine.begin() as connection:
            connection.execute(insert(locks).values(name=name, **values))
    with pytest.raises(StoreError, match="Another machine is collecting"):
        one.collect()
    with pytest.raises(StoreError, match="is being collected"):
        one.store.push(one.run("a", b"x"))
    with engine.begin() as connection:
        connection.execute(locks.update().values(heartbeat=time.time() - 120))
    one.collect()
    one.store.push("runs/a")


def test_who_was_taken_for_dead_collects_no_more(one, engine):
    clock = iter(range(0, 1000, 10))
    turns = TurnsOfStore(engine, steady=lambda: float(next(clock)))
    with pytest.raises(StoreError, match="taken for dead"), turns.collecting() as beat:
        beat()
        with engine.begin() as connection:
            connection.execute(delete(locks))
        beat()


def test_what_is_ready_is_stored_and_nothing_else(engine, tmp_path, home):
    from tl_core.registry.processes import HOST

    for name, status, host in (
        ("here", "done", HOST),
        ("elsewhere", "done", "another"),
        ("waits", "queued", None),
        ("runs", "running", HOST),
    ):
        (home / "runs" / name).mkdir(parents=True)
        (home / "runs" / name / "config.json").write_text("{}")
        with engine.begin() as connection:
            connection.execute(insert(runs).values(**row(name, status), host=host))
    (home / "features" / "half").mkdir(parents=True)
    assert sorted(ready_here(engine, home)) == ["runs/here", "runs/waits"]
    assert ready_here(engine, home, since=3.0) == []


def test_a_run_is_stored_when_it_is_queued(engine, home, monkeypatch, files, tmp_path):
    from tl_core.registry.stored import opened

    machine = Machine(engine, home, files)
    monkeypatch.setattr(opened, "_opened", lambda *_: machine.store)
    monkeypatch.setenv("TL_STORE", "s3://bucket/prefix")
    config = RunConfig(
        kind="import", owner="ann", options={"source": "sample:digits", "name": "digits"}
    )
    run = RunStore(engine, "ann", home).create(config)
    other = Machine(engine, tmp_path / "other", files)
    other.store.pull(f"runs/{run.id}")
    assert RunConfig.read(other.home / "runs" / run.id) == config

    def away(*_):
        raise ConnectionError

    files.before = away
    assert RunStore(engine, "ann", home).create(config).status == "queued"
