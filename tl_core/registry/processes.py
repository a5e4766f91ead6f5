"""Whether a process that a row names is still the same living process."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil

HOST = socket.gethostname()
STALE_SECONDS = 60.0  # heartbeat age after which a process on another host counts as dead
_TOLERANCE = 1.0  # start times are read with a coarse clock
_BETWEEN = 10.0  # seconds between two looks that count at most
_MANY = 10_000  # processes; who forgets them waits for them anew
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_APART = 1e9  # seconds between the times of two boots: more than a machine ever runs
_LATER = 10  # so that all are later than what workers of earlier versions wrote: since 1970


def own_identity() -> tuple[str, int, float]:
    """Host, process id and start time of this process."""
    return HOST, os.getpid(), start_time(os.getpid())


def start_time(pid: int) -> float:
    """When a process started, in seconds that tell it from every other process of its id; 0 where
    there is none.

    On Linux they count from the boot, with a number of the boot's own added: seconds since 1970
    would change with every correction of the clock, and a living process be taken for a dead one.
    """
    try:
        if _BOOT.exists():
            return _boot() + _since_boot(pid)
        return float(psutil.Process(pid).create_time())
    except (OSError, psutil.Error):
        return 0.0


@cache
def _boot() -> float:
    return (int(_BOOT.read_text()[:4], 16) + _LATER) * _APART


def _since_boot(pid: int) -> float:
    """Seconds from the boot to the start of a process: field 22 of its line, see proc(5)."""
    line = Path(f"/proc/{pid}/stat").read_text()
    after_name = line.rpartition(")")[2].split()  # a name may hold blanks; field 3 comes first
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def is_alive(
    host: str | None, pid: int | None, started: float | None, heartbeat: float | None, now: float
) -> bool:
    """Whether the named process lives: same id, same start time, not a zombie.

    A killed but unreaped child still "exists", and ids are used again, so the id alone proves
    nothing. Processes of another host are judged by the age of their heartbeat.
    """
    if host != HOST:
        return heartbeat is not None and now - heartbeat < STALE_SECONDS
    if pid is None or started is None:
        return False
    try:
        zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        earlier = started < _LATER * _APART
        found = psutil.Process(pid).create_time() if earlier else start_time(pid)
        return not zombie and abs(found - started) < _TOLERANCE
    except psutil.Error:
        return False


class Absences:
    """For how long processes of other hosts have shown no sign of life, as far as this process has
    seen. Their heartbeats alone cannot tell: clocks differ and are set, and after an outage of the
    database all of them are old.

    Args:
        steady: gives seconds since any time.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._seen: dict[str, tuple[float | None, float, float]] = {}

    def seconds(self, what: str, heartbeat: float | None) -> float:
        """Seconds for which the heartbeat has been the same; what lies between two looks counts as
        10 at most, since the database may have been away.
        """
        now = self._steady()
        known, looked, absent = self._seen.get(what, (None, now, 0.0))
        absent = 0.0 if known != heartbeat else absent + min(now - looked, _BETWEEN)
        if len(self._seen) > _MANY:
            self._seen.clear()
        self._seen[what] = (heartbeat, now, absent)
        return absent
