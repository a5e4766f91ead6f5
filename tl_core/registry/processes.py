"""Whether a process that a row names is still the same living process."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

import psutil

HOST = socket.gethostname()
STALE_SECONDS = 60.0  # heartbeat age after which a process on another host counts as dead
_TOLERANCE = 1.0  # start times are read with a coarse clock
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_APART = 1e9  # seconds between the times of two boots: more than a machine ever runs


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
    return int(_BOOT.read_text()[:4], 16) * _APART


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
        return not zombie and abs(start_time(pid) - started) < _TOLERANCE
    except psutil.Error:
        return False
