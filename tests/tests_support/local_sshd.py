"""An SSH server of the test's own on this machine, with keys that were made for it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

_SSHD = "/usr/sbin/sshd"
ROOT = Path(__file__).parents[2]


class Sshd:
    """Listens on loopback; who connects finds `environment` there.

    Args:
        folder: for keys and configuration.
        environment: variables of whoever signs in.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        for program in (_SSHD, "ssh-keygen", "ssh", "rsync"):
            if shutil.which(program) is None:
                pytest.skip("needs sshd and rsync on this machine")
        folder.mkdir()
        self.folder, self.config = folder, folder / "config"
        for name in ("host", "own", "other"):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(make, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        shutil.copy(folder / "own.pub", folder / "authorized")
        variables = " ".join(f"{name}={value}" for name, value in environment.items())
        self._write(
            "sshd_config",
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {folder}/host",
            f"AuthorizedKeysFile {folder}/authorized",
            f"PidFile {folder}/pid",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "StrictModes no",
            "UsePAM no",
            f"SetEnv {variables}",
        )
        self.know("host")
        self._write(
            "config",
            "Host other",
            "HostName 127.0.0.1",
            f"Port {self.port}",
            f"User {getpass.getuser()}",
            f"IdentityFile {folder}/own",
            "IdentitiesOnly yes",
            f"UserKnownHostsFile {folder}/known_hosts",
        )
        self.start()

    def _write(self, name: str, *lines: str) -> None:
        (self.folder / name).write_text("\n".join(lines) + "\n")

    def know(self, key: str) -> None:
        """Which key the client takes for the server's."""
        public = (self.folder / f"{key}.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it goes before anybody has signed in
        command = [_SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def cut(self) -> None:
        """All connections end, and nobody listens any more."""
        if self.process.poll() is not None:
            return
        for process in [*psutil.Process(self.process.pid).children(), self.process]:
            process.kill()  # sessions of sshd; what they have started is of other sessions
        self.process.wait()

    def settings(self, there: Path) -> dict[str, str]:
        """Variables that name this machine as the other one, with its home in `there`."""
        return {
            "TL_SSH_HOST": "other",
            "TL_SSH_CONFIG": str(self.config),
            "TL_SSH_DIR": str(there),
            "TL_SSH_PYTHON": sys.executable,
            "TL_SSH_CODE": str(ROOT),
        }
