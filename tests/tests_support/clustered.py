"""A cluster's part of the work, done here: what Ray would do in processes of its own is done in a
loop. `benchmarks/ray_cluster.py` and `tests/executors/test_ray_cluster.py` take a real one.
"""

from __future__ import annotations

import io
import json
from importlib import import_module
from pathlib import Path

import numpy as np

from tl_core.recipes.cluster import parts
from tl_core.recipes.cluster.part_work import do_part
from tl_core.settings import SPREAD_VARIABLE
from tl_core.spread import pieces


def spread_here(monkeypatch):
    """From now on this process is one of a job of a cluster; gives, call by call, how many parts
    were to be done at once and how many there were.
    """
    calls = []

    def in_a_loop(command, _environment, folder, progress, hear):
        assert command[2] == "tl_core.recipes.cluster.ray_parts"
        [at_once, counted, place, cache, *numbered] = command[3:]
        assert place == str(folder)
        calls.append((int(at_once), len(numbered)))
        hear("\n")  # time goes by
        for number, part in enumerate(numbered):

            def say(line, number=number):
                hear(f"{number} {line}\n")
                if progress.should_stop():
                    (folder / parts.STOP).touch()

            halves = counted == parts.HALVES
            do_part(Path(part), Path(place), Path(cache), say, halves=halves)
            say(parts.OVER)
        return 0

    monkeypatch.setenv(SPREAD_VARIABLE, "ray")
    monkeypatch.setattr(parts, "launch", in_a_loop)
    return calls


def pieces_here(monkeypatch):
    """The same for numbered pieces of work; gives the numbers that were asked for, call by call.
    What the processes are made of crosses as JSON, and what they find as files, as in a cluster.
    """
    calls = []

    class Child:
        """The program that has the pieces done."""

        returncode = 0

        def __init__(self, command, **_options):
            folder = Path(command[3])
            told = json.loads((folder / pieces.TOLD).read_text())
            module, _, name = told["worker"].partition(":")
            work = getattr(import_module(module), name)(told["made_of"])
            calls.append(told["numbers"])
            self.stdout = self._lines(work, folder, told["numbers"])

        def _lines(self, work, folder, numbers):
            for number in numbers:
                yield "\n"
                kept = io.BytesIO()
                np.savez(kept, allow_pickle=False, **work(number))
                pieces.piece_path(folder, number).write_bytes(kept.getvalue())
                yield f"{pieces.MARK}{number}\n"

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def terminate(self):
            self.stdout = None

    monkeypatch.setenv(SPREAD_VARIABLE, "ray")
    monkeypatch.setattr(pieces.subprocess, "Popen", Child)
    return calls
