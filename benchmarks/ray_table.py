"""A large table answered, and a dataset read, by two processes on two machines of a Ray cluster,
row by row against one process here, and the memory that it takes.

`python benchmarks/ray_table.py [ROWS...]` writes results/ray_table.json. Both machines are
processes of this one, so seconds tell of waiting, not of speed. The model reads words by the table
of the text starter: quick, so that many rows pass.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import machine, open_data, write_result
from ray_nodes import RayNodes

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.load import load_backbone
from tl_core.progress import Progress
from tl_core.settings import SPREAD_VARIABLE, read_settings
from tl_core.train.similar.item_search import open_search

ROOT = Path(__file__).parents[1]
ROWS = (20_000, 80_000)
READ_ROWS = 20_000
WORDS = "where who what is the of a city river film order late money good bad why how many".split()
BACKBONE = "static:starter:text"


def write_table(path: Path, rows: int) -> Path:
    """A CSV of that many texts of 3 to 30 words, and their class."""
    draw = random.Random(0)
    with path.open("w") as handle:
        handle.write("text,label\n")
        for number in range(rows):
            words = " ".join(draw.choices(WORDS, k=draw.randint(3, 30)))
            handle.write(f"{words} {number},{'ab'[number % 2]}\n")
    return path


class Memory:
    """The most memory of its own (MB) that each kind of process was seen with."""

    def __init__(self) -> None:
        self.driver = self.pool = 0.0

    @contextmanager
    def of(self, driver: psutil.Process) -> Iterator[None]:
        """Watch a process with what it starts, and the pool, until the block ends."""
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=(driver, over))
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()

    def _watch(self, driver: psutil.Process, over: threading.Event) -> None:
        while not over.wait(1.0):
            with suppress(psutil.Error):
                own = [driver, *driver.children(recursive=True)]
                self.driver = max(self.driver, sum(map(megabytes, own)))
            for one in psutil.process_iter(["cmdline"]):
                if any("MapWorker" in word for word in one.info["cmdline"] or ()):
                    self.pool = max(self.pool, megabytes(one))


def megabytes(process: psutil.Process) -> float:
    """What a process alone has; 0 where it is gone."""
    with suppress(psutil.Error):
        return float(process.memory_full_info().uss / 2**20)
    return 0.0


def predict(model: Path, table: Path, out: Path, more: dict[str, str]) -> tuple[float, Memory]:
    """Seconds and memory of the command; two processes where `more` tells of a cluster."""
    command = [sys.executable, "-m", "tl_core", "predict", str(model), str(table), "-o", str(out)]
    command += ["--precision", "float32", "--text-column", "text"]
    command += ["--processes", "2"] if more else []
    began, memory = time.monotonic(), Memory()
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **more}, stderr=subprocess.DEVNULL
    ) as child:
        with memory.of(psutil.Process(child.pid)):
            if child.wait():
                raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return time.monotonic() - began, memory


def answer_tables(folder: Path, sizes: tuple[int, ...], cluster: dict[str, str]) -> object:
    """Answers of both ways for tables of these sizes."""
    model = folder / "model"
    save_classifier(load_backbone(BACKBONE, ["a", "b"], read_settings()), model)
    found = {}
    for rows in sizes:
        table = write_table(folder / f"{rows}.csv", rows)
        here, there = folder / "here.parquet", folder / "there.parquet"
        alone, _ = predict(model, table, here, {})
        both, memory = predict(model, table, there, cluster)
        one, two = pq.read_table(here), pq.read_table(there)
        gap = pc.max(pc.abs(pc.subtract(one["p:a"], two["p:a"]))).as_py()
        found[f"{rows} rows"] = {
            "every cell equal": one.equals(two),
            "greatest difference of a probability": gap,
            "one process (s)": round(alone, 1),
            "two of the cluster (s)": round(both, 1),
            "most memory of the command, MB": round(memory.driver),
            "most memory of a process of the pool, MB": round(memory.pool),
        }
    return found


def read_items(folder: Path, rows: int) -> object:
    """Features of a dataset by both ways."""
    dataset = open_data(write_table(folder / "items.csv", rows), folder / "version")
    settings, seconds, found = read_settings(), [], []
    for processes in (1, 2):
        began = time.monotonic()
        search = open_search(BACKBONE, dataset, folder / f"features {processes}", settings)
        parts = search.read(Progress(), processes)
        found.append(np.concatenate([features for _, features in parts]))
        seconds.append(round(time.monotonic() - began, 1))
    return {
        "rows": len(found[0]),
        "every number equal": bool(np.array_equal(*found)),
        "one process (s)": seconds[0],
        "two of the cluster (s)": seconds[1],
    }


def main(sizes: tuple[int, ...]) -> None:
    with tempfile.TemporaryDirectory() as place:
        os.environ.update(TL_HOME=f"{place}/home", OMP_NUM_THREADS="1")
        nodes = RayNodes({})
        facts: dict[str, object] = {"machine": machine(), "ray": version("ray")}
        try:
            nodes.start(1)
            nodes.join(1)
            cluster = {**nodes.inside, SPREAD_VARIABLE: "ray"}
            facts["answers of a table"] = answer_tables(Path(place), sizes, cluster)
            write_result("ray_table", facts)
            os.environ.update(cluster)
            facts["features of a dataset"] = read_items(Path(place), READ_ROWS)
            write_result("ray_table", facts)
        finally:
            nodes.close()


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or ROWS)
