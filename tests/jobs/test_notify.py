"""A webhook hears of the end of a run; a deaf one spoils nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs.notify import Notices, notify
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings


@pytest.fixture
def listener():
    heard = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_end_of_a_run_is_told(listener):
    address, heard = listener
    notify(Settings(webhook=address), "3f9a0c12de", "done", "Right 93 times in 100")
    assert heard == [{"run": "3f9a0c12de", "status": "done", "text": "Right 93 times in 100"}]


@pytest.mark.parametrize(
    "address", ("", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:9/")
)
def test_no_address_another_scheme_or_a_deaf_one_is_passed_over(address):
    notify(Settings(webhook=address), "3f9a0c12de", "failed", "text")


@pytest.fixture
def started(home, listener):
    """`started(n)`: the registry with n running runs, and a dispatcher's notices."""
    settings = Settings(home=str(home), webhook=listener[0])
    engine = open_database(settings)
    runs = RunStore(engine, "local", home)

    def make(count):
        made = [runs.create(RunConfig("train", "local", "d@1", recipe="baseline")) for _ in "ab"]
        for _ in range(count):
            RunWriter(engine).claim_next("train")
        return made

    yield settings, engine, make


def test_the_dispatcher_tells_of_an_end_whatever_it_was(started, listener):
    settings, engine, make = started
    notices, writer, (done, lost) = Notices(settings, engine), RunWriter(engine), make(2)
    for run in (done, lost):
        notices.expect(run.id)
    notices.send()
    assert listener[1] == []
    writer.finish(done.id, "done", headline="Right 93 times in 100")
    reason = {"code": "interrupted", "what": "The process has gone.", "why": "", "try_this": ""}
    writer.finish(lost.id, "interrupted", reason=reason)
    notices.send()
    notices.send()
    notices.close()
    told = {(one["run"], one["status"], one["text"]) for one in listener[1]}
    assert len(listener[1]) == 2 and told == {
        (done.id, "done", "Right 93 times in 100"),
        (lost.id, "interrupted", "The process has gone."),
    }
    assert list((settings.home_path / "notices").iterdir()) == []


def test_the_next_dispatcher_tells_what_the_last_one_could_not(started, listener):
    settings, engine, make = started
    (first, _), killed = make(2), Notices(settings, engine)
    killed.expect(first.id)
    killed.expect("deadbeef00")  # deleted before anybody could be told
    RunWriter(engine).finish(first.id, "done", headline="Right")
    following = Notices(settings, engine)
    following.send()
    following.close()
    assert [one["run"] for one in listener[1]] == [first.id]
    assert list((settings.home_path / "notices").iterdir()) == []


def test_without_an_address_nothing_is_kept(started):
    settings, engine, make = started
    notices = Notices(Settings(home=settings.home), engine)
    notices.expect(make(1)[0].id)
    assert not (settings.home_path / "notices").exists()
