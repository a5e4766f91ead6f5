"""The worker's heart: signs of life for its row, and a way in for whoever wants it to stop."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tl_core.jobs.events import EventLog
from tl_core.jobs.monitor import read_machine
from tl_core.registry.queue import RunWriter

BEAT_SECONDS = 2.0
_MOST = 0.99  # share done of what goes on: shares of stages are guesses, and may add up to more
_MACHINE_BEATS = 3  # beats between two readings of the machine
_GRACE_SECONDS = 10.0  # a fit inside a library cannot be interrupted politely
log = logging.getLogger(__name__)


class Heart(threading.Thread):
    """Beats until `stop`: tells the row how far the work is, carries a wish to cancel or to stop to
    the work, writes what the machine does, and ends a process that does not hear a cancel.

    A database that is away must not end hours of work; it is logged, and said among the run's
    events, that meanwhile nobody can stop it.

    Args:
        run_id: of the run.
        writer: to its row.
        events: of the run.
        end: writes a cancelled run's end, when the process is about to be ended.
        beat_seconds: between two beats.
    """

    def __init__(
        self,
        run_id: str,
        writer: RunWriter,
        events: EventLog,
        end: Callable[[], object],
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        super().__init__(daemon=True)
        self._run_id, self._writer, self._events, self._end = run_id, writer, events, end
        self._seconds, self._stop_now = beat_seconds, threading.Event()
        self._deaf, self._measures, self._asked = False, True, 0.0

    def run(self) -> None:
        """Beat; called by `start`."""
        beats = 0
        while not self._stop_now.wait(self._seconds):
            beats += 1
            self._beat()
            if beats % _MACHINE_BEATS == 0 and self._measures:
                self._measure()
            if self._asked and time.monotonic() - self._asked > _GRACE_SECONDS:
                try:
                    self._end()
                except Exception:
                    log.exception(
                        "run %s: its end could not be recorded; it will be marked interrupted",
                        self._run_id,
                    )
                os._exit(1)

    def stop(self) -> None:
        """Beat no more."""
        self._stop_now.set()

    def _beat(self) -> None:
        try:
            done = min(_MOST, self._events.fraction)
            wish = self._writer.beat(self._run_id, done, self._events.moved)
            if wish == "stop" and not self._events.stopping.is_set():
                self._explain_stop()
        except Exception:
            if not self._deaf:
                log.exception(
                    "run %s: no heartbeat could be written, and no request to cancel or stop be"
                    " read",
                    self._run_id,
                )
                self._tell(
                    "The registry does not answer; until it does, the run can be neither cancelled"
                    " nor stopped."
                )
            self._deaf = True
            return
        if self._deaf:
            log.warning("run %s: the registry answers again", self._run_id)
            self._tell("The registry answers again.")
        self._deaf = False
        if wish == "cancel":
            self._events.cancelled.set()
            self._asked = self._asked or time.monotonic()
        elif wish == "stop":
            self._events.stopping.set()

    def _explain_stop(self) -> None:
        """Say among the events why this server ends a run, where no person does."""
        reason = self._writer.stop_reason(self._run_id)
        if reason:
            self._tell(f"{reason['what']} The training stops and keeps its best state.")

    def _measure(self) -> None:
        try:
            self._events.machine(read_machine())
        except Exception:
            log.exception(
                "run %s: the machine's figures cannot be read and are no longer recorded",
                self._run_id,
            )
            self._measures = False

    def _tell(self, text: str) -> None:
        with suppress(ValueError, OSError):  # the run has just ended, or the disk is full
            self._events.log(text)
