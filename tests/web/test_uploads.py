"""Uploads by tus: every verb, cut anywhere, by others, with lies; what counts is on the disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import partial

import anyio
import pytest
from tests_support.tus import BYTES, TABLE, TUS, broken_off, checksum, coded, id_of

from tests.web.conftest import uploading, uploading_app, uploads_of
from tl_core.access.people import Administration, People
from tl_core.access.principal import ADMIN, VIEWER, Principal
from tl_core.errors import NotFoundError
from tl_core.web import resumable, upload_file

OTHERS = [("HEAD", {}), ("PATCH", BYTES | {"upload-offset": "0"}), ("DELETE", {})]


def test_a_file_in_parts_is_the_file(ana, store):
    address = ana.begun()
    for start in range(0, len(TABLE), 70_000):
        assert ana.offset(address) == start
        answer = ana.send(address, start, TABLE[start : start + 70_000])
        assert answer.status_code == 204 and answer.headers["tus-resumable"] == "1.0.0"
    path = store.path(id_of(address))
    assert path.read_bytes() == TABLE and path.name == "notes.csv"
    upload = store.get(id_of(address))
    assert upload.sha256 == hashlib.sha256(TABLE).hexdigest() and upload.finished
    assert store.unfinished() == []
    again = ana.send(address, len(TABLE), b"")  # the last answer was lost
    assert again.status_code == 204 and "upload-expires" not in again.headers


def test_what_the_server_can_do_is_told(ana, settings):
    found = ana.client.options("/api/uploads").headers
    assert found["tus-version"] == "1.0.0" and found["tus-checksum-algorithm"] == "sha1,sha256"
    assert found["tus-extension"] == "creation,termination,checksum,expiration"
    assert int(found["tus-max-size"]) == settings.number("upload_mb") << 20
    assert not [name for name in found if name.startswith("access-control")]


def test_another_version_of_the_protocol_is_refused(ana):
    address = ana.begun()
    for headers in ({}, {"tus-resumable": "0.2.2"}):
        for method, path in (("POST", "/api/uploads"), ("HEAD", address), ("DELETE", address)):
            answer = ana.client.request(method, path, headers=headers)
            assert answer.status_code == 412 and answer.headers["tus-version"] == "1.0.0"
    assert ana.offset(address) == 0


@pytest.mark.parametrize("wrong", [1, 69_999, 70_001, len(TABLE)])
def test_a_wrong_offset_changes_nothing_and_the_right_one_is_told(ana, store, wrong):
    address = ana.begun()
    ana.send(address, 0, TABLE[:70_000])
    answer = ana.send(address, wrong, TABLE[wrong:])
    assert answer.status_code == 409 and answer.headers["upload-offset"] == "70000"
    assert store.get(id_of(address)).path.stat().st_size == 70_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"upload-offset": "-1"}, 400),
        ({"upload-offset": "x"}, 400),
        ({"upload-offset": ""}, 400),
        ({"content-type": "application/octet-stream"}, 415),
        ({"upload-checksum": "md5 " + coded(b"x" * 16)}, 400),
        ({"upload-checksum": "sha256 " + coded(b"x" * 20)}, 400),
        ({"upload-checksum": "sha256 !!"}, 400),
        ({"upload-checksum": ""}, 400),
        ({"x-http-method-override": "DELETE"}, 204),  # not heard
    ],
)
def test_headers_that_make_no_sense_write_nothing(ana, headers, status):
    address = ana.begun()
    sent = {**BYTES, "upload-offset": "0", **headers}
    assert ana.client.patch(address, headers=sent, content=TABLE[:10]).status_code == status
    assert ana.offset(address) == (10 if status == 204 else 0)


def test_more_than_was_announced_is_refused_however_it_comes(ana):
    address = ana.begun(size=1000)
    assert ana.send(address, 0, TABLE[:1001]).status_code == 413
    assert ana.send(address, 0, iter([TABLE[:600], TABLE[600:1200]])).status_code == 413
    assert ana.offset(address) == 0
    assert ana.send(address, 0, iter([TABLE[:600], TABLE[600:1000]])).status_code == 204


@pytest.mark.parametrize(("method", "headers"), OTHERS)
@pytest.mark.parametrize("who", ["ben", "nobody"])
def test_somebody_elses_upload_does_not_exist(
    settings, engine, claims, ana, store, method, headers, who
):
    address = ana.begun()
    ana.send(address, 0, TABLE[:100])
    other = uploading(settings, engine, {**claims, "ben": {**claims["ana"], "sub": "ben"}}, who)
    status = 404 if who == "ben" else 401
    guessed = [f"/api/uploads/{name}" for name in ("0" * 32, "..%2f..", "%00", "x", "Ä")]
    for path in (address, address + "0", address.upper(), *guessed):
        answer = other.client.request(method, path, headers=TUS | headers, content=b"x")
        odd = ".." in path or "%" in path  # which the gate itself refuses
        assert answer.status_code == (400 if odd else status), path
    kept = store.get(id_of(address))
    assert kept.received == 100 and kept.path.read_bytes() == TABLE[:100]
    if who == "ben":
        with pytest.raises(NotFoundError):
            uploads_of(settings, engine, "ben").path(kept.id)


def test_nothing_is_listed_and_nothing_is_given_back(ana):
    address = ana.begun()
    for path in ("/api/uploads", "/api/uploads/", address):
        assert ana.client.get(path, headers=TUS).status_code in (404, 405)


def test_who_may_only_look_uploads_nothing(settings, engine, claims, ana, store):
    address = ana.begun()
    person = People(engine, settings).known("https://idp", "ana")
    Administration(engine, Principal("root", role=ADMIN)).set_role(person.id, VIEWER)
    assert ana.begin().status_code == 403
    assert ana.send(address, 0, TABLE).status_code == 403


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("../../x.csv", "x.csv"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\ana\\x.csv", "x.csv"),
        ("..", "upload"),
        ("...", "upload"),
        (".lock", "lock"),
        (".htaccess", "htaccess"),
        ("a\0b.csv", "a_b.csv"),
        ("a\r\nb.csv", "a_b.csv".replace("_", "__")),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
        ("字" * 300 + ".csv", "字" * 65 + ".csv"),
        ("photo\u202egpj.csv", "photo_gpj.csv"),
        ("cafe\u0301.csv", "café.csv"),
        ("हिन्दी.csv", "हिन्दी.csv"),
        ("ملف العملاء.csv", "ملف العملاء.csv"),
        ("$(rm -rf).csv", "_(rm -rf).csv"),
        ("/", "upload"),
    ],
)
def test_a_name_leads_nowhere_else(ana, store, home, said, kept):
    address = ana.begun(name=said)
    path = store.get(id_of(address)).path
    assert path.name == kept and path.parent == home / "uploads" / id_of(address)
    assert len(path.name.encode()) <= 200
    assert ana.send(address, 0, TABLE).status_code == 204
    assert store.path(id_of(address)).read_bytes() == TABLE


@pytest.mark.parametrize(
    "headers",
    [
        {"upload-metadata": ""},
        {"upload-metadata": "filename"},
        {"upload-metadata": "filename ???"},
        {"upload-metadata": f"filename {coded(bytes([255, 254]))}"},
        {"upload-metadata": f"name {coded('x.csv')}"},
        {"upload-metadata": f"filename {coded('x' * 9000)}"},
        {"upload-metadata": f"filename {coded('x.csv')},sha256 {coded('abc')}"},
        {"upload-length": ""},
        {"upload-length": "-5"},
        {"upload-length": "0"},
        {"upload-length": "1e3"},
        {"upload-length": "9" * 30},
        {"upload-defer-length": "1", "upload-length": ""},
    ],
)
def test_an_upload_needs_a_name_and_a_size(ana, store, home, headers):
    known = {"upload-length": "5", "upload-metadata": f"filename {coded('x.csv')}"}
    assert ana.client.post("/api/uploads", headers=TUS | known | headers).status_code == 400
    assert store.unfinished() == [] and not list((home / "uploads").glob("*"))


def test_a_part_that_was_damaged_on_its_way_is_sent_again(ana):
    address = ana.begun()
    for name in ("sha1", "sha256"):
        start = ana.offset(address)
        part = TABLE[start : start + 5000]
        right = {"upload_checksum": checksum(part, name)}
        assert ana.send(address, start, part[:-1] + b"?", **right).status_code == 460
        assert ana.offset(address) == start
        assert ana.send(address, start, part, **right).status_code == 204


def test_a_file_that_is_not_the_announced_one_is_thrown_away(ana, store):
    whole = hashlib.sha256(TABLE).hexdigest()
    address = ana.begun(sha256=whole)
    assert ana.send(address, 0, TABLE.replace(b"900,good", b"900,bad!")).status_code == 460
    assert ana.look(address).status_code == 404
    right = ana.begun(sha256=whole.upper())
    assert ana.send(right, 0, TABLE).status_code == 204
    assert store.path(id_of(right)).read_bytes() == TABLE


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("silent", [False, True])
def test_the_offset_is_exact_after_a_cut(
    settings, engine, claims, ana, store, monkeypatch, pieces, silent
):
    monkeypatch.setattr(resumable, "_SILENCE", 0.2)
    address, app = ana.begun(), uploading_app(settings, engine, claims)
    cut = [TABLE[place * 9000 : (place + 1) * 9000] for place in range(pieces)]
    status = anyio.run(broken_off, app, address, 0, cut + [None] * silent)
    assert status == 408 and ana.offset(address) == 9000 * pieces
    assert ana.send(address, 9000 * pieces, TABLE[9000 * pieces :]).status_code == 204
    assert store.path(id_of(address)).read_bytes() == TABLE


def test_a_cut_part_with_a_checksum_does_not_count(settings, engine, claims, ana, store):
    address, app = ana.begun(), uploading_app(settings, engine, claims)
    ana.send(address, 0, TABLE[:10])
    sent = partial(broken_off, app, address, 10, [TABLE[10:500]])
    assert anyio.run(partial(sent, **{"upload-checksum": checksum(TABLE[10:])})) == 408
    assert ana.offset(address) == 10 == store.get(id_of(address)).path.stat().st_size


def test_what_a_killed_process_had_written_but_not_noted_is_cut_off(ana, store):
    address = ana.begun()
    ana.send(address, 0, TABLE[:1000])
    path = store.get(id_of(address)).path
    with path.open("ab") as target:
        target.write(b"half a part")
    assert ana.send(address, 1000, TABLE[1000:]).status_code == 204
    assert path.read_bytes() == TABLE


def test_what_a_disk_has_lost_is_asked_for_again(ana, store):
    address = ana.begun()
    ana.send(address, 0, TABLE[:1000])
    path = store.get(id_of(address)).path
    os.truncate(path, 400)
    answer = ana.send(address, 1000, TABLE[1000:])
    assert answer.status_code == 409 and answer.headers["upload-offset"] == "400"
    assert ana.send(address, 400, TABLE[400:]).status_code == 204
    shutil.rmtree(path.parent)
    assert ana.send(address, len(TABLE), b"").status_code == 404
    assert ana.look(address).status_code == 404


def test_a_long_body_is_noted_now_and_then(settings, engine, claims, ana, monkeypatch):
    monkeypatch.setattr(upload_file, "_COMMIT", 20_000)
    monkeypatch.setattr(resumable, "_BLOCK", 9000)
    address, app = ana.begun(), uploading_app(settings, engine, claims)
    pieces = [TABLE[place * 9000 : (place + 1) * 9000] for place in range(5)]

    async def while_it_comes():
        async with anyio.create_task_group() as group:
            group.start_soon(broken_off, app, address, 0, [*pieces, None])
            with anyio.fail_after(20):
                while not (noted := await anyio.to_thread.run_sync(ana.offset, address)):
                    await anyio.sleep(0.02)
            group.cancel_scope.cancel()
        return noted

    assert anyio.run(while_it_comes) == 27_000
    assert ana.send(address, 27_000, TABLE[27_000:]).status_code == 204
