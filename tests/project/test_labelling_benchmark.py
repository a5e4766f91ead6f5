"""The simulation of labelling in miniature: cells are not measured twice, missing ones are named,
and the table says what was found.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch, tmp_path, tiny):
    """The module with one small data set and two seeds, writing into a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common, module = (importlib.import_module(name) for name in ("common", "labelling"))
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "CELLS", tmp_path / "results" / "labelling")
    small = module.Task("sample:messages", f"local:{tiny('bert')}", 10, 3)
    monkeypatch.setattr(module, "TASKS", {"messages": small})
    monkeypatch.setattr(module, "STRATEGIES", ("random", "margin"))
    monkeypatch.setattr(module, "SEEDS", 2)
    return module


def test_cells_are_measured_once_and_the_table_says_what_was_found(
    benchmark, tmp_path, monkeypatch
):
    benchmark.main(tmp_path, only_table=True)
    empty = json.loads((tmp_path / "results" / "labelling.json").read_text())
    assert len(empty["missing"]) == 4 and empty["tasks"] == {}
    benchmark.main(tmp_path, only_table=False)
    figures = json.loads((tmp_path / "results" / "labelling.json").read_text())
    assert figures["missing"] == []
    cells = sorted(benchmark.CELLS.glob("*.json"))
    assert len(cells) == 4
    curve = json.loads((benchmark.CELLS / "messages-random-0.json").read_text())["points"]
    assert [one["labels"] for one in curve] == [10, 20, 30]
    accuracy = [one["accuracy"] for one in curve]
    by_hand = (accuracy[0] + 2 * accuracy[1] + accuracy[2]) / 4
    assert benchmark.area(curve) == pytest.approx(by_hand)
    way = figures["tasks"]["messages"]["random"]
    assert way["area_over_random"]["mean"] == 0.0 and way["seeds"] == 2
    monkeypatch.setattr(benchmark, "measure", lambda wanted, data: wanted and pytest.fail("again"))
    benchmark.main(tmp_path, only_table=False)
    cells[0].unlink()
    benchmark.main(tmp_path, only_table=True)
    figures = json.loads((tmp_path / "results" / "labelling.json").read_text())
    assert figures["missing"] == [cells[0].stem]
    table = importlib.import_module("labelling_table")
    monkeypatch.setattr(table, "RESULTS", tmp_path / "results")
    words = "\n".join(table.labelling())
    assert f"Not measured: {cells[0].stem}" in words


def test_intervals_are_those_of_students_t(benchmark):
    gaps = [0.01, 0.03, 0.02, 0.05, 0.04]
    found = benchmark.interval(gaps)
    half = 2.776 * np.std(gaps, ddof=1) / np.sqrt(5)  # t of 4 degrees of freedom, from tables
    assert found["mean"] == 3.0
    assert found["low"] == pytest.approx(100 * (0.03 - half), abs=0.02)
    assert found["high"] == pytest.approx(100 * (0.03 + half), abs=0.02)
