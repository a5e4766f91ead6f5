"""Uploads to running servers: connections and processes die, another replica goes on, and memory
stays what it was.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import threading
import time

import httpx
import psutil
import pytest
from tests_support.processes import kill_all
from tests_support.studio import Server
from tests_support.tus import BYTES, Tus, id_of

MEGABYTE = 1 << 20
CONTENT = os.urandom(50 * MEGABYTE)
MOST_GROWTH = 64 * MEGABYTE


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = tmp_path_factory.mktemp("uploads") / "home"
    made.mkdir()
    yield made
    kill_all(made)


@pytest.fixture(scope="module")
def servers(place):
    """Two replicas of one studio."""
    both = [Server(place, {"TL_DISPATCHER": "external"}) for _ in range(2)]
    yield both
    for server in both:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def clients(servers):
    with httpx.Client(timeout=60) as client:
        yield [Tus(client, server.url) for server in servers]


def elsewhere(address, server):
    return f"{server.url}/api/uploads/{id_of(address)}"


def begin_part(server, address, content, offset=0):
    """Announce the rest of `CONTENT`, send some of it, and give the open connection."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    missing = len(CONTENT) - offset
    headers = {**BYTES, "upload-offset": str(offset), "content-length": str(missing)}
    lines = [f"PATCH /api/uploads/{id_of(address)} HTTP/1.1", f"host: localhost:{server.port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)
    return connection


def free_again(client, address):
    """The offset once nobody writes any more."""
    end = time.monotonic() + 30
    while client.send(address, 10**9, b"").status_code == 423:
        assert time.monotonic() < end
        time.sleep(0.05)
    return client.offset(address)


class Memory:
    """The largest memory of a server's process above what it had."""

    def __init__(self, server):
        self._process = psutil.Process(server.process.pid)
        self._before = self._settled()
        self.growth, self._ends = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _settled(self):
        """Pages are imported in the background for some seconds."""
        taken, since, end = 0, time.monotonic(), time.monotonic() + 60
        while time.monotonic() - since < 4 and time.monotonic() < end:
            now = self._process.memory_info().rss
            if abs(now - taken) > MEGABYTE:
                taken, since = now, time.monotonic()
            time.sleep(0.1)
        return taken

    def _watch(self):
        while not self._ends.wait(0.01):
            grown = self._process.memory_info().rss - self._before
            self.growth = max(self.growth, grown)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()


def test_a_cut_connection_costs_nothing_and_no_memory(servers, clients, place):
    [server, _], [client, _] = servers, clients
    time.sleep(5)  # until the imports in the background have begun
    with Memory(server) as memory:
        address = client.begun(size=len(CONTENT), name="noise.bin")
        connection = begin_part(server, address, CONTENT[: 30 * MEGABYTE])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()  # no farewell: the connection is reset
        start = free_again(client, address)
        assert 0 < start <= 30 * MEGABYTE
        assert client.send(address, start, CONTENT[start:]).status_code == 204
    assert memory.growth <= MOST_GROWTH
    arrived = (place / "uploads" / id_of(address) / "noise.bin").read_bytes()
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(CONTENT).digest()


def test_another_replica_goes_on_and_only_one_of_them_writes(servers, clients, place):
    [one, other], [client, at_other] = servers, clients
    address = client.begun(size=len(CONTENT), name="noise.bin")
    there = elsewhere(address, other)
    connection = begin_part(one, address, CONTENT[: 5 * MEGABYTE])
    end = time.monotonic() + 20
    while at_other.send(there, 1, b"").status_code != 423:
        assert time.monotonic() < end
    connection.close()
    start = free_again(at_other, there)
    assert 0 < start <= 5 * MEGABYTE
    half = start + 20 * MEGABYTE
    assert at_other.send(there, start, CONTENT[start:half]).status_code == 204
    assert client.offset(address) == half
    assert client.send(address, half, CONTENT[half:]).status_code == 204
    assert (place / "uploads" / id_of(address) / "noise.bin").read_bytes() == CONTENT


def test_a_killed_server_loses_only_what_was_not_noted(servers, clients, place):
    [_, other], [_, client] = servers, clients
    address = client.begun(size=len(CONTENT), name="noise.bin")
    assert client.send(address, 0, CONTENT[:MEGABYTE]).status_code == 204
    path = place / "uploads" / id_of(address) / "noise.bin"
    with begin_part(other, address, CONTENT[MEGABYTE : 6 * MEGABYTE], MEGABYTE):
        end = time.monotonic() + 20
        while path.stat().st_size < 4 * MEGABYTE:
            assert time.monotonic() < end
        other.process.kill()
        other.process.wait()
    other.start()
    assert client.offset(address) == MEGABYTE < path.stat().st_size
    assert client.send(address, MEGABYTE, CONTENT[MEGABYTE:]).status_code == 204
    assert path.read_bytes() == CONTENT
