"""A large upload, cut in the middle, to a running studio: seconds, memory of its process, whether
what arrived is what was sent; beside it the same bytes to a bare route that writes them.

`python benchmarks/upload.py [--mb 2048]`. The bytes are made on the fly and sent as the page's own
script does it: parts of 8 MB with a SHA-256 each. In the middle of one its connection is reset. The
bare route takes one PUT, checks nothing and does not wait for the disk.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from common import machine, write_result

ROOT = Path(__file__).parents[1]
PART = 8 << 20
_NOISE = os.urandom(PART)
_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def put(request):
    with open(sys.argv[2], "wb") as target:
        async for chunk in request.stream():
            target.write(chunk)
    return Response(status_code=204)

app = Starlette(routes=[Route("/", put, methods=["PUT"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def part(place: int) -> bytes:
    """The bytes of a part: noise that nothing can pack, and another one each time."""
    return place.to_bytes(8, "big") + _NOISE[8:]


class Memory:
    """Watches the memory of a process; `growth` is the most above its beginning, in MB."""

    def __init__(self, pid: int) -> None:
        self._process, self._ends = psutil.Process(pid), threading.Event()
        self._before, self.growth = self._process.memory_info().rss, 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ends.wait(0.02):
            grown = self._process.memory_info().rss - self._before
            self.growth = max(self.growth, grown / 1e6)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()


@contextmanager
def running(*command: str, **environment: str) -> Iterator[tuple[int, int]]:
    """A server of its own process once it listens: its port (`PORT` in the command) and its pid."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [str(port) if word == "PORT" else word for word in command]
    server = subprocess.Popen([sys.executable, *words], cwd=ROOT, env={**os.environ, **environment})
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, server.pid
    finally:
        server.kill()
        server.wait()


def settle(pid: int) -> None:
    """Wait until the process has imported what it wants in the background."""
    process, taken, since = psutil.Process(pid), 0, time.monotonic() + 5
    while time.monotonic() - since < 5:
        now = process.memory_info().rss
        if abs(now - taken) > 1e6:
            taken, since = now, max(since, time.monotonic())
        time.sleep(0.2)


def headers_of(offset: int, content: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {
        "tus-resumable": "1.0.0",
        "content-type": "application/offset+octet-stream",
        "upload-offset": str(offset),
        "upload-checksum": f"sha256 {digest}",
    }


def broken_off(port: int, path: str, offset: int, content: bytes) -> None:
    """Send half of a part, and reset the connection."""
    headers = {**headers_of(offset, content), "content-length": str(len(content))}
    lines = [f"PATCH {path} HTTP/1.1", f"host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + content[: PART // 2])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resumable(port: int, parts: int) -> tuple[str, dict[str, object]]:
    """The path of the upload, and what was seen."""
    seen: dict[str, object] = {}
    version = {"tus-resumable": "1.0.0"}
    name = base64.b64encode(b"noise.bin").decode()
    about = {"upload-length": str(parts * PART), "upload-metadata": f"filename {name}"}
    with httpx.Client(base_url=f"http://localhost:{port}", timeout=300) as client:
        made = client.post("/api/uploads", headers=version | about)
        made.raise_for_status()
        path, place, cut = made.headers["location"], 0, parts // 2
        while place < parts:
            content = part(place)
            if place == cut:
                seen["cut_at_mb"] = (place * PART + PART // 2) >> 20
                broken_off(port, path, place * PART, content)
                cut = -1
                place = int(client.head(path, headers=version).headers["upload-offset"]) // PART
                seen["went_on_at_mb"] = (place * PART) >> 20
                continue
            answer = client.patch(path, headers=headers_of(place * PART, content), content=content)
            if answer.status_code == 423:  # the server has not yet seen that the other one is gone
                time.sleep(0.1)
                continue
            answer.raise_for_status()
            place += 1
    return path, seen


def measure(parts: int, home: Path) -> dict[str, object]:
    """The studio, then the bare route."""
    environment = {"TL_HOME": str(home), "TL_UPLOAD_MB": str(2 * parts * PART >> 20)}
    launch = ("-m", "pages.shell.launch", "--port", "PORT")
    with running(*launch, TL_DISPATCHER="external", **environment) as (port, pid):
        settle(pid)
        with Memory(pid) as memory:
            began = time.perf_counter()
            path, seen = resumable(port, parts)
            seconds = time.perf_counter() - began
    with next((home / "uploads" / path.rpartition("/")[2]).glob("*.bin")).open("rb") as arrived:
        digest = hashlib.file_digest(arrived, "sha256").digest()
    sent = hashlib.sha256()
    for place in range(parts):
        sent.update(part(place))
    with running("-c", _BARE, "PORT", str(home / "bare.bin")) as (port, pid):
        settle(pid)
        with Memory(pid) as bare_memory:
            began = time.perf_counter()
            length = {"content-length": str(parts * PART)}
            httpx.put(
                f"http://localhost:{port}/",
                content=(part(place) for place in range(parts)),
                headers=length,
                timeout=300,
            ).raise_for_status()
            bare = time.perf_counter() - began
    return {
        "mb": parts * PART >> 20,
        **seen,
        "checksum_equal": digest == sent.digest(),
        "seconds": round(seconds, 1),
        "mb_per_second": round((parts * PART >> 20) / seconds),
        "memory_growth_mb": round(memory.growth, 1),
        "bare_seconds": round(bare, 1),
        "bare_memory_growth_mb": round(bare_memory.growth, 1),
        "over_bare": round(seconds / bare, 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=2048, help="size of the file, in MB")
    wanted = parser.parse_args().mb
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(max(2, (wanted << 20) // PART), Path(folder))
    write_result("upload", {"machine": machine(), **figures})
