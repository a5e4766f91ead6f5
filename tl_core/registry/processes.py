"""Whether a process that a row names is still the same living process."""

from __future__ import annotations

import os
import socket

import psutil

HOST = socket.gethostname()
STALE_SECONDS = 60.0  # heartbeat age after which a process on another host counts as dead
_TOLERANCE = 1.0  # start times are read with a coarse clock


def own_identity() -> tuple[str, int, float]:
    """Host, process id and start time of this process."""
    return HOST, os.getpid(), start_time(os.getpid())


def start_time(pid: int) -> float:
    """Start of a process in seconds since 1970; 0 where there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


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
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and abs(process.create_time() - started) < _TOLERANCE
        )
    except psutil.Error:
        return False
