"""`/api/v1/datasets`: added by upload, hub name or sample, shown, shared, deleted, restored."""

from __future__ import annotations

import errno
import json
import shutil
import tracemalloc
import zipfile
from dataclasses import replace

import anyio
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from tests_support.datasets import write_texts
from tests_support.programs import Server, error_of

from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.tables import quotas
from tl_core.jobs.worker import carry_out
from tl_core.services.dataset_contract import DatasetObject, dataset_object
from tl_core.web.api.schemas import DatasetFacts
from tl_core.web.api.sent_files import receive


def upload(client, path, **fields):
    texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in fields.items()}
    with path.open("rb") as handle:
        return client.post("/datasets", data=texts, files={"file": (path.name, handle)})


def carried_out(server, run_id):
    """The import, done as a worker would."""
    folder = server.settings.home_path / "runs" / run_id
    server.writer.claim_next("light")
    carry_out(folder, server.settings)
    return folder


def test_a_file_becomes_a_dataset(server, ana, tmp_path):
    program = ana.program()
    answer = upload(program, write_texts(tmp_path / "t.csv", 60), name="mail", options={"seed": 3})
    assert answer.status_code == 202, answer.text
    run = answer.json()
    assert (run["kind"], run["status"], run["mine"]) == ("import", "queued", True)
    folder = carried_out(server, run["run_id"])
    done = program.get(f"/runs/{run['run_id']}").json()
    assert (done["status"], done["summary"]["dataset"]) == ("done", "mail@1")
    shown = program.get("/datasets/mail").json()
    record = ana.data.get("mail")
    info = DatasetVersion(record.folder).info
    wanted = json.loads(json.dumps(dataset_object(record, info)))
    assert {key: shown[key] for key in wanted} == wanted
    assert info.options["seed"] == 3
    listed = program.get("/datasets").json()["datasets"]
    assert [(one["reference"], one["rows"]) for one in listed] == [("mail@1", 60)]
    uploads = server.settings.home_path / "uploads"
    assert list(uploads.iterdir()) == []  # the import has removed it
    assert "upload" not in json.dumps(done), folder


def test_the_schema_has_the_keys_of_the_contract():
    own = {"reference", "mine", "created"}
    assert set(DatasetFacts.model_fields) - own == set(DatasetObject.__annotations__)


def test_a_second_file_becomes_the_test(server, ana, tmp_path):
    first, second = write_texts(tmp_path / "a.csv", 40), tmp_path / "b.csv"
    second.write_text("text,label\nfresh one,good\nfresh two,bad\n")
    files = {"file": ("a.csv", first.read_bytes()), "test": ("b.csv", second.read_bytes())}
    answer = ana.program().post("/datasets", data={"name": "m"}, files=files)
    carried_out(server, answer.json()["run_id"])
    assert ana.program().get("/datasets/m").json()["splits"]["test"] == 2


def test_a_zip_of_folders_is_read(server, ana, tmp_path):
    with zipfile.ZipFile(tmp_path / "docs.zip", "w") as archive:
        for number in range(30):
            archive.writestr(f"good/{number}.txt", f"a good film {number}")
            archive.writestr(f"bad/{number}.txt", f"a bad film {number}")
    run = upload(ana.program(), tmp_path / "docs.zip", name="docs").json()
    carried_out(server, run["run_id"])
    assert ana.program().get("/datasets/docs@1").json()["classes"] == {"bad": 30, "good": 30}


def test_samples_and_hub_datasets_are_named(server, ana):
    program = ana.program()
    body = {"source": "sample:messages", "name": "messages"}
    run = program.post("/datasets", json=body).json()
    carried_out(server, run["run_id"])
    assert program.get("/datasets/messages").json()["modality"] == "text"
    hub = program.post("/datasets", json={"source": "hub:a/b", "name": "b"})
    assert hub.status_code == 202
    options = RunConfig.read(ana.runs.get(hub.json()["run_id"]).folder).options
    assert (options["source"], options["upload"]) == ("hub:a/b", "")


PATHS = ("/etc/passwd", "../x.csv", "file:///etc/passwd", "http://x/y", "", "hub:", "~/x", "C:\\x")


def test_no_path_of_the_server_is_a_source(ana):
    program = ana.program()
    for source in PATHS:
        answer = program.post("/datasets", json={"source": source, "name": "x"})
        assert error_of(answer, 422)["code"] == "request", source
    assert ana.runs.list() == []


FORMS = [
    ({}, "name"),
    ({"name": "a/b"}, "cannot be the name"),
    ({"name": "x", "options": {"seeed": 1}}, "seeed"),
    ({"name": "x", "options": "no json"}, "options"),
    ({"name": "x", "append": "perhaps"}, "append"),
    ({"name": "x", "append": True}, "no dataset"),
    ({"name": "x", "source": "/etc/passwd"}, "source"),
    ({"name": "x", "upload": "/etc"}, "upload"),
]


def test_a_form_that_cannot_be_meant_leaves_nothing_behind(server, ana, tmp_path):
    program, source = ana.program(), write_texts(tmp_path / "t.csv")
    for fields, words in FORMS:
        answer = upload(program, source, **fields)
        assert answer.status_code in (404, 422), fields
        assert words in answer.text, fields
    assert list((server.settings.home_path / "uploads").iterdir()) == []
    assert ana.runs.list() == []


def test_a_form_needs_a_length_and_room(server, ana, tmp_path, monkeypatch):
    program, source = ana.program(), write_texts(tmp_path / "t.csv", 60)
    body = PART % (b"file", b"t.csv", source.read_bytes() + b"\r\n--x--\r\n")
    for quota in ("", "disk_mb=1"):
        own = Server(replace(server.settings, quotas=quota), server.engine).client(ana.token())
        refused = own.post("/datasets", content=iter([body]), headers={"content-type": FORM})
        assert "Content-Length" in error_of(refused, 411)["what"]
    disk = shutil._ntuple_diskusage(20_000_000, 0, 1_000_000 + source.stat().st_size)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    assert "no room" in error_of(upload(program, source, name="m"), 409)["what"]
    disk = disk._replace(free=2_000_000)
    assert upload(program, source, name="m").status_code == 202


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_or_a_quota_that_is_full_is_told(ana, tmp_path, monkeypatch, number):
    def full(_reader):
        raise OSError(number, "full")

    monkeypatch.setattr("tl_core.web.api.sent_files._Reader.write", full)
    refused = upload(ana.program(), write_texts(tmp_path / "t.csv"), name="m")
    assert "no room" in error_of(refused, 409)["what"]


def test_nothing_is_deleted_where_the_dataset_may_not_be(server, ana, tmp_path):
    record, ben = ana.add(tmp_path), server.member("bob")
    ana.sharing.share("project", "tickets", "bob", "editor")
    his = ben.runs.create(
        RunConfig("train", ben.who.id, "ana/tickets@1", str(record.folder), "starter:text", "probe")
    )
    ben.runs.cancel(his.id)
    refused = ben.program().delete("/datasets/ana/tickets", params={"with_runs": True})
    assert error_of(refused, 403)["code"] == "access"
    assert ben.runs.get(his.id).id == his.id and ana.data.get("tickets")


FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\ncontent-disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s'
DAMAGED = [
    (b"--x\r\nnonsense", FORM),
    (b"", FORM),
    (b"abc", "multipart/form-data"),
    (PART % (b"file", b"a", b"broken off"), FORM),
    (PART % (b"evil", b"a", b"abc\r\n--x--\r\n"), FORM),
    (PART % (b"file", b"", b"\r\n--x--\r\n"), FORM),
    (PART % (b"file", b"a" * 10_000, b"abc\r\n--x--\r\n"), FORM),
    (b"{", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"source": "sample:digits", "name": "\\u0000"}', "application/json"),
    (b'{"source": "sample:digits", "name": "\\ud800"}', "application/json"),
    (b"\xff\xfe", "application/json"),
    (b"", "text/plain"),
]


def test_damaged_bodies_are_refused(server, ana):
    program, uploads = ana.program(), server.settings.home_path / "uploads"
    for body, kind in DAMAGED:
        answer = program.post("/datasets", content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 413, 422), (body[:80], answer.text)
        assert answer.json()["error"]["what"]
        assert list(uploads.glob("*")) == [], body[:80]


NAMES = ("../../../evil.csv", "..\\evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a\0evil.csv", ".")


def test_a_file_name_leads_nowhere(server, ana, tmp_path):
    content, program = write_texts(tmp_path / "t.csv").read_bytes(), ana.program()
    uploads = server.settings.home_path / "uploads"
    for name in NAMES:
        answer = program.post("/datasets", data={"name": "m"}, files={"file": (name, content)})
        assert answer.status_code == 202, (name, answer.text)
    assert len(list(uploads.glob("*/file/*"))) == len(NAMES)
    assert [one for one in tmp_path.rglob("*evil*") if not one.is_relative_to(uploads)] == []


def test_a_file_is_what_its_name_says(server, ana, tmp_path):
    program = ana.program()
    for name, content in (
        ("a.zip", b"text,label\n"),
        ("a.csv", b"\x7fELF" + bytes(100)),
        ("a.csv", b"<!doctype html><script>alert(1)</script>"),
        ("a.png", b"text"),
    ):
        answer = program.post("/datasets", data={"name": "m"}, files={"file": (name, content)})
        assert error_of(answer, 422)["code"] == "data", name
    assert list((server.settings.home_path / "uploads").glob("*")) == []


SAID_LESS = {"content-type": FORM, "content-length": "1000"}


def in_pieces(count):
    """A file of that many pieces of 64 KB in a form, whose size is not said truly."""
    yield PART % (b"file", b"a.csv", b"")
    for _ in range(count):
        yield b"x" * (64 << 10)
    yield b"\r\n--x--\r\n"


def test_what_is_too_large_is_refused_and_removed(server, ana, tmp_path):
    small = Server(replace(server.settings, upload_mb="1"), server.engine)
    program, uploads = small.client(ana.token()), server.settings.home_path / "uploads"
    big = tmp_path / "big.csv"
    big.write_bytes(b"x" * (2 << 20))
    assert error_of(upload(program, big, name="m"), 413)["what"]
    answer = program.post("/datasets", content=in_pieces(40), headers=SAID_LESS)
    assert answer.status_code in (400, 413)
    assert list(uploads.glob("*")) == []


def test_bodies_are_bounded_without_the_gate_too(server, ana):
    """The gate bounds all of them by the size of an upload; here each has its own bound."""

    async def inside(scope, receive, send):
        scope.setdefault("state", {})["principal"] = ana.who
        await server.api(scope, receive, send)

    program = TestClient(inside)
    plain = {"content-type": "application/json"}
    said = program.post("/datasets", content=b"{" + b" " * (2 << 20), headers=plain)
    unsaid = program.post("/datasets", content=(b" " * 65_536 for _ in range(40)), headers=plain)
    assert (said.status_code, unsaid.status_code) == (413, 413)
    unsaid = program.post("/runs", content=(b" " * 65_536 for _ in range(40)), headers=plain)
    assert error_of(unsaid, 413)["code"] == "too_large"
    server.api.state.settings = replace(server.settings, upload_mb="1")
    form = program.post("/datasets", content=in_pieces(40), headers=SAID_LESS)
    assert error_of(form, 413)["code"] == "too_large"
    assert list((server.settings.home_path / "uploads").glob("*")) == []


def test_an_own_quota_bounds_uploads(server, ana, tmp_path):
    own = {"owner": ana.who.id, "name": "upload_mb", "value": 1, "set_by": "root", "set_at": 0}
    with server.engine.begin() as connection:
        connection.execute(quotas.insert().values(**own))
    big = tmp_path / "big.csv"
    big.write_bytes(b"x" * (2 << 20))
    program = ana.program()
    assert error_of(upload(program, big, name="m"), 403)["code"] == "quota"
    answer = program.post("/datasets", content=in_pieces(40), headers=SAID_LESS)
    assert error_of(answer, 413)["code"] == "too_large"
    assert list((server.settings.home_path / "uploads").glob("*")) == []


def test_an_upload_is_written_as_it_comes(home, tmp_path):
    """64 MB go to the disk; the memory holds a few pieces of it."""
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    pieces = [head, *[b"x" * (64 << 10)] * 1024, b"\r\n--x--\r\n"]
    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
    }

    async def upload_all():
        waiting = iter(pieces)

        async def more():
            piece = next(waiting, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        return await receive(Request(scope, more), tmp_path, ("file",), 128 << 20)

    tracemalloc.start()
    form = anyio.run(upload_all)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert form.files["file"].stat().st_size == 64 << 20
    assert peak < 8 << 20


def test_others_see_what_is_shared_with_them_and_nothing_else(ana, ben, tmp_path):
    ana.add(tmp_path, "tickets")
    program = ben.program()
    assert program.get("/datasets").json() == {"datasets": []}
    hidden = error_of(program.get("/datasets/ana/tickets"), 404)
    missing = error_of(program.get("/datasets/ana/no-such"), 404)
    assert hidden["what"].replace("tickets", "no-such") == missing["what"]
    assert {key: hidden[key] for key in ("code", "why", "try_this")} == {
        key: missing[key] for key in ("code", "why", "try_this")
    }
    ana.sharing.share("project", "tickets", "ben", "viewer")
    for path in ("/datasets/ana/tickets", "/datasets/ana%2Ftickets@1"):
        shown = program.get(path).json()
        assert (shown["dataset"], shown["reference"], shown["mine"]) == (
            "tickets",
            "ana/tickets@1",
            False,
        )
    assert error_of(program.delete("/datasets/ana/tickets"), 403)["code"] == "access"
    ana.sharing.unshare("project", "tickets", "ben")
    assert program.get("/datasets/ana/tickets").status_code == 404


def test_deleting_and_restoring(ana, tmp_path):
    record = ana.add(tmp_path)
    run = ana.finished(record)
    program = ana.program()
    assert "were trained on" in error_of(program.delete("/datasets/tickets"), 422)["what"]
    gone = program.delete("/datasets/tickets", params={"with_runs": True}).json()
    assert gone == {"deleted": "tickets", "versions": 1, "runs": 1}
    assert program.get("/datasets").json()["datasets"] == []
    trash = program.get("/datasets", params={"deleted": True}).json()["datasets"]
    assert [one["reference"] for one in trash] == ["tickets@1"]
    assert [
        one["run_id"] for one in program.get("/runs", params={"deleted": True}).json()["runs"]
    ] == [run.id]
    assert program.post("/datasets/tickets@1/restore").json()["reference"] == "tickets@1"
    assert program.post(f"/runs/{run.id}/restore").json()["status"] == "done"
    assert program.post("/datasets/tickets@1/restore").status_code == 404


NOBODY = (
    *("no", "no@1", "tickets@99999999999999999999999", "tickets@²", "tickets@", "@1", "a@b@1"),
    *("x/y/z", "%00", "ana/", "/tickets", "tickets@-1", "tickets@1.0", "", "x" * 300),
)


def test_what_is_no_reference_is_not_there(ana, tmp_path):
    ana.add(tmp_path)
    program = ana.program()
    for reference in NOBODY:
        for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/restore")):
            answer = program.request(method, f"/datasets/{reference}{tail}")
            expected = (200, 307, 400, 404, 405) if not reference else (400, 404)
            assert answer.status_code in expected, (method, reference, answer.text)
    assert ana.data.get("tickets").version == 1


def test_a_viewer_adds_nothing(server, tmp_path):
    looking = server.member("cleo", role="viewer")
    answer = upload(looking.program(), write_texts(tmp_path / "t.csv"), name="mail")
    assert "viewer" in error_of(answer, 403)["why"]
    body = {"source": "sample:digits", "name": "d"}
    assert error_of(looking.program().post("/datasets", json=body), 403)["code"] == "access"
