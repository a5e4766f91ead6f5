"""Commands and files over SSH: never a password prompt, never an unknown host key."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tl_core.errors import ConfigError, UserError
from tl_core.jobs.executors.executor_contract import SilentError
from tl_core.settings import Settings

SECONDS = 20.0  # for a short command
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*")
_PATH = re.compile(r"/[A-Za-z0-9_./+-]*")
_ALWAYS = (
    "BatchMode=yes",  # no prompt for a password, or for anything
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
)
_VANISHED = 24  # rsync's, where a file was renamed meanwhile: the next time brings it
_REFUSED = 255  # ssh's own exit code, where the command of the other side was not reached


@dataclass(frozen=True)
class Line:
    """The way to the other machine.

    Args:
        host: as ssh takes it: a name of its configuration, or user@host.
        config: file with ssh's configuration; empty for its usual one.
        folder: TL_HOME there.
        python: of the same environment there.
        code: folder of this program there.
    """

    host: str
    config: str
    folder: str
    python: str
    code: str

    def command(self, *words: str) -> list[str]:
        """The command line that carries out a command there, in the folder of this program."""
        there = f"cd {shlex.quote(self.code)} && exec {shlex.join(words)}"
        return [*self._ssh(), "--", self.host, there]

    def module(self, name: str, *arguments: str) -> list[str]:
        """The same for a module of this program, in the home there."""
        about = ("env", f"TL_HOME={self.folder}", "PYTHONUNBUFFERED=1")
        return self.command(*about, self.python, "-m", name, *arguments)

    def _ssh(self) -> list[str]:
        config = ["-F", self.config] if self.config else []
        return ["ssh", *config, *(part for one in _ALWAYS for part in ("-o", one))]

    def ask(self, *words: str, seconds: float = SECONDS) -> str:
        """What a command prints there.

        Raises:
            SilentError: when the machine is not reached in time.
            UserError: when it is reached and refuses, or the command fails.
        """
        return _run(self.command(*words), seconds)

    def ask_module(self, name: str, *arguments: str) -> str:
        """The same for a module of this program; raises as `ask`."""
        return _run(self.module(name, *arguments), SECONDS)

    def bring(self, paths: Sequence[Path], home: Path, *, new: bool = False) -> None:
        """Bring files and folders there: those of `home` into the home there, others to the same
        place as here. Newer ones there stay.

        Args:
            paths: what is brought; what does not exist is left out.
            home: TL_HOME here.
            new: only what is not there at all.

        Raises:
            SilentError, UserError: as `ask`.
        """
        known = [path for path in paths if path.exists()]
        inside = [path for path in known if path.is_relative_to(home)]
        outside = [path for path in known if path not in inside]
        how = ["--ignore-existing"] if new else ["--update"]
        if inside:
            marked = [f"{home}/./{path.relative_to(home)}" for path in inside]
            self._rsync(*how, "--relative", *marked, f"{self.host}:{self.folder}/")
        if outside:
            self._rsync(*how, "--relative", *map(str, outside), f"{self.host}:/")

    def fetch(self, folder: Path, home: Path, leave: Sequence[str]) -> None:
        """Bring what a folder of the home there holds into the same one here, but for the files
        that `leave` names; raises as `ask`.
        """
        left = [f"--exclude=/{name}" for name in leave]
        there = f"{self.host}:{self.folder}/{folder.relative_to(home)}/"
        self._rsync(*left, there, f"{folder}/")

    def _rsync(self, *arguments: str) -> None:
        way = shlex.join(self._ssh())
        _run(["rsync", "-a", "--exclude=*.lock", "-s", "-e", way, *arguments], None)


def line_of(settings: Settings) -> Line:
    """The way that the settings name.

    Raises:
        ConfigError: when one is missing, or cannot be.
    """
    if not _HOST.fullmatch(settings.ssh_host):
        raise ConfigError(
            f"TL_SSH_HOST is {settings.ssh_host!r}.",
            "It is a name that ssh knows, or user@host.",
            "See docs/guide/executors.md.",
        )
    paths = {
        "dir": settings.ssh_dir,
        "python": settings.ssh_python,
        "code": settings.ssh_code,
        **({"config": settings.ssh_config} if settings.ssh_config else {}),
    }
    for name, path in paths.items():
        if not _PATH.fullmatch(path) or ".." in path.split("/"):
            raise ConfigError(
                f"TL_SSH_{name.upper()} is {path!r}.",
                "It is an absolute path of letters, digits and ._+-/.",
                "See docs/guide/executors.md.",
            )
    return Line(
        settings.ssh_host,
        settings.ssh_config,
        settings.ssh_dir.rstrip("/"),
        settings.ssh_python,
        settings.ssh_code,
    )


def _run(command: list[str], seconds: float | None) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SilentError(f"no answer within {seconds:.0f} seconds") from error
    except OSError as error:
        raise UserError(
            f"{command[0]} cannot be started.",
            f"{error}.",
            "Install ssh and rsync on this machine.",
        ) from error
    if done.returncode in (0, _VANISHED):
        return done.stdout
    said = done.stderr.strip()[-300:]
    if done.returncode in (_REFUSED, 12) and not _is_refusal(said):  # 12: rsync's stream ended
        raise SilentError(said or "the connection ended")
    raise UserError(
        "The other machine refused.",
        f"{said or f'exit code {done.returncode}'}.",
        "Its host key must be known and the key of this account be accepted without a question; "
        "try `ssh` with the same host and configuration.",
    )


def _is_refusal(said: str) -> bool:
    """Whether ssh was answered, and will be answered the same again."""
    return any(
        part in said
        for part in ("Permission denied", "Host key verification failed", "Bad configuration")
    )
