"""Pieces of work handed out by Ray Data to a pool of processes on the machines of a cluster.

`python -m tl_core.spread.ray_data FOLDER`, inside of a job of the cluster; prints the number of
each piece that is done and lies in the folder, in order, and empty lines while time goes by. The
memory that this takes does not grow with the table: what crosses is a number each, and the arrays
of a piece, of which Ray Data lets only so many be under way.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import ray
import ray.data

from tl_core.json_files import read_object
from tl_core.log import quiet_libraries
from tl_core.spread.pieces import MARK, TOLD, Told, piece_path

_MOST_BLOCKS = 1000  # in which Ray Data keeps the numbers
_TICK_SECONDS = 1.0
_NUMBER, _FOUND = "number", "found"


class _Working:
    """One process of the pool."""

    def __init__(self, worker: str, made_of: dict[str, object]) -> None:
        quiet_libraries()
        module, _, name = worker.partition(":")
        self._work = getattr(import_module(module), name)(made_of)

    def __call__(self, batch: pa.Table) -> pa.Table:
        numbers = batch.column(_NUMBER).to_pylist()
        found = pa.array([_packed(self._work(number)) for number in numbers], pa.large_binary())
        return pa.table({_NUMBER: batch.column(_NUMBER), _FOUND: found})


def _packed(arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]) -> bytes:
    target = io.BytesIO()
    np.savez(target, allow_pickle=False, **arrays)
    return target.getvalue()


def main(folder: Path) -> int:
    """Have all pieces done."""
    told = cast(Told, read_object(folder / TOLD))
    ray.init(logging_level="WARNING")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    numbers = told["numbers"]
    pieces = ray.data.from_items(
        [{_NUMBER: number} for number in numbers],
        override_num_blocks=min(len(numbers), _MOST_BLOCKS),
    ).map_batches(
        _Working,
        fn_constructor_args=(told["worker"], told["made_of"]),
        batch_size=1,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=told["processes"]),
        num_cpus=int(os.environ.get("OMP_NUM_THREADS", "1")),
        num_gpus=1 if ray.cluster_resources().get("GPU", 0) else 0,
    )
    over = threading.Event()
    ticking = threading.Thread(target=_tick, args=(over,))
    ticking.start()
    try:
        for batch in pieces.iter_batches(batch_size=1, batch_format="pyarrow", prefetch_batches=0):
            number = batch.column(_NUMBER)[0].as_py()
            target = piece_path(folder, number)
            temporary = target.with_suffix(".tmp")
            temporary.write_bytes(batch.column(_FOUND)[0].as_py())
            temporary.replace(target)
            _say(f"{MARK}{number}")
    finally:
        over.set()
        ticking.join()
    return 0


def _tick(over: threading.Event) -> None:
    while not over.wait(_TICK_SECONDS):
        _say("")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
