"""Logging to standard error, in one format, for every process: lines to read, or one JSON object a
line for whatever collects them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_FACTS = ("run", "person")  # what a line can be about
_QUIET = ("httpx", "urllib3", "filelock", "alembic", "datasets", "fsspec", "matplotlib")
_of_process: dict[str, str] = {}
_of_work: ContextVar[dict[str, str] | None] = ContextVar("of_work", default=None)


def setup_logging(level: str = "INFO", *, as_json: bool = False) -> None:
    """Send our log lines to standard error and quieten the libraries.

    Args:
        level: the lowest that is written.
        as_json: one object a line, uncaught errors and warnings of Python included.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(_LINE))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if as_json:
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught


def about_process(*, run: str) -> None:
    """Let every JSON line of this process name the run that it carries out."""
    _of_process["run"] = run


def about_work(*, person: str) -> None:
    """Let JSON lines of what this thread does from now on name the person that it is done for."""
    _of_work.set({"person": person})


class JsonLines(logging.Formatter):
    """A log record as one line of JSON: time (UTC), level, logger, message, and where known run,
    person (an id) and exception. `extra={"run": ...}` names a run for one line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        known = {**_of_process, **(_of_work.get() or {})}
        for name in _FACTS:
            if value := getattr(record, name, known.get(name)):
                told[name] = str(value)
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("uncaught", exc_info=(kind, error, trace))


def quiet_libraries() -> None:
    """Switch off telemetry and progress bars before the heavy libraries are imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
