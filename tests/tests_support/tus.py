"""A client of tus 1.0 for tests, one method for each verb; it believes nothing that it is told."""

from __future__ import annotations

import base64
import hashlib
import threading

import anyio

TUS = {"tus-resumable": "1.0.0"}
BYTES = {**TUS, "content-type": "application/offset+octet-stream"}
TABLE = b"text,label\n" + b"".join(b"a line number %d,good\n" % place for place in range(9000))


def coded(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def checksum(part: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {coded(hashlib.new(algorithm, part).digest())}"


def id_of(address: str) -> str:
    return address.rpartition("/")[2]


class Tus:
    """Uploads through a client of httpx, or Starlette's for tests."""

    def __init__(self, client, root: str = ""):
        self.client, self.root = client, root

    def begin(self, size: int = len(TABLE), name: str = "notes.csv", **about: str):
        said = {"filename": name, **about}
        metadata = ",".join(f"{key} {coded(value)}" for key, value in said.items())
        headers = {**TUS, "upload-length": str(size), "upload-metadata": metadata}
        return self.client.post(f"{self.root}/api/uploads", headers=headers)

    def begun(self, **options) -> str:
        """The address of a new upload."""
        answer = self.begin(**options)
        assert answer.status_code == 201, answer.text
        return self.root + answer.headers["location"]

    def send(self, address: str, offset: int, content, **headers: str):
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**BYTES, "upload-offset": str(offset), **own}
        return self.client.patch(address, headers=sent, content=content)

    def look(self, address: str):
        return self.client.head(address, headers=TUS)

    def offset(self, address: str) -> int:
        return int(self.look(address).headers["upload-offset"])

    def cancel(self, address: str):
        return self.client.delete(address, headers=TUS)


async def broken_off(app, address: str, start: int, pieces: list, **headers: str) -> int:
    """The status of a PATCH that announces all of `TABLE` that is missing and ends after some
    pieces. Among them an event or a barrier is waited for; from None on nothing comes, and nothing
    ends.
    """
    sent = {**BYTES, "upload-offset": str(start), "cookie": "_streamlit_user=ana", **headers}
    sent |= {"host": "graft.example.org", "content-length": str(len(TABLE) - start)}
    left, answers = list(pieces), []

    async def receive():
        if not left:
            return {"type": "http.disconnect"}
        if (piece := left.pop(0)) is None:
            await anyio.sleep_forever()
        if isinstance(piece, threading.Event | threading.Barrier):
            await anyio.to_thread.run_sync(piece.wait)
            piece = b""
        return {"type": "http.request", "body": piece, "more_body": True}

    async def answered(message):
        answers.append(message)

    scope = {
        "type": "http",
        "method": "PATCH",
        "path": address,
        "query_string": b"",
        "scheme": "https",
        "client": ("203.0.113.9", 1),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    await app(scope, receive, answered)
    return answers[0]["status"]
