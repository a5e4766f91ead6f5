"""Who uploads to the store and who collects in it: never both at once, on whatever machine.

Both are rows of `locks`. Uploads share; a collection waits until those that go on have ended, and
new ones wait for it. A row whose process has gone counts no more.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, insert, select, update

from tl_core.artifacts.bucket import StoreError
from tl_core.database.tables import locks
from tl_core.database.turns import alone
from tl_core.registry.processes import is_alive, own_identity

_UPLOAD, _COLLECTION = "store upload ", "store collection"
_UPLOAD_SECONDS = 10.0  # that an upload waits for a collection, before it is tried again later
_COLLECT_SECONDS = 600.0  # that a collection waits for uploads
_LOOK_SECONDS = 0.5
_BEAT_SECONDS = 5.0


@dataclass(frozen=True)
class TurnsOfStore:
    """Turns of one registry.

    Args:
        clock: seconds since 1970.
        steady: seconds since any time.
        pause: waits for some seconds.
    """

    engine: Engine
    clock: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    upload_seconds: float = _UPLOAD_SECONDS
    collect_seconds: float = _COLLECT_SECONDS

    @contextmanager
    def uploading(self) -> Iterator[Callable[[], None]]:
        """Hold off collections; gives what shows a sign of life.

        Raises:
            StoreError: when a collection does not end.
        """
        name = _UPLOAD + secrets.token_hex(6)
        self._wait(
            lambda connection: self._begin(connection, name, _COLLECTION),
            _COLLECTING,
            self.upload_seconds,
        )
        try:
            yield self._beat_of(name)
        finally:
            self._end(name)

    @contextmanager
    def collecting(self) -> Iterator[Callable[[], None]]:
        """Hold off uploads, once those that go on have ended; gives what shows a sign of life, and
        raises where another process has taken this one for dead.

        Raises:
            StoreError: when another collection goes on, or uploads do not end.
        """
        with self.engine.begin() as connection:
            if not self._begin(connection, _COLLECTION, _COLLECTION):
                raise StoreError("Another machine is collecting.", "", "Wait until it has ended.")
        beat = self._beat_of(_COLLECTION)
        try:
            self._wait(
                lambda connection: not self._living(connection, _UPLOAD),
                _UPLOADS,
                self.collect_seconds,
                beat,
            )
            yield beat
        finally:
            self._end(_COLLECTION)

    def _begin(self, connection: Connection, name: str, against: str) -> bool:
        """Write a row unless the other side holds one."""
        alone(connection, "store")
        connection.execute(delete(locks).where(locks.c.name == ""))  # so that SQLite writes first
        if self._living(connection, against):
            return False
        host, pid, started = own_identity()
        mine = {"host": host, "pid": pid, "pid_started": started, "heartbeat": self.clock()}
        connection.execute(insert(locks).values(name=name, **mine))
        return True

    def _living(self, connection: Connection, prefix: str) -> bool:
        """Whether a living process holds a row of that kind; rows of dead ones are removed."""
        found = False
        for row in connection.execute(select(locks).where(locks.c.name.startswith(prefix))).all():
            if is_alive(row.host, row.pid, row.pid_started, row.heartbeat, self.clock()):
                found = True
            else:
                connection.execute(
                    delete(locks).where(
                        locks.c.name == row.name, locks.c.pid_started == row.pid_started
                    )
                )
        return found

    def _wait(
        self,
        step: Callable[[Connection], bool],
        why: str,
        seconds: float,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        end = self.steady() + seconds
        while True:
            with self.engine.begin() as connection:
                if step(connection):
                    return
            if self.steady() > end:
                raise StoreError("The store is busy.", why, "Try again later.")
            self.pause(_LOOK_SECONDS)
            beat()

    def _beat_of(self, name: str) -> Callable[[], None]:
        last = self.steady()

        def beat() -> None:
            nonlocal last
            if self.steady() - last < _BEAT_SECONDS:
                return
            last = self.steady()
            _, pid, started = own_identity()
            own = (locks.c.name == name, locks.c.pid == pid, locks.c.pid_started == started)
            with self.engine.begin() as connection:
                query = update(locks).where(*own).values(heartbeat=self.clock())
                if not connection.execute(query).rowcount:
                    raise StoreError("This process was taken for dead.", "", "Try again.")

        return beat

    def _end(self, name: str) -> None:
        _, pid, _ = own_identity()
        with self.engine.begin() as connection:
            connection.execute(delete(locks).where(locks.c.name == name, locks.c.pid == pid))


_COLLECTING = "What nobody needs is being collected."
_UPLOADS = "Folders are being uploaded."
