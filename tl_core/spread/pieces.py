"""Pieces of work that processes of a cluster do, each as it would be done here; what they find
comes back piece by piece, in order. `ray_data` is the other end.

Whoever works is a class that other modules name as `module:Class`: made once in each process of
what it is told, then called with the number of a piece, it gives arrays by name. Only plain arrays
cross, as .npz without pickles; what is read lies in files that all machines share.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import TrainingError
from tl_core.json_files import write_json
from tl_core.storage import remove_tree

Arrays = dict[str, NDArray[np.generic]]
TOLD = "told.json"
MARK = "piece "  # what a line begins with that names one


class Told(TypedDict):
    """What the processes are told: the class that works, what it is made of, which pieces there
    are, and how many processes there may be.
    """

    worker: str
    made_of: dict[str, object]
    numbers: list[int]
    processes: int


@dataclass(frozen=True)
class Pieces:
    """Work to be done elsewhere.

    Args:
        worker: the class that does it, as `module:Class`.
        made_of: what it is made of: plain JSON.
        processes: how many there may be, each with processors or a GPU of its own.
        folder: empty, for what comes back; all machines must share it.
    """

    worker: str
    made_of: Mapping[str, object]
    processes: int
    folder: Path

    def done(
        self, numbers: Sequence[int], tick: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Arrays], None, None]:
        """Number and arrays of each piece, in order; the folder is gone afterwards.

        Args:
            numbers: of the pieces.
            tick: called now and then while they are waited for; what it raises ends the work.

        Raises:
            TrainingError: when the cluster could not do all of them.
        """
        if not numbers:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        told: Told = {
            "worker": self.worker,
            "made_of": dict(self.made_of),
            "numbers": list(numbers),
            "processes": self.processes,
        }
        write_json(self.folder / TOLD, told)
        command = [sys.executable, "-m", "tl_core.spread.ray_data", str(self.folder)]
        try:
            yield from self._heard(command, tick)
        finally:
            remove_tree(self.folder)

    def _heard(
        self, command: list[str], tick: Callable[[], None]
    ) -> Generator[tuple[int, Arrays], None, None]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            try:
                for line in child.stdout or ():
                    tick()
                    if line.startswith(MARK):
                        number = int(line.removeprefix(MARK))
                        yield number, self._taken(number)
            except BaseException:
                child.terminate()
                raise
        if child.returncode:
            raise TrainingError(
                "The cluster could not do all of it.",
                "See the run's log.",
                "Resume the run; what is finished is kept.",
            )

    def _taken(self, number: int) -> Arrays:
        """What a piece has found; its file may go."""
        path = piece_path(self.folder, number)
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        path.unlink()
        return arrays


def piece_path(folder: Path, number: int) -> Path:
    """Where what a piece has found lies until it is taken."""
    return folder / f"{number}.npz"
