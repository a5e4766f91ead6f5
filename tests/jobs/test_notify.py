"""A webhook hears of the end of a run; a deaf one spoils nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tl_core.jobs.notify import notify
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
