"""The worker process: carries out one run and leaves its folder and row in a state that everyone
can read.

`python -m tl_core.jobs.worker RUN_FOLDER`, or `--standby` to import the heavy libraries and wait
for a line of JSON on standard input: the folder, the number of a GPU, and what secrets the run
needs.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TypeVar

from sqlalchemy import Engine

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.database.away import AWAY, NO_ANSWER, AwayError, is_full
from tl_core.database.engine import open_database
from tl_core.errors import CANCELLED, Cancelled, ErrorObject, UserError
from tl_core.jobs import sandbox
from tl_core.jobs.context import Outcome, RunContext
from tl_core.jobs.events import EventLog
from tl_core.jobs.heart import Heart
from tl_core.jobs.kernel import give_way
from tl_core.jobs.trackers import track
from tl_core.json_files import write_json
from tl_core.log import about_process, quiet_libraries, setup_logging
from tl_core.registry.elsewhere.executor_names import JOB_VARIABLE, YIELD_VARIABLE
from tl_core.registry.elsewhere.placed import PlacedRuns
from tl_core.registry.queue import RunWriter
from tl_core.settings import Settings, read_settings

_NICENESS = 15  # on a machine without a GPU the pages must stay quick beside the training
_START_SECONDS = 60.0  # for a database that is away when a run starts
_PATIENCE_SECONDS = 3600.0  # and when it has ended
_AGAIN_SECONDS = 1.0
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class _Terminated(Exception):
    """The system asked the process to go."""


def main(arguments: list[str]) -> int:
    """Entry point: the run folder, or `--standby`. `--entered` and a text follow the folder where
    the sandbox has started this process anew, see `sandbox.confine`.
    """
    quiet_libraries()
    entered = arguments[2] if arguments[1:2] == ["--entered"] else None
    if entered is None:
        give_way(_NICENESS)
    if arguments == ["--standby"]:
        _import_heavy()
        line = sys.stdin.readline()
        if not line:
            return 0
        task = json.loads(line)
        os.environ.update(task["secrets"])
        if task["gpu"]:
            os.environ["CUDA_VISIBLE_DEVICES"] = task["gpu"]  # before CUDA is asked for anything
        folder = Path(task["folder"])
        _become(folder)
    else:
        folder = Path(arguments[0])
    settings = read_settings()
    setup_logging(as_json=settings.json_log)
    about_process(run=folder.name)
    try:
        _shut_in(folder, settings, entered)
    except Exception as error:  # noqa: BLE001 - as in `carry_out`
        status, reason = _explain(error)
        writer = RunWriter(_patiently(lambda: open_database(settings), _START_SECONDS))
        _patiently(lambda: writer.finish(folder.name, status, reason=reason), _START_SECONDS)
        return 1
    return carry_out(folder, settings)


def _shut_in(folder: Path, settings: Settings, entered: str | None) -> None:
    """Put this process into its sandbox, or refuse the run."""
    if sandbox.mode_of(settings) != sandbox.OFF and entered is None:
        sandbox.limit_resources(settings)
    needs = sandbox.needs_of(RunConfig.read(folder), settings)
    log.info(sandbox.confine(needs, settings, folder, entered=entered))


def _import_heavy() -> None:
    """Import what every run needs, so that a waiting worker starts at once."""
    import datasets  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torchvision  # noqa: F401
    from transformers import models  # noqa: F401
    from transformers.models.bert import modeling_bert  # noqa: F401

    import tl_core.recipes.finetune
    import tl_core.recipes.probe  # noqa: F401


def _become(folder: Path) -> None:
    """Take on the run's log file and a command line that names the run."""
    import setproctitle

    setproctitle.setproctitle(f"{sys.executable} -m tl_core.jobs.worker {folder}")
    target = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)


def carry_out(folder: Path, settings: Settings) -> int:
    """Do the run in `folder` to its end, whatever end that is."""
    run_id = folder.name
    engine = _patiently(lambda: open_database(settings), _START_SECONDS)
    writer = RunWriter(engine)
    if not _patiently(lambda: _take_over(writer, engine, run_id), _START_SECONDS):
        log.warning("run %s is not this process's any more", run_id)
        return 1
    events = EventLog(folder)
    heart = Heart(
        run_id,
        writer,
        events,
        lambda: writer.finish(run_id, "cancelled", reason=_explain(Cancelled())[1]),
    )
    signal.signal(signal.SIGTERM, _on_terminate)
    heart.start()
    try:
        end = _work(run_id, writer, folder, settings, events)
        well = True
    except BaseException as error:  # noqa: BLE001 - the worker's edge: every end must reach the row
        status, reason = _explain(error)
        end, well = partial(writer.finish, run_id, status, reason=reason), False
        if status == "interrupted" and os.environ.get(YIELD_VARIABLE):
            job = os.environ.get(JOB_VARIABLE, "")
            end = partial(PlacedRuns(engine).let_go, run_id, job, own=True)
    heart.stop()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is left takes a moment
    try:
        if not _patiently(end, _PATIENCE_SECONDS):
            log.warning("run %s was ended by somebody else", run_id)
    finally:
        events.close()
    if well and RunConfig.read(folder).kind == "train":
        track(settings, folder)
    return 0 if well else 1


def _take_over(writer: RunWriter, engine: Engine, run_id: str) -> bool:
    """Take a run over from whoever started this process: its dispatcher, or another scheduler."""
    job = os.environ.get(JOB_VARIABLE)
    return PlacedRuns(engine).take_over(run_id, job) if job else writer.take_over(run_id)


def _work(
    run_id: str, writer: RunWriter, folder: Path, settings: Settings, events: EventLog
) -> Callable[[], bool]:
    """Do the run; gives what records its end."""
    config = RunConfig.read(folder)
    run = RunContext(config, folder, settings, events)
    outcome: Outcome = RUN_KINDS[config.kind].load()(run)
    write_json(
        folder / "manifest.json",
        {"run": run_id, "files": sorted(p.name for p in folder.iterdir())},
    )
    return partial(
        writer.finish, run_id, "done", headline=outcome.headline, summary=outcome.summary
    )


def _patiently(step: Callable[[], Answer], seconds: float) -> Answer:
    """Ask the database again until it answers, for so long: hours of work must not come to nothing
    because it was away in the moment when they were done.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return step()
        except (*NO_ANSWER, AwayError):
            if time.monotonic() > end:
                raise
            log.warning("the database does not answer; trying again", exc_info=True)
            time.sleep(_AGAIN_SECONDS)


def _on_terminate(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # some schedulers say it twice
    raise _Terminated


def _explain(error: BaseException) -> tuple[str, ErrorObject]:
    """Status and reason for an error, in words that a person can act on."""
    if isinstance(error, Cancelled):
        return "cancelled", CANCELLED
    if isinstance(error, _Terminated | KeyboardInterrupt):
        return "interrupted", {
            "code": "interrupted",
            "what": "The system asked the worker to stop.",
            "why": "The machine is shutting down or somebody ended the process.",
            "try_this": "Resume it; finished parts are kept.",
        }
    if isinstance(error, UserError):
        return "failed", error.as_dict()
    if isinstance(error, (OSError, *NO_ANSWER)) and is_full(error):
        return "failed", {
            "code": "disk",
            "what": "The disk is full.",
            "why": "What the run makes could not be written.",
            "try_this": "Free some space (System shows what takes it), then resume the run.",
        }
    if isinstance(error, NO_ANSWER):
        log.error("the database did not answer", exc_info=error)
        return "failed", {**AWAY, "try_this": "Resume it; finished parts are kept."}
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "failed", {
            "code": "memory",
            "what": "The memory ran out.",
            "why": str(error)[:200],
            "try_this": "Lower the batch size or the maximum length, or choose a smaller backbone.",
        }
    name = secrets.token_hex(3)
    log.error("unexpected error %s", name, exc_info=error)
    return "failed", {
        "code": "unexpected",
        "what": "Something went wrong that we did not expect.",
        "why": f"{type(error).__name__} (log id {name}).",
        "try_this": "Try again; if it happens again, report it with the log of this run.",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
