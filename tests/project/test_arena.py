"""The arena in miniature: one toy cell of ours and one of the plain loop, on the same written
files.
"""

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
    ours = arena.ours(
        arena.Cell("messages", f"local:{tiny('bert')}", "probe", 0), place, tmp_path, 1.0
    )
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "benchmarks" / "plain_loop.py"),
            str(place),
            str(tiny("bert")),
            "1e-3",
            "1",
            "0",
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    plain = json.loads(done.stdout.splitlines()[-1])
    assert len(ours["test"]["right"]) == len(plain["test"]["right"]) == counts["test"]
    for found in (ours, plain):
        assert found["test"]["accuracy"] == pytest.approx(
            found["test"]["right"].count("1") / counts["test"], abs=1e-4
        )


def test_every_cell_has_a_name_of_its_own(arena):
    cells = arena.all_cells()
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.seed for cell in cells if cell.strategy == "lpft"} == {0, 1, 2}


def test_the_cells_add_up_as_counted_by_hand(arena):
    """Two tasks of four and two items, the second of two seeds; an independent count of the
    same.
    """
    import arena_reach

    def cell(right):
        return {"test": {"right": right}}

    found = arena_reach.over(
        {
            "a": ([cell("1111")], [cell("1000")]),
            "b": ([cell("10"), cell("11")], [cell("11")]),
            "c": ([], [cell("1")]),
        }
    )
    assert found["tasks"].keys() == {"a", "b"}
    assert [found["tasks"][task]["points"] for task in "ab"] == [75.0, -25.0]
    assert found["mean"]["points"] == 25.0
    assert found["tasks"]["a"]["p"] == 0.25  # McNemar: three to none, two-sided
    assert found["tasks"]["a"]["p_holm"] == 0.5
    assert found["tasks"]["a"]["low"] < 75 < found["tasks"]["a"]["high"] == 100
    assert arena_reach.over({})["mean"] is None


def test_validation_alone_chooses_a_grid_point(arena, monkeypatch):
    import arena_cells

    cells = {"plain_0.001_5": (0.8, 0.5, 0.9), "plain_0.003_5": (0.8, 0.4, 0.1)}

    def measured(task, strategy):
        value, loss, test = cells.get(strategy, (0.5, 1.0, 1.0))
        return [{"val": {"accuracy": value, "log_loss": loss}, "test": {"accuracy": test}}]

    monkeypatch.setattr(arena_cells, "cells_of", measured)
    assert arena_cells.plain_of("hymenoptera")[0]["test"]["accuracy"] == 0.1
    monkeypatch.setattr(arena_cells, "cells_of", lambda task, strategy: [])
    assert arena_cells.plain_of("hymenoptera") == []
