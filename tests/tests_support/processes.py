"""Finding and ending the processes that a test has started, however they were detached."""

from __future__ import annotations

import psutil


def of_home(home: object) -> list[psutil.Process]:
    """Living processes whose TL_HOME is `home`, or whose title names a folder of it: a worker's
    title hides its environment.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.status() != psutil.STATUS_ZOMBIE
                and process.pid != psutil.Process().pid
                and (
                    process.environ().get("TL_HOME") == str(home)
                    or str(home) in " ".join(process.cmdline())
                )
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_all(home: object) -> None:
    """Kill them and wait until they are gone."""
    for process in of_home(home):
        try:
            process.kill()
            process.wait(10)
        except psutil.Error:
            continue
