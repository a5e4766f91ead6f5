"""A training that is only steps: each changes eight numbers and is kept as a checkpoint, so that
what was interrupted goes on and comes to the same numbers, bit for bit.

A worker learns of it by the `sitecustomize.py` that `install` writes: Python reads that at its
start, wherever PYTHONPATH names its folder.
"""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.config.kinds import RUN_KINDS
from tl_core.jobs import kernel  # noqa: F401 - for the sitecustomize.py
from tl_core.jobs.context import Outcome
from tl_core.json_files import write_json

ROOT = Path(__file__).parents[2]
SECONDS = 0.05  # of a step
KIND = replace(RUN_KINDS["train"], entry="tests_support.stepping:steps", heavy=False)


def install(folder: Path) -> None:
    """Write what lets Python processes that find `folder` in PYTHONPATH train by steps alone."""
    lines = [
        "import sys",
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]",
        "from tests_support import stepping",
        "stepping.RUN_KINDS['train'] = stepping.KIND",
        # beside other tests a worker of low priority would be one of no priority
        "stepping.kernel.give_way = lambda _niceness: None",
    ]
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("\n".join(lines))


def weights_after(steps: int) -> list[float]:
    """What the numbers come to."""
    weights = np.arange(8) / 8
    for step in range(steps):
        weights = np.sin(1.1 * weights + step)
    return weights.tolist()


def steps(run):
    """As many steps as the settings have epochs, less where somebody stops it."""
    total, kept = int(run.config.settings.epochs), run.folder / "checkpoint.json"
    state = json.loads(kept.read_text()) if kept.exists() else {"step": 0, "weights": None}
    weights = np.array(state["weights"] or weights_after(0))
    began = state["step"]
    run.events.stage("steps", total, share=1.0)
    print("the steps begin", flush=True)
    for step in range(began, total):
        if run.events.should_stop():
            break
        weights = np.sin(1.1 * weights + step)
        state = {"step": step + 1, "weights": weights.tolist()}
        write_json(kept, state)
        run.events.batch(step + 1, total)
        time.sleep(SECONDS)
    return Outcome(
        "well",
        {
            **state,
            "began": began,
            "threads": os.environ["OMP_NUM_THREADS"],
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        },
    )
