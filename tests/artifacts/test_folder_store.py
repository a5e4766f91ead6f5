"""Folders in a bucket and back: whole or not at all, once each content, gone on with, verified."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests_support.buckets import in_memory

from tl_core.artifacts import folder_store
from tl_core.artifacts.bucket import StoreError
from tl_core.artifacts.folder_store import FolderStore, folder_of, object_name
from tl_core.errors import Cancelled, NotFoundError
from tl_core.progress import Progress

RUN = "runs/3f9a0c12de"


def fill(store, folder=RUN, seed=0, sizes=(0, 1, 999, 1000, 1001, 5500)):
    """Files of every awkward size, one of them in a folder of its own."""
    draw = np.random.default_rng(seed)
    place = store.home / folder
    (place / "model").mkdir(parents=True)
    for size in sizes:
        (place / "model" / f"w{size}.bin").write_bytes(draw.bytes(size))
    (place / "config.json").write_text('{"ö": 1}', encoding="utf-8")
    return place


def content(place):
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }


def test_a_folder_comes_back_as_it_was(one, other):
    place = fill(one)
    stored = one.push(RUN)
    assert stored.sent >= stored.bytes == sum(len(one) for one in content(place).values())
    assert other.pull(RUN) > 0
    assert content(other.home / RUN) == content(place)
    assert other.pull(RUN) == 0 and one.push(RUN) is None
    assert not list((other.home / "store/arriving").glob("*"))


def test_the_manifest_is_written_last_and_locks_stay_here(one, bucket):
    place = fill(one)
    (place / "lock").touch()
    (place / "answers.csv.part").write_text("half")
    (place / "out").symlink_to("/etc/passwd")
    one.push(RUN)
    puts = [path for request, path in bucket[1].requests if request == "put"]
    assert puts[-1].endswith(object_name(RUN)) and all("/pieces/" in path for path in puts[:-1])
    assert not {"lock", "answers.csv.part", "out"} & set(one.manifest(RUN).files)


def test_equal_content_is_sent_once(one, bucket):
    fill(one)
    one.push(RUN)
    fill(one, "runs/aaaa")  # the same bytes in another run
    (one.home / "runs/aaaa/model/more.bin").write_bytes(b"x" * 700)
    assert one.push("runs/aaaa").sent < 700 + 2500  # what is new, and the manifest
    pieces = bucket[0].find("pieces/")
    assert len(pieces) == len({name.rpartition("/")[2] for name in pieces})


@pytest.mark.parametrize("fails_at", range(0, 40, 3))
def test_an_upload_that_breaks_off_leaves_nothing_and_goes_on(one, other, bucket, fails_at):
    place, files = fill(one), bucket[1]

    def break_off(request, path):
        if len(files.requests) == fails_at:
            raise KeyboardInterrupt

    files.before = break_off
    try:
        one.push(RUN)
    except KeyboardInterrupt:
        with pytest.raises(NotFoundError):
            other.pull(RUN)
    files.before = lambda *_: None
    there = {path for path in files.objects if "/pieces/" in path}
    files.requests.clear()
    one.push(RUN)
    again = {path for request, path in files.requests if request == "put"}
    assert not there & again
    other.pull(RUN)
    assert content(other.home / RUN) == content(place)


@pytest.mark.parametrize("fails_at", range(1, 15))
def test_a_download_that_breaks_off_shows_nothing_and_goes_on(one, other, bucket, fails_at):
    place, files = fill(one), bucket[1]
    one.push(RUN)
    files.requests.clear()

    def break_off(request, path):
        if len(files.requests) == fails_at:
            raise KeyboardInterrupt

    files.before = break_off
    try:
        other.pull(RUN)
    except KeyboardInterrupt:
        assert not (other.home / RUN).exists()
    files.before = lambda *_: None
    seen = {path for request, path in files.requests[:-1] if "/pieces/" in path}
    files.requests.clear()
    other.pull(RUN)
    assert not seen & {path for _, path in files.requests}
    assert content(other.home / RUN) == content(place)


def test_a_cancelled_download_keeps_what_came(one, other, bucket):
    fill(one)
    one.push(RUN)

    class Stops(Progress):
        def batch(self, done, total):
            if done > 2000:
                raise Cancelled

    with pytest.raises(Cancelled):
        other.pull(RUN, Stops())
    other.pull(RUN)
    asked = [path for request, path in bucket[1].requests if request == "get" and "/piec" in path]
    assert len(asked) == len(set(asked)) > 5


def damaged(files, how):
    """One piece, damaged."""
    path = max((path for path in files.objects if "/pieces/" in path), key=lambda p: (len(p), p))
    data, at = files.objects[path]
    if how == "missing":
        del files.objects[path]
    else:
        changed = {"short": data[:-1], "changed": data[:-1] + bytes([data[-1] ^ 1]), "empty": b""}
        files.objects[path] = (changed[how], at)


@pytest.mark.parametrize("how", ["missing", "short", "changed", "empty"])
def test_what_is_damaged_is_refused_and_can_be_stored_again(one, other, bucket, how):
    place = fill(one)
    one.push(RUN)
    damaged(bucket[1], how)
    with pytest.raises(StoreError, match=f"{RUN} is damaged in the store.*push {RUN} --again"):
        other.pull(RUN)
    assert not (other.home / RUN).exists()
    one.push(RUN, again=True)
    other.pull(RUN)
    assert content(other.home / RUN) == content(place)


@pytest.mark.parametrize("cut", [0, 1, 50, -1])
def test_a_damaged_manifest_is_refused(one, other, bucket, cut):
    fill(one)
    one.push(RUN)
    path = f"bucket/prefix/{object_name(RUN)}"
    data, at = bucket[1].objects[path]
    bucket[1].objects[path] = (data[:cut], at)
    with pytest.raises(StoreError, match="What the store says of .* is damaged"):
        other.pull(RUN)
    bucket[1].objects[path] = (data.replace(b'"bytes": 1,', b'"bytes": 2,'), at)
    with pytest.raises(StoreError, match="is damaged"):
        other.pull(RUN)


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a/../../b", "a\\b", "", "a//b"])
def test_a_manifest_cannot_lead_elsewhere(one, other, bucket, name):
    from tl_core.artifacts.manifests import Manifest, StoredFile

    empty = StoredFile(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ())
    told = Manifest(RUN, {name: empty})
    bucket[0].put(object_name(RUN), told.as_bytes())
    with pytest.raises(StoreError, match="is damaged"):
        other.pull(RUN)


@pytest.mark.parametrize("folder", ["runs", "../x", "runs/..", "runs/a/b", "cookie_secret/x", ""])
def test_only_folders_of_a_home_are_stored(one, folder):
    with pytest.raises(StoreError, match="is no folder that is stored"):
        one.push(folder)


def test_changes_follow_and_neither_side_overwrites_the_other(one, other):
    fill(one)
    one.push(RUN)
    other.pull(RUN)
    (other.home / RUN / "thresholds.json").write_text("[1]")
    other.push(RUN)
    assert one.pull(RUN) == 0  # nobody asked for the newest
    assert one.pull(RUN, fresh=True) > 0
    assert (one.home / RUN / "thresholds.json").read_text() == "[1]"
    (one.home / RUN / "thresholds.json").write_text("[2]")
    (other.home / RUN / "thresholds.json").write_text("[3]")
    other.push(RUN)
    for change in (one.push, lambda folder: one.pull(folder, fresh=True)):
        with pytest.raises(StoreError, match="on this machine and on another"):
            change(RUN)
    assert (one.home / RUN / "thresholds.json").read_text() == "[2]"
    one.push(RUN, again=True)
    assert other.pull(RUN, fresh=True) > 0
    assert (other.home / RUN / "thresholds.json").read_text() == "[2]"


def test_what_was_here_before_the_store_said_otherwise_is_put_aside(one, other):
    fill(one)
    one.push(RUN)
    (other.home / RUN).mkdir(parents=True)
    (other.home / RUN / "events.jsonl").write_text("an earlier try")
    other.pull(RUN)
    assert content(other.home / RUN) == content(one.home / RUN)
    [aside] = (other.home / "staging").glob("replaced-*")
    assert (aside / "events.jsonl").read_text() == "an earlier try"


def test_large_files_make_room_and_come_back(one, other, monkeypatch):
    monkeypatch.setattr(folder_store, "SMALL_BYTES", 1000)
    place = fill(one)
    before = content(place)
    assert one.make_room(RUN) == 0  # it is not stored yet
    one.push(RUN)
    assert one.make_room(RUN) == 1001 + 5500
    assert not (place / "model/w5500.bin").exists() and (place / "model/w1000.bin").exists()
    (place / "note.txt").write_text("later")  # a change in what stayed is stored, the rest kept
    one.push(RUN)
    other.pull(RUN)
    assert content(other.home / RUN) == {**before, "note.txt": b"later"}
    (place / "note.txt").write_text("later still")
    assert one.pull(RUN) > 6000
    assert content(place) == {**before, "note.txt": b"later still"}
    assert one.make_room(RUN) == 0  # it has changed since it was stored


def test_lists_need_small_files_alone(one, other, monkeypatch):
    monkeypatch.setattr(folder_store, "SMALL_BYTES", 1000)
    place = fill(one)
    one.push(RUN)
    other.pull(RUN, small=True)
    assert set(content(place)) - set(content(other.home / RUN)) == {
        "model/w1001.bin",
        "model/w5500.bin",
    }
    other.pull(RUN)
    assert content(other.home / RUN) == content(place)


def test_a_file_that_changes_while_it_is_stored_is_not_stored(one, bucket):
    place, files = fill(one), bucket[1]

    def change(request, path):
        if request == "put" and len(files.objects) == 2:
            (place / "config.json").write_text("{another}")
            os.utime(place / "config.json", (1, 1))

    files.before = change
    with pytest.raises(StoreError, match="changes while it is stored"):
        one.push(RUN)
    assert not [path for path in files.objects if "/folders/" in path]
    files.before = lambda *_: None
    one.push(RUN)
    assert one.manifest(RUN).files["config.json"].bytes == 9


def test_features_are_found_by_the_items_that_they_are_of(one):
    folder = "features/0123456789abcdef0123456789abcdef"
    (one.home / folder).mkdir(parents=True)
    facts = '{"rows": 2, "inputs": "%s", "backbone": "starter:text"}' % ("ab" * 32)
    (one.home / folder / "manifest.json").write_text(facts)
    one.push(folder)
    [name] = one.bucket.find("folders/features/")
    assert name == f"folders/features/{'ab' * 8}.0123456789abcdef0123456789abcdef.json"
    assert folder_of(name) == folder
    assert one.manifest(folder, name).about == {"inputs": "ab" * 32, "backbone": "starter:text"}


def test_a_store_that_is_away_is_said_and_tried_again(one, other):
    bucket, files = in_memory()
    store, answers = FolderStore(bucket, one.home), iter([ConnectionError("reset")] * 3)

    def fail(*_):
        for error in answers:
            raise error

    fill(one)
    files.before = fail
    store.push(RUN)
    assert bucket.retried == 3

    def away(*_):
        raise ConnectionError("refused")

    files.before = away
    with pytest.raises(StoreError, match="does not answer.*ConnectionError: refused"):
        FolderStore(bucket, other.home).pull(RUN)
    files.before = lambda *_: (_ for _ in ()).throw(PermissionError("no"))
    tries = len(files.requests)
    with pytest.raises(StoreError, match="refuses.*AWS_ACCESS_KEY_ID"):
        FolderStore(bucket, other.home).pull(RUN)
    assert len(files.requests) == tries + 1
