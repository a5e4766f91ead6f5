"""Two replicas of the studio behind a real nginx with the configuration that is shipped, on
loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests_support.studio import ROOT, Server, free_port

CONFIG = ROOT / "deploy/nginx.conf"


def nginx() -> str:
    """The program; a test that needs it is skipped without it."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
    if found is None:
        pytest.skip("install nginx")
    return found


class Proxy:
    """nginx in a folder of its own, in front of servers on ports of this machine."""

    def __init__(self, folder: Path, port: int, servers: dict[str, int]):
        self.port, self.log = port, folder / "access.log"
        text = CONFIG.read_text().replace(" /tmp/", f" {folder}/")
        changes = {
            "listen 8080": f"listen 127.0.0.1:{port}",
            "/dev/stdout": str(self.log),
            "error_log stderr": f"error_log {folder / 'error.log'}",
            "worker_processes auto": "worker_processes 1",
            **{f"{name}:8501": f"127.0.0.1:{own}" for name, own in servers.items()},
        }
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        self._command = [nginx(), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        checked = subprocess.run([*self._command, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        plain = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        self.process = subprocess.Popen([*self._command, "-g", plain])
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((folder / "error.log").read_text())

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def served(self, path: str, after: int = 0, count: int = 0) -> list[str]:
        """Which servers answered a path, in turn, but for the first `after` times; of several tries
        the last. Waits until there are `count`, since a line is written after its answer.
        """
        end = time.monotonic() + 10
        while True:
            lines = [json.loads(line) for line in self.log.read_text().splitlines()]
            found = [one["replica"].split(", ")[-1] for one in lines if one["path"] == path]
            if len(found[after:]) >= count or time.monotonic() > end:
                return found[after:]
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait(30)


class Replicas:
    """Two servers of one home and database, and the proxy in front of them."""

    def __init__(self, folder: Path, home: Path, environment: dict[str, str]):
        port = free_port()
        own = {name: value.replace("{port}", str(port)) for name, value in environment.items()}
        self.servers: list[Server] = []
        try:
            for _ in ("app-1", "app-2"):
                self.servers.append(Server(home, own))
            names = {f"app-{number + 1}": one.port for number, one in enumerate(self.servers)}
            self.proxy = Proxy(folder, port, names)
        except BaseException:
            self._end()
            raise

    def of(self, address: str) -> Server:
        """The server that nginx names so."""
        return next(one for one in self.servers if address.endswith(f":{one.port}"))

    def close(self):
        self.proxy.close()
        self._end()

    def _end(self):
        for one in self.servers:
            one.process.kill()
            one.process.wait()
