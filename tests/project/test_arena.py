"""The arena in miniature: one toy cell of ours and one of the plain loop, on the same written files."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def arena(monkeypatch, tmp_path):
    """The script's module, with a place of its own for cells."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import arena

    monkeypatch.setattr(arena, "CELLS", tmp_path / "cells")
    return arena


def test_a_toy_cell_of_ours_and_of_the_plain_loop_answer_the_same_items(arena, tiny, tmp_path):
    from arena_tasks import write

    place = write("messages", tmp_path, tmp_path / "task", most=40)
    with place.open(newline="") as handle:
        counts = Counter(row["split"] for row in csv.DictReader(handle))
    assert counts["train"] == 40 and counts["test"] > counts["val"] > 0
    ours = arena.ours(arena.Cell("messages", f"local:{tiny('bert')}", "probe", 0), place, tmp_path, 1.0)
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "plain_loop.py"), str(place), str(tiny("bert")),
                           "1e-3", "1", "0"], check=True, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": ""})
    plain = json.loads(done.stdout.splitlines()[-1])
    assert len(ours["test"]["right"]) == len(plain["test"]["right"]) == counts["test"]
    for found in (ours, plain):
        assert found["test"]["accuracy"] == pytest.approx(found["test"]["right"].count("1") / counts["test"], abs=1e-4)


def test_every_cell_has_a_name_of_its_own(arena):
    cells = arena.all_cells()
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.seed for cell in cells if cell.strategy == "lpft"} == {0, 1, 2}
