"""Uploads where they end: two writers, full disks, size, number and age, wrong content."""

from __future__ import annotations

import io
import os
import resource
import shutil
import threading
import time
import zipfile
from collections import namedtuple
from contextlib import contextmanager
from dataclasses import replace

import anyio
import pytest
from sqlalchemy import create_engine, func, select, update
from tests_support.tus import BYTES, TABLE, TUS, broken_off, id_of

from tests.web.conftest import uploading, uploading_app, uploads_of
from tl_core.database.tables import activity, attempts
from tl_core.database.tables import uploads as rows
from tl_core.errors import NotFoundError, StateError
from tl_core.registry import quotas
from tl_core.registry.uploads import MOST_OPEN, clear_uploads

DAY = 86_400
Disk = namedtuple("Disk", "total used free")


@contextmanager
def while_comes(app, address, *pieces):
    """Somebody sends some pieces: the block begins when the first has been taken, and with its end
    the others come; gives the list of the status.
    """
    taken, end, status = threading.Barrier(2), threading.Event(), []
    thread = threading.Thread(
        target=lambda: status.append(
            anyio.run(broken_off, app, address, 0, [*pieces[:1], taken, end, *pieces[1:]])
        )
    )
    thread.start()
    try:
        taken.wait(20)
        yield status
    finally:
        end.set()
        thread.join(20)


def test_only_one_writes_at_a_time(settings, engine, claims, ana, store):
    address, app = ana.begun(), uploading_app(settings, engine, claims)
    other_replica = uploading(settings, engine, claims)
    with while_comes(app, address, TABLE[:9000], TABLE[9000:]) as status:
        assert other_replica.send(address, 0, TABLE).status_code == 423
        assert ana.offset(address) == 0  # nothing of it is noted yet
    assert status == [408] and ana.offset(address) == len(TABLE)
    assert store.path(id_of(address)).read_bytes() == TABLE


def test_an_upload_that_is_cancelled_while_it_comes_is_gone(settings, engine, claims, ana, home):
    address, app = ana.begun(), uploading_app(settings, engine, claims)
    with while_comes(app, address, TABLE[:9000], TABLE[9000:]) as status:
        assert ana.cancel(address).status_code == 204
    assert status == [404]
    assert ana.look(address).status_code == 404 and ana.cancel(address).status_code == 404
    assert not list((home / "uploads").glob("*"))


def test_many_files_of_two_people_come_at_once(settings, engine, claims):
    both = {**claims, "ben": {**claims["ana"], "sub": "ben"}}
    files = {(who, place): os.urandom(300_000) for who in ("ana", "ben") for place in range(5)}
    addresses = {}

    def bring(who, place, content):
        client = uploading(settings, engine, both, who)
        address = client.begun(size=len(content), name=f"{place}.bin")
        for start in range(0, len(content), 100_000):
            client.send(address, start, content[start : start + 100_000])
        addresses[who, place] = address

    threads = [threading.Thread(target=bring, args=(*key, file)) for key, file in files.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for (who, place), content in files.items():
        upload_id = id_of(addresses[who, place])
        path = uploads_of(settings, engine, who).path(upload_id)
        assert (path.name, path.read_bytes()) == (f"{place}.bin", content)
        with pytest.raises(NotFoundError):
            uploads_of(settings, engine, "ben" if who == "ana" else "ana").path(upload_id)


def test_what_nobody_goes_on_with_expires(settings, engine, ana, store, home):
    left, young, done, used = (ana.begun(name=f"{name}.csv") for name in "abcd")
    for address in (done, used):
        ana.send(address, 0, TABLE)
    shutil.rmtree(store.path(id_of(used)).parent)
    assert ana.send(young, 0, TABLE[:5]).headers["upload-expires"].endswith("GMT")
    with engine.begin() as connection:
        old = time.time() - DAY * settings.number("staging_days") - 60
        aged = rows.c.id.in_([id_of(left), id_of(done)])
        connection.execute(update(rows).where(aged).values(created=old, touched=old))
    (home / "uploads" / ("0" * 32)).mkdir()
    (home / "uploads" / "0a1b2c3d4e5f").mkdir()  # of the pages' small way
    os.utime(home / "uploads" / ("0" * 32), (old, old))
    ana.begun(name="e.csv")  # cleans beforehand
    assert [ana.look(one).status_code for one in (left, young, done, used)] == [404, 200, 200, 404]
    folders = {path.name for path in (home / "uploads").iterdir()}
    assert {id_of(young), id_of(done), "0a1b2c3d4e5f"} < folders and len(folders) == 4
    assert clear_uploads(engine, settings) == 0


def test_an_unfinished_file_is_not_given_out(ana, store):
    address = ana.begun()
    ana.send(address, 0, TABLE[:-1])
    with pytest.raises(StateError, match="completely"):
        store.path(id_of(address))
    ana.send(address, len(TABLE) - 1, TABLE[-1:])
    store.path(id_of(address)).unlink()
    with pytest.raises(NotFoundError, match="used already"):
        store.path(id_of(address))


def test_a_disk_that_is_full_loses_nothing_that_was_noted(ana, store):
    content = b"text,label\n" + b"a line that is long enough,good\n" * 400_000
    address = ana.begun(size=len(content))
    assert ana.send(address, 0, content[:1_000_000]).status_code == 204
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 << 20, before[1]))
    try:
        answer = ana.send(address, 1_000_000, content[1_000_000:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 507 and "no room" in answer.json()["error"]["what"]
    assert ana.offset(address) == 1_000_000 == store.get(id_of(address)).path.stat().st_size
    assert ana.send(address, 1_000_000, content[1_000_000:]).status_code == 204
    assert store.path(id_of(address)).read_bytes() == content


def test_what_others_have_announced_counts_as_written(settings, engine, claims, ana, monkeypatch):
    both = {**claims, "ben": {**claims["ana"], "sub": "ben"}}
    ben = uploading(settings, engine, both, "ben")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(20_000_000, 0, 10_000_000))
    assert ana.begin(size=9_000_001).status_code == 507  # a twentieth of the disk stays free
    address = ana.begun(size=6_000_000)
    assert ben.begin(size=3_000_001).status_code == 507
    ana.cancel(address)
    assert ben.begin(size=3_000_001).status_code == 201


def test_somebody_has_only_so_many_unfinished_ones(ana, store, home):
    addresses = [ana.begun() for _ in range(MOST_OPEN)]
    answer = ana.begin()
    assert answer.status_code == 429 and str(MOST_OPEN) in answer.json()["error"]["what"]
    assert len(list((home / "uploads").iterdir())) == MOST_OPEN == len(store.unfinished())
    ana.send(addresses[0], 0, TABLE)
    assert ana.begin().status_code == 201
    ana.cancel(addresses[1])
    assert ana.begin().status_code == 201


def test_a_file_that_is_too_large_is_refused_before_it_comes(settings, engine, claims, home):
    small = uploading(replace(settings, upload_mb="1"), engine, claims)
    assert small.begin(size=(1 << 20) + 1).status_code == 413
    own = uploading(replace(settings, quotas="upload_mb=1"), engine, claims)
    assert own.begin(size=(1 << 20) + 1).status_code == 413
    disk = uploading(replace(settings, quotas="disk_mb=1"), engine, claims)
    address = disk.begun(size=700_000)
    assert disk.begin(size=700_000).status_code == 413
    assert [one.name for one in (home / "uploads").iterdir()] == [id_of(address)]


def test_others_can_write_while_folders_are_counted(settings, engine, claims, monkeypatch):
    impatient, counted = create_engine(engine.url, connect_args={"timeout": 0.2}), []

    def writing(folder):
        with impatient.begin() as connection:
            connection.execute(attempts.insert().values(key="x", at=0.0))
        counted.append(folder)
        return 0

    monkeypatch.setattr(quotas, "folder_size", writing)
    limited = uploading(replace(settings, quotas="disk_mb=1"), engine, claims)
    for _ in range(2):
        assert limited.begin(size=100).status_code == 201
    assert counted
    impatient.dispose()


def test_the_gate_counts_each_part_by_itself(settings, engine, claims, ana):
    """An upload of several parts may be larger than what one request may bring; none can be."""
    content = b"text,label\n" + b"x,good\n" * 450_000
    address = ana.begun(size=len(content))
    small = uploading(replace(settings, upload_mb="1"), engine, claims)
    assert small.send(address, 0, content).status_code == 413
    assert small.send(address, 0, iter([content])).status_code == 408  # broken off by the gate
    start = small.offset(address)
    assert start == 0
    while start < len(content):
        assert small.send(address, start, content[start : start + (1 << 20)]).status_code == 204
        start = small.offset(address)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_another_site_uploads_nothing(ana, method):
    address = ana.begun()
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        sent = {**BYTES, "upload-offset": "0", **headers}
        path = "/api/uploads" if method == "POST" else address
        assert ana.client.request(method, path, headers=sent, content=b"x").status_code == 403
    assert ana.offset(address) == 0


def packed():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("ripe/1.jpg", b"\xff\xd8\xff" + bytes(200_000))
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("photos.zip", b"\x7fELF\x02\x01\x01" + bytes(100_000), "a program"),
        ("photos.zip", TABLE, "not what its name says"),
        ("notes.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 600, "not what its name says"),
        ("notes.csv", b"<!DOCTYPE html><script>alert(1)</script>" + TABLE, "a web page"),
        ("drawing", b'<?xml version="1.0"?><svg onload="alert(1)">' + TABLE, "a web page"),
    ],
    ids=["a program", "a table", "a photo", "a page", "a drawing"],
)
def test_what_a_file_is_counts_not_its_name(ana, store, home, name, content, words):
    address = ana.begun(size=len(content), name=name)
    ana.send(address, 0, content[:3])  # too little to tell
    answer = ana.send(address, 3, content[3:])
    assert answer.status_code == 415 and words in answer.json()["error"]["what"]
    assert ana.look(address).status_code == 404 and not list((home / "uploads").iterdir())


def test_a_zip_of_photos_is_taken_and_noted(ana, store, engine):
    content = packed()
    address = ana.begun(size=len(content), name="photos.zip")
    assert ana.send(address, 0, content).status_code == 204
    done = select(func.count()).where(activity.c.action == "upload", activity.c.kind == "upload")
    with engine.connect() as connection:
        assert connection.execute(done).scalar_one() == 1
    assert store.path(id_of(address)).read_bytes() == content
    assert ana.client.request("POST", "/api/uploads", headers=TUS).status_code == 400
