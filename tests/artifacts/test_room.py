"""A home keeps what was used last: within its bound, and never at the cost of what is in use."""

from __future__ import annotations

import os
import time

import pytest

from tl_core.artifacts import folder_store
from tl_core.artifacts.room import IDLE_SECONDS, kept_bytes, make_room

LARGE = 4000


@pytest.fixture
def filled(one, monkeypatch):
    """A home with five stored runs of 4,000 bytes each; the higher the number, the longer ago it
    was used.
    """
    monkeypatch.setattr(folder_store, "SMALL_BYTES", 10)
    for number in range(5):
        place = one.home / "runs" / f"r{number}"
        place.mkdir(parents=True)
        (place / "model.bin").write_bytes(bytes([number]) * LARGE)
        (place / "a.txt").write_text("small")
        one.push(f"runs/r{number}")
        then = time.time() - (number + 2) * IDLE_SECONDS
        os.utime(one.notes.path(f"runs/r{number}"), (then, then))
    return one


def whole(store):
    return [number for number in range(5) if store.notes.read(f"runs/r{number}").whole]


def test_the_least_recently_used_goes_first(filled):
    assert kept_bytes(filled) == 5 * (LARGE + 5)
    assert make_room(filled, 3 * LARGE, ()) == 3 * LARGE  # small files stay and count
    assert whole(filled) == [0, 1]
    assert make_room(filled, 3 * LARGE, ()) == 0
    filled.pull("runs/r4")  # now the one that was used last
    assert make_room(filled, 2 * LARGE + 25, ()) == LARGE
    assert whole(filled) == [0, 4]


def test_what_is_in_use_stays(filled):
    make_room(filled, 0, {"runs/r3", "runs/r4"})
    assert whole(filled) == [3, 4]


def test_what_somebody_looks_at_stays(filled):
    filled.pull("runs/r2")
    make_room(filled, 0, ())
    assert whole(filled) == [2]


def test_what_the_store_does_not_have_stays(filled):
    (filled.home / "runs/r3/model.bin").write_bytes(b"changed since")
    (filled.home / "runs/mine").mkdir()
    (filled.home / "runs/mine/model.bin").write_bytes(b"x" * LARGE)
    make_room(filled, 0, ())
    assert (filled.home / "runs/r3/model.bin").read_bytes() == b"changed since"
    assert (filled.home / "runs/mine/model.bin").exists()


def test_an_open_file_is_read_to_its_end(filled):
    with (filled.home / "runs/r4/model.bin").open("rb") as handle:
        assert make_room(filled, 0, ()) == 5 * LARGE
        assert handle.read() == bytes([4]) * LARGE
