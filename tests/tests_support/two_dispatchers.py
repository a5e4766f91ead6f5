"""A dispatcher of its own process whose runs end at once; `python two_dispatchers.py HOME BESIDE
SLOTS SECONDS` appends a line for each run that it starts to HOME/started.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tl_core.database.engine import open_database
from tl_core.jobs.dispatch import Dispatcher
from tl_core.jobs.executors.executor_contract import Job
from tl_core.registry.processes import own_identity
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings


class AtOnce:
    """Ends each run in the moment in which it begins."""

    name = "local"

    def __init__(self, home, writer):
        self._home, self._writer = home, writer

    def submit(self, folder, needs):
        with (self._home / "started").open("a") as log:
            log.write(f"{folder.name}\n")
        _, pid, started = own_identity()
        self._writer.finish(folder.name, "done")
        return Job(folder.name, (pid, started))

    def prepare(self):
        pass


def main(home, beside, slots, seconds):
    settings = read_settings()
    engine = open_database(settings)
    here = AtOnce(home, RunWriter(engine))
    dispatcher = Dispatcher(engine, home, here, {"train": slots}, beside=beside)
    assert dispatcher.acquire()
    (home / "ready").touch()
    end = time.monotonic() + seconds
    while not (home / "go").exists() and time.monotonic() < end:
        time.sleep(0.01)
    while time.monotonic() < end and (time.sleep(0.01) or dispatcher._writer.waiting()):
        dispatcher.turn()
    dispatcher.release()


if __name__ == "__main__":
    os.environ["TL_HOME"] = sys.argv[1]
    main(Path(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3]), float(sys.argv[4]))
