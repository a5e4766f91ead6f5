"""A Hub of one machine: speaks as much of the real HTTP API as `model_info` and `snapshot_download` ask for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Handler(BaseHTTPRequestHandler):
    models: dict[str, Path]
    gated: set[str]

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        if found := re.fullmatch(r"/api/models/([\w-]+/[\w.-]+)(/revision/([\w.-]+))?(/tree/[\w.-]+)?", path):
            self._describe(found[1], found[3], body, tree=bool(found[4]))
        elif found := re.fullmatch(r"/([\w-]+/[\w.-]+)/resolve/([\w.-]+)/(.+)", path):
            self._file(found[1], found[3], body)
        else:
            self._send(200 if path == "/" else 404, b"{}", body)

    def _describe(self, name: str, revision: str | None, body: bool, *, tree: bool) -> None:
        if name in self.gated:
            self._send(403, b"{}", body, {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif name not in self.models:
            self._send(404, b"{}", body, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "no such repository"})
        elif revision not in (None, "main", COMMIT):
            self._send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "no such revision"})
        else:
            files = sorted(p for p in self.models[name].iterdir() if p.is_file())
            listing = [{"type": "file", "path": p.name, "size": p.stat().st_size, "oid": _etag(p)} for p in files]
            info = {"id": name, "modelId": name, "sha": COMMIT, "siblings": [{"rfilename": p.name} for p in files]}
            self._send(200, json.dumps(listing if tree else info).encode(), body)

    def _file(self, name: str, file: str, body: bool) -> None:
        path = self.models.get(name, Path("/nowhere")) / file
        if not path.is_file():
            self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})
            return
        self._send(200, path.read_bytes(), body, {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": COMMIT})

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def _etag(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def serve(models: dict[str, Path], gated: set[str] | None = None) -> Iterator[str]:
    """The address of a Hub that holds `models` (name to folder)."""
    handler = type("Handler", (_Handler,), {"models": models, "gated": gated or set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
