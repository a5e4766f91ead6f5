"""A bucket in memory, as far as it is used of a file system, and S3 on the loopback device behind a
proxy that fails.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tl_core.artifacts.bucket import Bucket

KEYS = {
    "AWS_ACCESS_KEY_ID": "test-key",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class InMemory:
    """Objects by path; `before` is called with each request's name and path, and may raise."""

    def __init__(self, clock=time.time):
        self.objects, self.clock, self.requests = {}, clock, []
        self.before = lambda _request, _path: None

    def _note(self, request, path):
        self.requests.append((request, path))
        self.before(request, path)

    def pipe_file(self, path, value, **kwargs):
        self._note("put", path)
        self.objects[path] = (bytes(value), self.clock())

    def cat_file(self, path):
        self._note("get", path)
        return self._found(path)[0]

    def info(self, path):
        self._note("info", path)
        return {"size": len(self._found(path)[0])}

    def find(self, path, *, detail):
        self._note("find", path)
        return {
            name: {"size": len(content), "LastModified": datetime.fromtimestamp(at, UTC)}
            for name, (content, at) in list(self.objects.items())
            if name.startswith(path)
        }

    def rm(self, path):
        self._note("rm", path[0])
        for one in path:
            self.objects.pop(one, None)

    def _found(self, path):
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]


def in_memory(clock=time.time):
    """A bucket and its objects; nothing waits between tries."""
    files = InMemory(clock)
    return Bucket(files, "bucket/prefix", pause=lambda _seconds: None), files


@contextmanager
def s3_server():
    """The address of an S3 server of moto on the loopback device, with a bucket `bucket`."""
    server_of = pytest.importorskip("moto.server", reason="needs moto").ThreadedMotoServer
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        port = server.get_host_and_port()[1]
        ask = HTTPConnection("127.0.0.1", port)
        ask.request("PUT", "/bucket")
        assert ask.getresponse().status == 200
        ask.close()
        yield port
    finally:
        server.stop()


FAULTS = (
    "refused",  # the connection is closed before anything is read
    "cut request",  # half of the request reaches the server, then the connection breaks
    "no answer",  # the server has done it, but nobody hears of it
    "cut answer",  # the connection breaks in the middle of the answer
    "short answer",  # the answer ends early and says that it is whole
    "changed answer",  # one byte of it is another one
    "changed request",  # one byte of what is sent is another one
    "stalled",  # nothing comes for longer than anybody waits
    "busy",  # the server asks to slow down
)


class FaultyProxy:
    """Passes requests on to a server of this machine, some of them with a fault.

    Args:
        port: of the server.
        fault: one of `FAULTS`; empty for none.
        share: of the requests that it befalls.
        methods: of the requests that it may befall.
        stall: seconds that a stalled request takes.
        seed: of the draws.
    """

    def __init__(self, port, fault="", share=0.3, methods=("GET", "PUT"), stall=3.0, seed=0):
        self.fault, self.share, self.methods, self.stall = fault, share, methods, stall
        self.to, self.faults, self.requests = port, 0, 0
        self._random, self._lock = random.Random(seed), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Passing)
        self._server.proxy = self
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def draw(self, method):
        """The fault of the next request."""
        with self._lock:
            self.requests += 1
            hit = method in self.methods and self._random.random() < self.share
            self.faults += bool(hit and self.fault)
            return self.fault if hit else ""

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _proxy(self):
        return self.server.proxy

    def log_message(self, *_args):
        pass

    def _pass(self):
        fault = self._proxy.draw(self.command)
        if fault == "refused":
            return self._break()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault == "stalled":
            time.sleep(self._proxy.stall)
            return self._break()
        if fault == "cut request":
            self._half(body)
            return self._break()
        if fault == "busy":
            return self._answer(503, b"<Error><Code>SlowDown</Code></Error>", {}, 0)
        if fault == "changed request" and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        status, content, headers = self._ask(body)
        if fault == "no answer":
            return self._break()
        if fault == "short answer":
            content = content[: len(content) // 2]
        if fault == "changed answer" and content:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._answer(status, content, headers, len(content) // 2 if "cut" in fault else 0)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass

    def _ask(self, body):
        server = HTTPConnection("127.0.0.1", self._proxy.to, timeout=30)
        server.request(self.command, self.path, body=body, headers=dict(self.headers))
        answer = server.getresponse()
        try:
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            server.close()

    def _half(self, body):
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._proxy.to)) as server:
            lines = [f"{self.command} {self.path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in self.headers.items()]
            server.sendall("\r\n".join([*lines, "", ""]).encode() + body[: len(body) // 2])

    def _answer(self, status, content, headers, stop):
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if stop:
            self.wfile.write(content[:stop])
            return self._break()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _break(self):
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


def set_keys(monkeypatch):
    """Credentials for S3, and none of the machine's own."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
