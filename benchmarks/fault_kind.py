"""What the processes of a studio are given before faults come: a kind of run that tells whether it
was done once (each step is a line of a file, and a resumed run goes on after the last one), and a
clock that can be set, which stands in for the machine's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.config.checked import setting
from tl_core.config.kinds import RUN_KINDS, TRAIN, RunKind
from tl_core.config.specs import RunSpec

if TYPE_CHECKING:
    from tl_core.jobs.context import Outcome, RunContext

STEPS = 12
_STEP_SECONDS = 0.25
_FILE = "steps.txt"


@dataclass(frozen=True)
class StepsSpec(RunSpec):
    """How much there is to do."""

    steps: int = setting(STEPS, "Steps of the run.", low=1, high=1000)


def set_clock(folder: Path, seconds: float) -> None:
    """Let the processes of a studio see a time that is so much later than the true one."""
    new = folder / "clock.new"
    new.write_text(f"{seconds:.0f}")
    new.replace(folder / "clock")


def stand_in_for_clock(folder: Path, true: Callable[[], float] = time.time) -> None:
    """Replace this process's `time.time` by one that reads the difference anew each second."""
    known = [0.0, float("-inf")]  # the difference, and when it was read

    def told() -> float:
        if time.monotonic() - known[1] > 1.0:
            known[:] = [float((folder / "clock").read_text()), time.monotonic()]
        return true() + known[0]

    time.time = told


def install(folder: Path) -> dict[str, str]:
    """Let this process know the kind; gives the environment in which others know it, too, and have
    the clock that `set_clock` sets.
    """
    set_clock(folder, 0)
    here = Path(__file__).resolve().parent
    RUN_KINDS["steps"] = RunKind("steps", "fault_kind:work", StepsSpec, TRAIN, heavy=False)
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]\n"
        "import pathlib, fault_kind\n"
        f"fault_kind.stand_in_for_clock(pathlib.Path({str(folder)!r}))\n"
        "fault_kind.RUN_KINDS['steps'] = fault_kind.RunKind(\n"
        "    'steps', 'fault_kind:work', fault_kind.StepsSpec, fault_kind.TRAIN, heavy=False)\n"
    )
    return {"PYTHONPATH": str(folder)}


def work(run: RunContext) -> Outcome:
    """Do the steps that are missing, a line each, safe on the disk before the next begins."""
    from tl_core.jobs.context import Outcome

    spec, path = StepsSpec.from_dict(run.config.options), run.folder / _FILE
    run.events.stage("Stepping", spec.steps, 1.0)
    done = len(steps_of(run.folder))
    with path.open("r+b" if path.exists() else "w+b") as target:
        target.seek(0)
        target.truncate(target.read().rfind(b"\n") + 1)  # a line that was torn is no step
        target.seek(0, os.SEEK_END)
        for step in range(done, spec.steps):
            time.sleep(_STEP_SECONDS)
            target.write(f"{step} {os.getpid()}\n".encode())
            target.flush()
            os.fsync(target.fileno())
            run.events.batch(step + 1, spec.steps)
    return Outcome(f"{spec.steps} steps", {"steps": len(steps_of(run.folder))})


def steps_of(folder: Path) -> list[int]:
    """The numbers of the steps that were done, in their order."""
    path = folder / _FILE
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [int(line.split()[0]) for line in whole.splitlines()]


if __name__ == "__main__":
    sys.exit("This is no benchmark; faults.py uses it.")
