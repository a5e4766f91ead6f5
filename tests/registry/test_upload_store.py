"""Rows of uploads, on SQLite and on PostgreSQL: exact under concurrency, gone with their owner."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from tl_core.access.principal import Principal
from tl_core.database.tables import uploads
from tl_core.errors import AccessError, NotFoundError, QuotaError, StateError
from tl_core.registry.quotas import Quotas
from tl_core.registry.uploads import MOST_OPEN, UploadStore, clear_uploads
from tl_core.settings import Settings


@pytest.fixture
def settings(home):
    return Settings(home=str(home))


@pytest.fixture
def store(engine, settings):
    return UploadStore(engine, "ann", settings)


def test_a_row_follows_its_file(engine, settings, store):
    begun = store.create("a.csv", 500_000_000)
    half = store.advance(begun, 4)
    assert store.get(begun.id) == half and half.received == 4 and half.touched >= begun.touched
    assert [one.id for one in store.unfinished()] == [begun.id]
    done = store.finish(half, "ab" * 32)
    assert store.get(begun.id) == done and done.received == done.size and done.finished
    assert store.path(begun.id) == begun.path
    store.delete(begun.id)
    assert not begun.path.parent.exists()
    for attempt in (lambda: store.advance(done, 5), lambda: store.delete(begun.id)):
        with pytest.raises(NotFoundError):
            attempt()
    with engine.connect() as connection:
        assert connection.execute(select(uploads)).all() == []


def test_nobody_begins_more_than_allowed_however_many_try_at_once(engine, settings, store):
    refused = []

    def begin():
        try:
            UploadStore(engine, "ann", settings).create("a.csv", 10)
        except StateError:
            refused.append(1)

    threads = [threading.Thread(target=begin) for _ in range(MOST_OPEN + 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(store.unfinished()) == MOST_OPEN and len(refused) == 6
    folders = list((settings.home_path / "uploads").iterdir())
    assert len(folders) == MOST_OPEN
    UploadStore(engine, "ben", settings).create("a.csv", 10)


def test_what_is_announced_counts_against_the_disk_of_its_owner(engine, home):
    settings = Settings(home=str(home), quotas="disk_mb=10")
    store = UploadStore(engine, "ann", settings)
    first = store.create("a.bin", 6 << 20)
    with pytest.raises(QuotaError):
        store.create("b.bin", 5 << 20)
    first.path.write_bytes(bytes(6 << 20))
    store.finish(store.advance(first, 6 << 20), "")
    assert Quotas(engine, settings).disk("ann") == 6 << 20
    with pytest.raises(QuotaError):
        store.create("b.bin", 5 << 20)
    UploadStore(engine, "ben", settings).create("b.bin", 5 << 20)


def test_a_token_needs_the_scope(engine, settings, store):
    begun = store.create("a.csv", 10)
    reading = Principal("ann", scopes=frozenset({"datasets:read", "runs:write"}))
    token = UploadStore(engine, reading, settings)
    for attempt in (
        lambda: token.create("a.csv", 10),
        lambda: token.get(begun.id),
        lambda: token.path(begun.id),
        lambda: token.delete(begun.id),
    ):
        with pytest.raises(AccessError):
            attempt()
    writing = Principal("ann", scopes=frozenset({"datasets:write"}))
    assert UploadStore(engine, writing, settings).get(begun.id) == begun
    assert clear_uploads(engine, settings) == 0
