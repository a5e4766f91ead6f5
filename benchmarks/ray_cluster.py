"""A Ray cluster of two machines: a run on each, one machine killed in mid-run, and one training
shared by processes on both.

`python benchmarks/ray_cluster.py DATA_FOLDER`, with `trec` in DATA_FOLDER and TL_DATABASE_URL set
to an empty PostgreSQL database. Both machines are processes of this one (`ray start` twice, closed
by a token), so their figures tell of ways and waiting, not of speed: they share its processors.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from common import machine, write_result
from ray_nodes import Machine, RayNodes
from safetensors.torch import load_file

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.jobs.events import RunView
from tl_core.progress import Curve
from tl_core.registry.datasets import DatasetRecord, DatasetStore
from tl_core.registry.run import Run
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import Settings, read_settings
from tl_core.train.loop.checkpoints import newest

ROOT = Path(__file__).parents[1]
ROWS, PATIENCE = 80, 900.0
OPTIONS: dict[str, object] = {
    "strategy": "full",
    "epochs": 3.0,
    "batch_size": 8,
    "max_length": 16,
    "precision": "float32",
    "lp_start": False,
    "baseline": False,
    "checkpoint_steps": 3,
    "patience": 0,
}
LADDER = {"rungs": ["baseline", "probe"], "seeds": 2, "max_length": 32}
Answer = TypeVar("Answer")


@dataclass
class Studio:
    """Stores of a home, and the cluster that its dispatcher submits to."""

    settings: Settings
    runs: RunStore
    record: DatasetRecord
    nodes: RayNodes
    backbone: str

    def queue(self, options: dict[str, object], recipe: str = "finetune") -> Run:
        """A training that waits for its turn."""
        return self.runs.create(
            RunConfig(
                *("train", "local", self.record.reference, str(self.record.folder)),
                *(self.backbone, recipe, options),
            )
        )

    def done(self, run: Run) -> Run:
        """The run when it has ended well."""
        ended = until(lambda: (now := self.runs.get(run.id)).finished and now)
        if ended.status != "done":
            log = (ended.folder / "worker.log").read_text()
            raise SystemExit(f"{ended.status}: {ended.reason}\n{log}")
        return ended

    def machine_of(self, run: Run) -> str:
        """The machine that a run is carried out on, by Ray's name for it; waits until it is."""

        def named() -> str:
            job = self.runs.get(run.id).job
            facts = self.nodes.head.job(job) if job else None
            return str((facts or {}).get("driver_node_id") or "")[:8]

        return until(named)


def until(condition: Callable[[], Answer], seconds: float = PATIENCE) -> Answer:
    """What a condition gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    raise SystemExit("it did not happen in time")


@contextmanager
def dispatcher(settings: Settings, nodes: RayNodes, processors: int) -> Iterator[None]:
    """One that submits what trains to the cluster."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tl_core.jobs.dispatch", "--forever"],
        cwd=ROOT,
        env={
            **os.environ,
            "TL_HOME": str(settings.home_path),
            "TL_EXECUTOR": "ray",
            "TL_RAY_ADDRESS": nodes.address,
            "TL_RAY_TOKEN": nodes.token,
            "TL_JOB_PROCESSORS": str(processors),
            "HF_HUB_OFFLINE": "1",
        },
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def without_dropout(settings: Settings, folder: Path) -> str:
    """A copy of the text starter whose every step is the same however it is shared out."""
    source = resolve_folder(parse_reference("starter:text"), settings)
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return f"local:{folder}"


def first_rows(source: Path, target: Path) -> Path:
    with source.open(encoding="utf-8") as lines:
        target.write_text("".join(islice(lines, ROWS + 1)), encoding="utf-8")
    return target


def curve(run: Run, which: Curve, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One value of every point of a curve, in their order."""
    points = RunView().follow(run.folder).curves[which]
    return np.array([point[name] for point in points if name in point])


def greatest_difference(one: Run, other: Run) -> float:
    """Between the weights of two models."""
    states = [load_file(run.folder / "model" / "model.safetensors") for run in (one, other)]
    return max(float((states[0][name] - states[1][name]).abs().max()) for name in states[0])


def checkpoint_of(run: Run) -> int:
    """The step of the newest checkpoint, 0 without one."""
    found = newest(run.folder / "checkpoints")
    return found.step if found else 0


def lose_a_machine(studio: Studio, second: Machine) -> dict[str, object]:
    """A run on each machine; the second loses its power once its run has a second checkpoint."""
    runs = [studio.queue(OPTIONS), studio.queue(OPTIONS)]
    machines = [studio.machine_of(run) for run in runs]
    lost, kept = runs if machines[0] == second.id else reversed(runs)
    until(lambda: checkpoint_of(lost) >= 2 * int(str(OPTIONS["checkpoint_steps"])))
    step, job, killed = checkpoint_of(lost), studio.runs.get(lost.id).job, time.monotonic()
    studio.nodes.kill(second.process)
    until(lambda: studio.runs.get(lost.id).job != job)
    noticed = time.monotonic() - killed
    first, again = studio.done(kept), studio.done(lost)
    remarks = RunView().follow(again.folder).logs
    return {
        "machines": len(set(machines)),
        "checkpoint when it was killed (step)": step,
        "noticed after (s)": round(noticed, 1),
        "done after (s)": round(time.monotonic() - killed, 1),
        "what the run says": [text for text in remarks if text.startswith("Going on from")],
        "greatest difference of a weight to the uninterrupted run": greatest_difference(
            first, again
        ),
    }


def share_a_training(studio: Studio) -> dict[str, object]:
    """The same training by one process and by two, which Ray Train starts on both machines."""
    began = time.monotonic()
    alone = studio.done(studio.queue(OPTIONS))
    between = time.monotonic()
    both = studio.done(studio.queue({**OPTIONS, "processes": 2}))
    training, validation = (
        [curve(run, which, name) for run in (alone, both)]
        for which, name in ((Curve.TRAINING, "loss"), (Curve.VALIDATION, "log_loss"))
    )
    return {
        "points of the training loss": len(training[0]),
        "greatest difference of the training loss": float(np.abs(np.subtract(*training)).max()),
        "greatest difference of the validation log loss": float(
            np.abs(np.subtract(*validation)).max()
        ),
        "greatest difference of a weight": greatest_difference(alone, both),
        "one process, whole run (s)": round(between - began, 1),
        "two processes, whole run (s)": round(time.monotonic() - between, 1),
    }


def climb_at_once(studio: Studio) -> dict[str, object]:
    """A ladder whose trainings follow each other, and one of which two are done at a time."""
    seconds, rows = [], []
    for processes in (1, 2):
        began = time.monotonic()
        run = studio.done(studio.queue({**LADDER, "processes": processes}, "ladder"))
        seconds.append(round(time.monotonic() - began, 1))
        ladder = json.loads((run.folder / "report.json").read_text())["ladder"]
        rows.append(
            [
                {name: value for name, value in row.items() if name != "minutes"}
                for row in ladder["rows"]
            ]
        )
    return {
        "trainings": len(LADDER["rungs"]) * LADDER["seeds"],
        "same rows of the report": rows[0] == rows[1],
        "one after the other (s)": seconds[0],
        "two at a time (s)": seconds[1],
    }


def main(data: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        os.environ.update(TL_HOME=str(home), OMP_NUM_THREADS="1")
        settings = read_settings()
        engine = open_database(settings)
        datasets = DatasetStore(engine, "local", home)
        table = first_rows(data / "trec" / "train.csv", Path(place) / "trec.csv")
        record, *_ = add_dataset(datasets, settings, str(table), "trec", ImportOptions())
        nodes = RayNodes({})
        backbone = without_dropout(settings, Path(place) / "no-dropout")
        studio = Studio(settings, RunStore(engine, "local", home), record, nodes, backbone)
        facts: dict[str, object] = {"machine": machine(), "ray": version("ray"), "rows": ROWS}
        try:
            began = time.monotonic()
            nodes.start(2)
            second = nodes.join(2)
            facts["cluster started in (s)"] = round(time.monotonic() - began, 1)
            with dispatcher(settings, nodes, 2):
                facts["a machine is lost"] = lose_a_machine(studio, second)
            write_result("ray_cluster", facts)
            nodes.join(2)
            with dispatcher(settings, nodes, 1):
                facts["one training on both machines"] = share_a_training(studio)
                write_result("ray_cluster", facts)
                facts["a ladder on both machines"] = climb_at_once(studio)
            write_result("ray_cluster", facts)
        finally:
            nodes.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
