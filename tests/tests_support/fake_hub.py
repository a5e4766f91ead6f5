"""A Hub of one machine: speaks as much of the real HTTP API as the unmodified clients ask for.

`model_info` and `snapshot_download` for models; `load_dataset`, streaming included, for datasets;
`create_repo` and `upload_folder` with the token TOKEN, by the protocol of large files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_REPO = r"([\w-]+/[\w.-]+)"
TOKEN = "hf_writes"


class _Handler(BaseHTTPRequestHandler):
    repositories: dict[str, dict[str, Path]]  # kind to name to folder
    gated: set[str]
    faults: dict[str, str]  # name to what goes wrong with it: a status, `cut` or `damaged`
    cards: dict[str, dict[str, object]]  # name to what a search shows of it
    uploads: Path  # repositories that were pushed, and parts on their way
    private: dict[str, bool]  # of those that were pushed

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        (self.uploads / "parts").mkdir(parents=True, exist_ok=True)
        (self.uploads / "parts" / hashlib.sha256(content).hexdigest()).write_bytes(content)
        self._send(200, b"", body=True)

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        path = self.path.split("?")[0]
        writes = path == "/api/repos/create" or re.search(r"/(preupload|commit)/|/lfs/", path)
        if writes and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, b"{}", body=True)
            return
        if writes:
            status, told = self._write(path, asked)
            self._send(
                status,
                json.dumps(told).encode(),
                body=True,
                headers={
                    "Content-Type": (
                        "application/vnd.git-lfs+json" if "/lfs/" in path else "application/json"
                    )
                },
            )
            return
        if found := re.fullmatch(rf"/api/(models|datasets)/{_REPO}/paths-info/([\w.-]+)", path):
            wanted = (
                json.loads(asked)["paths"]
                if asked.startswith("{")
                else parse_qs(asked).get("paths", [])
            )
            root = self._known(found[1], found[2], found[3], body=True)
            if root:
                entries = [_entry(root, root / name) for name in wanted if (root / name).exists()]
                self._send(200, json.dumps(entries).encode(), body=True)
        else:
            self._send(200 if path == "/api/validate-yaml" else 404, b"{}", body=True)

    def _write(self, path: str, asked: str) -> tuple[int, dict[str, object]]:
        """What a client that uploads asks, in the order in which it does."""
        if path == "/api/repos/create":
            told = json.loads(asked)
            name = f"{told['organization']}/{told['name']}"
            if name in self.repositories["models"]:
                return 409, {"error": "it exists", "url": f"http://{self.headers['Host']}/{name}"}
            (self.uploads / name).mkdir(parents=True)
            self.repositories["models"][name] = self.uploads / name
            self.private[name] = told["visibility"] == "private"
            return 200, {"url": f"http://{self.headers['Host']}/{name}", "id": name}
        if "/preupload/" in path:
            modes = {
                one["path"]: "lfs" if one["path"].endswith((".safetensors", ".onnx")) else "regular"
                for one in json.loads(asked)["files"]
            }
            return 200, {
                "files": [
                    {"path": file, "shouldIgnore": False, "uploadMode": mode}
                    for file, mode in modes.items()
                ]
            }
        if "/lfs/" in path:
            return 200, {
                "transfer": "basic",
                "objects": [
                    {
                        **one,
                        "actions": {
                            "upload": {"href": f"http://{self.headers['Host']}/parts/{one['oid']}"}
                        },
                    }
                    for one in json.loads(asked)["objects"]
                ],
            }
        name = re.fullmatch(rf"/api/models/{_REPO}/commit/main", path)[1]
        for line in map(json.loads, asked.splitlines()):
            value = line["value"]
            target = self.uploads / name / value.get("path", "")
            target.parent.mkdir(parents=True, exist_ok=True)
            if line["key"] == "file":
                target.write_bytes(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                target.write_bytes((self.uploads / "parts" / value["oid"]).read_bytes())
        return 200, {
            "commitUrl": f"http://{self.headers['Host']}/{name}/commit/{COMMIT}",
            "commitOid": COMMIT,
        }

    def _answer(self, *, body: bool) -> None:
        path = unquote(self.path.split("?")[0])
        if path == "/api/models":
            self._search(body)
        elif found := re.fullmatch(
            rf"/api/(models|datasets)/{_REPO}(/revision/([\w.-]+))?(/tree/([\w.-]+)(/.*)?)?", path
        ):
            self._describe(
                found[1],
                found[2],
                found[4] or found[6],
                body,
                tree=bool(found[5]),
                below=found[7] or "",
            )
        elif found := re.fullmatch(rf"/(datasets/)?{_REPO}/resolve/([\w.-]+)/(.+)", path):
            self._file("datasets" if found[1] else "models", found[2], found[4], body)
        else:
            self._send(200 if path == "/" else 404, b"{}", body)

    def _known(self, kind: str, name: str, revision: str | None, *, body: bool) -> Path | None:
        """The repository's folder, or None after an answer with the error."""
        if self.faults.get(name, "").isdigit():
            self._send(int(self.faults[name]), b"{}", body)
        elif name in self.gated:
            self._send(403, b"{}", body, {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif name not in self.repositories[kind]:
            self._send(
                404,
                b"{}",
                body,
                {"X-Error-Code": "RepoNotFound", "X-Error-Message": "no such repository"},
            )
        elif revision not in (None, "main", COMMIT):
            self._send(
                404,
                b"{}",
                body,
                {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "no such revision"},
            )
        else:
            return self.repositories[kind][name]
        return None

    def _describe(
        self, kind: str, name: str, revision: str | None, body: bool, *, tree: bool, below: str
    ) -> None:
        root = self._known(kind, name, revision, body=body)
        if root is None:
            return
        top = root / below.strip("/")
        deep = "recursive=true" in self.path.lower() or not tree
        listing = [_entry(root, path) for path in sorted(top.rglob("*") if deep else top.glob("*"))]
        names = [
            {
                "rfilename": entry["path"],
                "size": entry["size"],
                "lfs": {"size": entry["size"], "sha256": entry["oid"], "pointerSize": 134},
            }
            for entry in listing
            if entry["type"] == "file"
        ]
        info = {
            "id": name,
            "modelId": name,
            "sha": COMMIT,
            "siblings": names,
            "tags": [],
            "private": self.private.get(name, False),
        }
        self._send(200, json.dumps(listing if tree else info).encode(), body)

    def _file(self, kind: str, name: str, file: str, body: bool) -> None:
        root = self.repositories[kind].get(name)
        if root is None or name in self.gated:
            self._known(kind, name, None, body=body)
            return
        path = root / file
        if not path.is_file():
            self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})
            return
        content, status, headers = (
            path.read_bytes(),
            200,
            {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"},
        )
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(part[1]), min(int(part[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            content, status = content[first : last + 1], 206
        if self.faults.get(name) == "damaged" and file.endswith(".safetensors"):
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._send(
            status,
            content,
            body,
            headers,
            cut=self.faults.get(name) == "cut" and len(content) > 5000,
        )

    def _search(self, body: bool) -> None:
        asked = parse_qs(self.path.partition("?")[2])
        if self.faults.get("search", "").isdigit():
            self._send(int(self.faults["search"]), b"{}", body)
            return
        found = [
            {"id": name, "modelId": name, "tags": [], **self.cards.get(name, {})}
            for name in self.repositories["models"]
            if asked.get("search", [""])[0].lower() in name.lower()
        ]
        found = [one for one in found if set(asked.get("filter", [])) <= set(one["tags"])]
        found.sort(key=lambda one: -one.get("downloads", 0))
        self._send(200, json.dumps(found[: int(asked.get("limit", ["100"])[0])]).encode(), body)

    def _send(
        self,
        status: int,
        content: bytes,
        body: bool,
        headers: dict[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection |= cut


def _entry(root: Path, path: Path) -> dict[str, object]:
    name = path.relative_to(root).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "size": 0, "oid": "0" * 40}
    return {"type": "file", "path": name, "size": path.stat().st_size, "oid": _etag(path)}


def _etag(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def serve(
    models: dict[str, Path],
    gated: set[str] | None = None,
    datasets: dict[str, Path] | None = None,
    faults: dict[str, str] | None = None,
    cards: dict[str, dict[str, object]] | None = None,
    uploads: Path | None = None,
) -> Iterator[str]:
    """The address of a Hub that holds `models` and `datasets` (name to folder) and takes uploads
    into a folder.
    """
    handler = type(
        "Handler",
        (_Handler,),
        {
            "repositories": {"models": models, "datasets": datasets or {}},
            "gated": gated or set(),
            "faults": faults or {},
            "cards": cards or {},
            "uploads": uploads,
            "private": {},
        },
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
