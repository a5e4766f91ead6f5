"""Several processes that share each batch, one for each GPU, started by torchrun from the run's own
config and the rows that it sees, or by Ray Train where they are spread over the machines of a
cluster (`cluster`).

`python -m torch.distributed.run ... -m tl_core.recipes.shared.distributed RUN_FOLDER CACHE_FOLDER`:
every process prepares the same setup (tokens, pixels and features come from the cache), the first
one tells the parent what happens, a line of JSON each, and leaves the trained weights in the run's
folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import torch

from tl_core.config import RunConfig
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import TrainingError, UserError
from tl_core.json_files import find_object, write_json
from tl_core.log import quiet_libraries
from tl_core.progress import Curve, Progress
from tl_core.settings import spread_by
from tl_core.train.loop.best_state import Scores
from tl_core.train.loop.checkpoints import (
    copied_state,
    load_moving,
    moving_state,
    read_state,
    write_state,
)
from tl_core.train.loop.job import Job, Outcome

STOP = "stop"  # a file that asks processes to end early
MARK = "event "  # what their lines begin with
_STATE, _OUTCOME, _ROWS = "shared.safetensors", "shared.json", "shared_rows.npz"
# a process that dies of itself costs the way back to the newest checkpoint, not the run
_RESTARTS = 1


class _Message(TypedDict, total=False):
    """What the first process leaves in the run's folder: the outcome, or the error alone."""

    reason: str
    steps: int
    planned: int
    best_step: int
    scores: Scores
    history: list[dict[str, float]]
    error: dict[str, str]


def fit_in_processes(
    job: Job,
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> Outcome:
    """Train as `trainer.fit` does, in `settings.processes` processes, on the rows and labels that
    `version` shows; the best state ends up in `job.model`.

    Raises:
        TrainingError: when there are fewer GPUs than processes, or a process fails.
        Cancelled: when the progress object says so.
    """
    count, spread = job.settings.processes, spread_by()
    if not spread and torch.cuda.is_available() and torch.cuda.device_count() < count:
        raise TrainingError(
            f"{count} processes need {count} GPUs.",
            f"There are {torch.cuda.device_count()}.",
            f"Set processes to {torch.cuda.device_count()}.",
        )
    config.write(folder)
    _tell_rows(version, folder)
    for name in (STOP, _OUTCOME):
        (folder / name).unlink(missing_ok=True)

    def hear(line: str) -> None:
        if line.startswith(MARK):
            forward(line, progress)

    code = launch(*_command(count, folder, cache, spread), folder, progress, hear)
    message = cast(_Message, find_object(folder / _OUTCOME))
    if code or "error" in message or not message:
        error = message.get("error") or {
            "what": "A training process ended early.",
            "why": "See the run's log.",
        }
        raise TrainingError(error["what"], error.get("why", ""), error.get("try_this", ""))
    load_moving(job.model, read_state(folder / _STATE))
    for name in (_STATE, _OUTCOME, _ROWS, STOP):
        (folder / name).unlink(missing_ok=True)
    return Outcome(
        message["reason"],
        message["steps"],
        message["planned"],
        message["best_step"],
        message["scores"],
        message["history"],
        copied_state(job.model, job.moving),
    )


def _tell_rows(version: DatasetVersion, folder: Path) -> None:
    """Note labels and splits for the processes: a training may see other ones than the dataset
    has, such as a part of it, and none of a domain that is held out.
    """
    np.savez_compressed(folder / _ROWS, labels=version.labels, splits=version.splits)


def rows_told(config: RunConfig, folder: Path) -> DatasetVersion:
    """The version as whoever has started the processes sees it."""
    with np.load(folder / _ROWS, allow_pickle=False) as told:
        version = DatasetVersion(Path(config.dataset_dir))
        return Overlay(version, told["labels"], told["splits"])


def _command(
    count: int, folder: Path, cache: Path, spread: str
) -> tuple[list[str], dict[str, str]]:
    """What starts the processes on this machine, or spread over those of a cluster, and its
    variables.
    """
    if spread == "ray":
        launcher = ("-m", "tl_core.recipes.cluster.ray_train", str(count), str(_RESTARTS))
        return [sys.executable, *launcher, str(folder), str(cache)], dict(os.environ)
    threads = max(1, (os.cpu_count() or 1) // count)
    return [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", str(count)),
        *("--max-restarts", str(_RESTARTS)),
        *("-m", "tl_core.recipes.shared.distributed", str(folder), str(cache)),
    ], {**os.environ, "OMP_NUM_THREADS": str(threads)}


def launch(
    command: list[str],
    environment: dict[str, str],
    folder: Path,
    progress: Progress,
    hear: Callable[[str], None],
) -> int:
    """Start what starts the processes, hear each of its lines, and give its exit status.

    Raises:
        Cancelled: when `hear` or the progress object says so; the processes end.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        try:
            for line in child.stdout or ():
                hear(line)
                if progress.should_stop():
                    (folder / STOP).touch()
        except BaseException:
            child.terminate()
            raise
    return child.returncode


class Call(TypedDict):
    """A call of a progress object, as a line of JSON."""

    call: str
    arguments: list[object]
    values: dict[str, float]


def forward(line: str, progress: Progress, *, but: str = "") -> None:
    """Make the call that a line of `Pipe` tells of, unless it is the one called `but`."""
    call: Call = json.loads(line.removeprefix(MARK))
    if call["call"] != but:
        getattr(progress, call["call"])(*call["arguments"], **call["values"])


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Pipe(Progress):
    """The first process's progress: every call is said as a line; others are silent.

    Args:
        folder: where a file asks them to end early.
        rank: of the process.
        say: takes a line.
    """

    def __init__(self, folder: Path, rank: int, say: Callable[[str], None]) -> None:
        self._folder, self._rank, self._say = folder, rank, say

    def _write(self, call: str, *arguments: object, **values: float) -> None:
        if not self._rank:
            content: Call = {"call": call, "arguments": list(arguments), "values": values}
            self._say(MARK + json.dumps(content))

    def batch(self, done: int, total: int) -> None:
        self._write("batch", done, total)

    def log(self, text: str) -> None:
        self._write("log", text)

    def curve(self, curve: Curve, **values: float) -> None:
        self._write("curve", curve, **values)

    def learning(self, groups: list[str], part: str = "") -> None:
        self._write("learning", groups, part)

    def should_stop(self) -> bool:
        return (self._folder / STOP).exists()


def main(folder: Path, cache: Path, say: Callable[[str], None] = _print) -> int:
    """One of the processes, known by the variables of torch.distributed; `say` takes the lines of
    the first one. Gives 0, or 1 where the outcome in the folder is an error.
    """
    from tl_core.recipes.shared import common
    from tl_core.recipes.shared.finetune_job import make_job
    from tl_core.train.larger.sharding import join, share_out, whole_state
    from tl_core.train.loop.trainer import fit
    from tl_core.train.seeds import seed_everything
    from tl_core.train.setup.set_up import set_up

    quiet_libraries()
    rank = int(os.environ["RANK"])
    if torch.cuda.is_available() and not torch.distributed.is_initialized():  # else it was chosen
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if "error" in find_object(folder / _OUTCOME):
        return 1  # started again, but what the first start has said stands
    config = RunConfig.read(folder)
    version = common.SealedVersion(rows_told(config, folder))
    space = common.label_space(version)
    seed_everything(config.settings.seed)
    try:
        setup = set_up(
            config.settings,
            config.backbone,
            version,
            space.to_model(version.targets),
            space.model_names,
            folder,
            cache,
            Progress(),
        )
        with setup.stack:
            join()
            if config.settings.sharing == "fsdp":
                share_out(setup.model, setup.blocks())
            outcome = fit(make_job(setup, folder), Pipe(folder, rank, say))
            state = whole_state(moving_state(setup.model, set(setup.report.scale_of)))
            if not rank:
                write_state(folder / _STATE, state)
                write_json(folder / _OUTCOME, _message(outcome))
    except UserError as error:
        write_json(folder / _OUTCOME, {"error": error.as_dict()})
        return 1
    return 0


def _message(outcome: Outcome) -> _Message:
    return {
        "reason": outcome.reason,
        "steps": outcome.steps,
        "planned": outcome.planned,
        "best_step": outcome.best_step,
        "scores": outcome.scores,
        "history": outcome.history,
    }


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    # gloo's threads now and then abort an interpreter that takes itself down, after all work is
    # done
    os._exit(code)
