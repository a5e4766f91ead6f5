"""The process here that stands for a worker on another machine.

`python -m tl_core.jobs.executors.by_ssh.attendant RUN_FOLDER` takes the run over as a worker does,
brings what it needs there, and keeps the line: what happens there is written here as it happens,
what is wanted here is said there, and at the end the results are here before the row says so. A
line that breaks is tied again; the worker there goes on meanwhile.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import Engine

from tl_core.database.away import NO_ANSWER
from tl_core.database.engine import open_database
from tl_core.errors import CANCELLED, ErrorObject, UserError
from tl_core.jobs.executors.by_ssh.cargo import TOLD, cargo_of, variables_of
from tl_core.jobs.executors.by_ssh.line import Line, line_of
from tl_core.jobs.executors.by_ssh.there import BEGUN
from tl_core.jobs.executors.executor_contract import SilentError
from tl_core.jobs.heart import BEAT_SECONDS
from tl_core.log import about_process, setup_logging
from tl_core.registry.queue import RunWriter
from tl_core.registry.run import ACTIVE
from tl_core.settings import Settings, read_settings

PATIENCE_SECONDS = 120.0  # for a machine that is not reached, before the run is given up
_AGAIN_SECONDS = 2.0
_FETCH_SECONDS = 10.0  # between two looks for checkpoints and results
_GRACE_SECONDS = 20.0  # for a cancel to be heard there
_THERE = "tl_core.jobs.executors.by_ssh.there"
log = logging.getLogger(__name__)


class _Terminated(Exception):
    """The system asked this process to go."""


class Attendant:
    """Carries one run out on another machine, as far as anybody here can see."""

    def __init__(self, folder: Path, settings: Settings, engine: Engine, line: Line) -> None:
        self._folder, self._settings, self._engine = folder, settings, engine
        self._run, self._home, self._line = folder.name, settings.home_path, line
        self._writer = RunWriter(engine)
        self._facts: dict[str, Any] = {}
        self._wish, self._wished = "", 0.0
        self._over = threading.Event()
        self._reached, self._fetched = time.monotonic(), 0.0

    def attend(self) -> None:
        """Until the run has ended, however it ends."""
        beats = threading.Thread(target=self._beat, daemon=True)
        beats.start()
        try:
            status, facts = self._follow()
        except UserError as error:
            status, facts = "failed", {"reason": error.as_dict()}
        except _Terminated:
            status, facts = "interrupted", {"reason": _reason("The system asked it to stop.", "")}
        self._over.set()
        beats.join()
        about = {name: facts[name] for name in ("headline", "summary") if facts.get(name)}
        self._patiently_end(status, facts.get("reason"), about)

    def _patiently_end(
        self, status: str, reason: ErrorObject | None, about: dict[str, Any]
    ) -> None:
        """Hours of work must not come to nothing because the database is away just now."""
        while True:
            try:
                self._writer.finish(self._run, status, reason=reason, **about)
                return
            except NO_ANSWER:
                log.warning("the database does not answer; trying again", exc_info=True)
                time.sleep(_AGAIN_SECONDS)

    def _beat(self) -> None:
        """Show signs of life, and hear what is wanted."""
        while not self._over.wait(BEAT_SECONDS):
            moved = time.time() - self._facts["still"] if "still" in self._facts else None
            try:
                wish = self._writer.beat(self._run, self._facts.get("progress", 0.0), moved)
            except NO_ANSWER:
                log.warning("the database does not answer", exc_info=True)
                continue
            if wish and not self._wished:
                self._wished = time.monotonic()
            self._wish = wish or self._wish

    def _follow(self) -> tuple[str, dict[str, Any]]:
        """Keep the line until the run has ended there; gives status and facts."""
        while True:
            try:
                if self._keep_line():
                    self._fetch()
                    return self._facts["status"], self._facts
                why = "the line broke"
            except SilentError as error:
                why = str(error)
            log.warning("run %s: %s", self._run, why)
            if self._is_cancelled():
                return "cancelled", {"reason": CANCELLED}
            if time.monotonic() - self._reached > PATIENCE_SECONDS:
                what = f"The machine {self._line.host} is not reached any more."
                return "interrupted", {"reason": _reason(what, why[:200])}
            time.sleep(_AGAIN_SECONDS)

    def _is_cancelled(self) -> bool:
        """Whether it is to end, and the other side has not heard it in time."""
        late = time.monotonic() - self._wished > _GRACE_SECONDS
        return self._wish == "cancel" and late

    def _keep_line(self) -> bool:
        """Follow the run over one connection; True when it has ended there."""
        process = subprocess.Popen(
            self._line.module(_THERE, self._run),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = ""
        try:
            have = {name: _size(self._folder / name) for name in TOLD}
            variables = variables_of(self._folder, self._settings)
            _tell(process, {"environment": variables, "have": have})
            for text in process.stdout or ():
                message, self._reached = json.loads(text), time.monotonic()
                if "known" in message:
                    self._set_off(process, message["known"])
                elif "file" in message:
                    with (self._folder / message["file"]).open("ab") as target:
                        target.write(message["text"].encode("latin-1"))
                elif self._note(message["facts"]):
                    return True
                if self._wish != said:
                    said = self._wish
                    _tell(process, {"ask": said})
                if self._is_cancelled():
                    raise SilentError("a cancel was not heard")
            return False
        except _Terminated:
            _tell(process, {"ask": "end"})
            time.sleep(_AGAIN_SECONDS)
            raise
        except BrokenPipeError:
            return False
        finally:
            with suppress(OSError):
                process.stdin.close() if process.stdin else None
            process.terminate()
            process.wait()

    def _set_off(self, process: subprocess.Popen[str], known: str) -> None:
        """Bring what the run needs, and start it, unless it is at work there or done."""
        if known in BEGUN:
            log.info("run %s is %s there already", self._run, known)
            return
        cargo = cargo_of(self._folder, self._engine, self._settings)
        grown = [self._folder / name for name in TOLD]
        self._line.bring([*cargo.paths, self._folder], self._home)
        self._line.bring(grown, self._home, new=True)
        _tell(process, {"start": cargo.rows})

    def _note(self, facts: dict[str, Any]) -> bool:
        """Take in how it stands there; True when it has ended."""
        former, self._facts = self._facts, facts
        if former and (facts["recipe"], facts["backbone"]) != (
            former["recipe"],
            former["backbone"],
        ):
            self._writer.became(self._run, facts["recipe"], facts["backbone"])
        if facts["status"] not in ACTIVE:
            return True
        if time.monotonic() - self._fetched > _FETCH_SECONDS:
            try:
                self._fetch()
            except UserError as error:  # such as a file that was just renamed
                log.warning("run %s: %s", self._run, error)
        return False

    def _fetch(self) -> None:
        """Bring what the run has made so far here."""
        self._line.fetch(self._folder, self._home, (*TOLD, "config.json"))
        self._fetched = time.monotonic()


def _tell(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    if process.stdin:
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(what: str, why: str) -> ErrorObject:
    return {
        "code": "interrupted",
        "what": what,
        "why": why,
        "try_this": "Resume it; finished parts are kept, and what goes on there is found again.",
    }


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def main(arguments: list[str]) -> int:
    """Entry point; see the module."""
    folder, settings = Path(arguments[0]), read_settings()
    setup_logging(as_json=settings.json_log)
    about_process(run=folder.name)
    engine = open_database(settings)
    if not RunWriter(engine).take_over(folder.name):
        log.warning("run %s is not this process's any more", folder.name)
        return 1
    signal.signal(signal.SIGTERM, _terminate)
    Attendant(folder, settings, engine, line_of(settings)).attend()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
