"""The benchmark of ways to keep what a network knows, in miniature: the same draws for all, cells
are not measured twice, and what is missing is named.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from tests_support.datasets import write_pictures

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """The module with two ways on a small network, writing into a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common = importlib.import_module("common")
    module = importlib.import_module("towards_source")
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "CELLS", tmp_path / "results" / "towards_source")
    quick = {"strategy": "lpft", "epochs": 1.0}
    ways = {
        "plain": ("finetune", quick),
        "Co-Tuning": ("finetune", {**quick, "co_tuning": 2.3}),
        "probe": module.WAYS["probe"],
        "StochNorm": ("finetune", {**quick, "stochastic_norm": 0.5}),
        "following": ("finetune", {**quick, "batchnorm": "adapt"}),
    }
    monkeypatch.setattr(module, "WAYS", ways)
    monkeypatch.setattr(module, "TASKS", {"hymenoptera": (3, 0)})
    monkeypatch.setattr(module, "BACKBONE", "starter:image-small")
    monkeypatch.setattr(module, "SEEDS", 1)
    return module


@pytest.fixture
def data(tmp_path):
    for split, each in (("train", 10), ("val", 5)):
        write_pictures(
            tmp_path / "data" / "hymenoptera" / split, each=each, classes=("red", "blue")
        )
    return tmp_path / "data"


def test_cells_are_measured_once_and_what_is_missing_is_named(benchmark, data, tmp_path):
    benchmark.main(data, only_table=False)
    cells = sorted(path.name for path in benchmark.CELLS.iterdir())
    assert len(cells) == 9 and "hymenoptera-all-Co-Tuning-0.json" in cells
    assert [name for name in cells if "following" in name] == ["hymenoptera-all-following-0.json"]
    kept = {"accuracy": 0.25, "right": "0001000000", "seconds": 1.0}
    (benchmark.CELLS / "hymenoptera-3-plain-0.json").write_text(json.dumps(kept))
    (benchmark.CELLS / "hymenoptera-3-probe-0.json").unlink()
    benchmark.main(data, only_table=True)
    table = json.loads((tmp_path / "results" / "towards_source.json").read_text())
    assert table["missing"] == ["hymenoptera-3-probe-0"]
    row = table["rows"]["hymenoptera, 3 labels a class"]
    assert row["plain"]["accuracy"] == 0.25 and row["plain"]["items"] == 10
    gap = row["Co-Tuning"]["over_plain"]
    assert gap["points"] == pytest.approx(100 * row["Co-Tuning"]["accuracy"] - 10)
    shown = importlib.import_module("source_table")
    shown.RESULTS = tmp_path / "results"
    lines = "\n".join(shown.towards_source())
    assert (
        "Not measured: hymenoptera-3-probe-0, pacs sketch with all labels." in lines
        and "| 25.0 |" in lines
    )
    alone = table["rows"]["hymenoptera, all labels"]["following"]
    assert f"these alone come to {100 * alone['accuracy']:.1f} (" in lines
    assert "| following |" not in lines


def test_draws_are_the_same_for_all_ways_and_leave_the_test_alone(benchmark, data, tmp_path):
    from arena_tasks import write

    photos = write("hymenoptera", data, tmp_path / "task")
    drawn = [benchmark.draw(photos, 3, 0, tmp_path / name) for name in "ab"]
    names = [sorted(path.relative_to(one) for path in one.rglob("*.png")) for one in drawn]
    assert names[0] == names[1]
    assert sum(str(name).startswith("train") for name in names[0]) == 6
    assert sum(str(name).startswith("test") for name in names[0]) == 10
    other = benchmark.draw(photos, 3, 1, tmp_path / "c")
    assert sorted(path.relative_to(other) for path in other.rglob("*.png")) != names[0]
