"""What becomes of runs whose job another scheduler keeps: the dispatcher asks, and tells rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine

from tl_core.errors import CANCELLED, ErrorObject, UserError
from tl_core.jobs.executors import executor_table
from tl_core.jobs.executors.executor_contract import ENDED, LOST, WAITING, Executor, SilentError
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.registry.elsewhere.placed import Placed, PlacedRuns
from tl_core.registry.processes import STALE_SECONDS, Absences
from tl_core.settings import read_settings

_EVERY_SECONDS = 2.0  # between two looks, and more where many wait
_EACH_SECONDS = 0.5
_QUIET_SECONDS = 6.0  # three beats that a heart has missed, before anybody asks for its job
SILENT_SECONDS = 30.0  # that a scheduler is left alone after it gave no answer
_MOST_LOSSES = 3
log = logging.getLogger(__name__)


class Watch:
    """Looks after such runs, whichever executor they are of: the setting may have changed since.

    Args:
        engine: of the registry.
        clock: gives seconds since 1970.
        make: gives the executor of a name.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float] = time.time,
        make: Callable[[str], Executor] | None = None,
    ) -> None:
        self._placed, self._absences = PlacedRuns(engine, clock), Absences()
        self._make = make or (lambda name: executor_table.executor(name, read_settings()))
        self._executors: dict[str, Executor] = {}
        self._next, self._silent = 0.0, dict[str, float]()

    def look(self) -> None:
        """Ask for the jobs that wait, or whose worker has shown no sign of life."""
        now = time.monotonic()
        if now < self._next:
            return
        found = self._placed.all()
        self._next = now + max(_EVERY_SECONDS, _EACH_SECONDS * len(found))
        for run in found:
            absent = self._absences.seconds(f"{run.id} {run.job}", run.heartbeat)
            if self._silent.get(run.executor, 0.0) > now or (run.taken and absent < _QUIET_SECONDS):
                continue
            try:
                self._settle(run, self._executor(run.executor), absent)
            except SilentError as error:
                log.warning("%s gives no answer: %s", run.executor, error)
                self._silent[run.executor] = now + SILENT_SECONDS
            except UserError as error:  # its executor is not set up here any more
                log.warning("run %s cannot be followed: %s", run.id, error)

    def _executor(self, name: str) -> Executor:
        if name not in self._executors:
            self._executors[name] = self._make(name)
        return self._executors[name]

    def _settle(self, run: Placed, executor: Executor, absent: float) -> None:
        """Tell the row of a run what its executor says of its job."""
        if run.cancelled and (not run.taken or absent >= STALE_SECONDS):
            # a job that cannot be reached is no harm: its worker finds that the run has ended
            with suppress(SilentError):
                executor.cancel(run.job)
            self._placed.end(run, "cancelled", run.reason or CANCELLED)
            return
        state = executor.poll(run.job)
        if state == WAITING and run.taken:
            self._placed.let_go(run.id, run.job)
            log.warning("run %s waits again in %s", run.id, run.executor, extra={"run": run.id})
        elif state == WAITING:
            self._placed.place(run.id, run.job)
        elif state == LOST and run.cancelled:
            self._placed.end(run, "cancelled", run.reason or CANCELLED)
        elif state == LOST and run.losses < _MOST_LOSSES:
            with suppress(SilentError):  # what may be left of it must not do the work twice
                executor.cancel(run.job)
            self._placed.put_back(run.id, run.job)
            log.warning("the machine of run %s was lost", run.id, extra={"run": run.id})
        elif state in (ENDED, LOST):
            self._end(run, executor, state)

    def _end(self, run: Placed, executor: Executor, state: str) -> None:
        """The job is over, and its worker has recorded no end."""
        if run.cancelled:
            self._placed.end(run, "cancelled", run.reason or CANCELLED)
            return
        title = title_of(run.executor)
        lost = f"Its machine in {title} was lost {run.losses + 1} times."
        what = f"Its job in {title} has ended before the run was done."
        said = executor.logs(run.job).strip().partition("\n")[0][:200]
        reason: ErrorObject = {
            "code": "interrupted",
            "what": what if state == ENDED else lost,
            "why": said,
            "try_this": "Resume it; finished parts are kept. Its log may say more.",
        }
        if self._placed.end(run, "interrupted", reason):
            log.warning("the job of run %s is over", run.id, extra={"run": run.id})
