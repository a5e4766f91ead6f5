"""The app's side of the helper process: a call returns a ticket at once, the answer is polled
for.
"""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from tl_core.errors import ErrorObject, StateError, UserError

_KEPT_ANSWERS = 1024
_GONE: ErrorObject = {
    "code": "state",
    "what": "The helper process has stopped.",
    "why": "It may have run out of memory.",
    "try_this": "Try again; a new one is started.",
}


class ComputeClient:
    """Thread-safe; starts the helper with the first call and again after it has died."""

    def __init__(self) -> None:
        self._tickets = itertools.count(1)
        self._answers: OrderedDict[int, tuple[object, ErrorObject | None]] = OrderedDict()
        self._open: set[int] = set()
        self._askers: dict[int, str] = {}  # of all tickets whose answer is awaited or kept
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, name: str, by: str = "", /, **arguments: object) -> int:
        """Ask for something; gives the ticket of its answer, which is for `by` alone: the id of who
        asks.
        """
        with self._lock:
            if self._connection is None:
                self._start()
            ticket = next(self._tickets)
            self._open.add(ticket)
            self._askers[ticket] = by
            try:
                self._connection.send((ticket, name, arguments))  # type: ignore[union-attr]
            except OSError:
                self._lose()
        return ticket

    def poll(self, ticket: int, by: str = "") -> tuple[bool, object]:
        """(False, None) while the answer is not there, else (True, value).

        Raises:
            UserError: the answer is an error, or the ticket is unknown, or somebody else's.
        """
        with self._lock:
            theirs = self._askers.get(ticket) == by
            if theirs and ticket in self._open:
                return False, None
            kept = self._answers.get(ticket) if theirs else None
            value, error = kept or (None, _GONE)
        if error:
            problem = UserError(error["what"], error["why"], error["try_this"])
            problem.code = error["code"]
            raise problem
        return True, value

    def close(self) -> None:
        """Hang up; the helper ends itself."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self._lose()

    def _start(self) -> None:
        key = secrets.token_bytes(32)
        with tempfile.TemporaryDirectory(prefix="graft-") as folder:
            address = str(Path(folder) / "compute")
            with Listener(
                address, family="AF_UNIX" if os.name != "nt" else None, authkey=key
            ) as listener:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tl_core.helper.server", str(listener.address)],
                    stdin=subprocess.PIPE,
                    cwd=Path(__file__).parents[2],
                )
                if self._process.stdin is None:
                    raise StateError("The helper process could not be started.")
                self._process.stdin.write(key.hex().encode() + b"\n")
                self._process.stdin.close()
                self._connection = listener.accept()
        threading.Thread(
            target=self._listen, args=(self._connection, self._process), daemon=True
        ).start()

    def _listen(self, connection: Connection, process: subprocess.Popen[bytes]) -> None:
        while True:
            try:
                ticket, value, error = connection.recv()
            except (EOFError, OSError):
                process.wait()
                with self._lock:
                    if self._connection is connection:
                        self._lose()
                return
            with self._lock:
                self._open.discard(ticket)
                self._answers[ticket] = (value, error)
                while len(self._answers) > _KEPT_ANSWERS:
                    self._askers.pop(self._answers.popitem(last=False)[0], None)

    def _lose(self) -> None:
        """Every open ticket is answered with the loss; the next call starts anew."""
        for ticket in self._open:
            self._answers[ticket] = (None, _GONE)
        self._open.clear()
        self._connection = self._process = None
