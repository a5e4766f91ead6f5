"""The benchmark of episodes in miniature: no name on two sides, cells are not measured twice, and
the table says what was found.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from tests_support.datasets import build

from tl_core.train.episodes.sampling import ClassSet, EpisodeShape

ROOT = Path(__file__).parents[2]
WORDS = "fish bird stone river money order film letter".split()


@pytest.fixture
def benchmark(monkeypatch, tmp_path, tiny):
    """The module with one small bank, writing into a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common = importlib.import_module("common")
    module = importlib.import_module("episodes")

    def topics(data, home):
        version = build(data / "topics.csv", home / "v")
        names = version.label_names(np.arange(len(version.labels)))
        return [module.Named(version, names, module.whole)]

    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "CELLS", tmp_path / "results" / "episodes")
    monkeypatch.setattr(module, "BANKS", {"topics": module.Bank(f"local:{tiny('bert')}", topics)})
    monkeypatch.setattr(module, "SHAPE", EpisodeShape(2, 3, 4))
    for name, value in {"SEEDS": 2, "JUDGED": 10, "LINEAR_STEPS": 5, "MAML_STEPS": 3}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_it_measures_keeps_and_tells(benchmark, tmp_path, monkeypatch, capsys):
    lines = [f"the {word} is {word} {number},{word}" for word in WORDS for number in range(12)]
    (tmp_path / "topics.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    benchmark.main(tmp_path)
    table = json.loads((tmp_path / "results" / "episodes.json").read_text())
    found = table["banks"]["topics"]
    assert table["missing"] == [] and found["seeds"] == 2 and sum(found["classes"]) == len(WORDS)
    assert list(found["methods"]) == [
        *("probe", "class means", "prototypes", "ANIL", "first-order MAML", "MAML")
    ]
    cells = list((tmp_path / "results" / "episodes").glob("*.json"))
    times = {path: path.stat().st_mtime_ns for path in cells}
    cells[0].unlink()
    benchmark.main(tmp_path, only_table=True)
    assert len(json.loads((tmp_path / "results" / "episodes.json").read_text())["missing"]) == 1
    benchmark.main(tmp_path)
    after = {path: path.stat().st_mtime_ns for path in cells}
    assert after[cells[1]] == times[cells[1]] and after[cells[0]] > times[cells[0]]
    written = importlib.import_module("episodes_table")
    monkeypatch.setattr(written, "RESULTS", tmp_path / "results")
    assert "| ANIL |" in "\n".join(written.episodes())
    capsys.readouterr()


def test_a_name_that_is_held_out_is_so_everywhere(benchmark):
    names = [f"{digit}~{speaker}" for digit in range(10) for speaker in "ab"]
    labels = np.repeat(np.arange(20), 12)
    source = ClassSet.of("digits", np.zeros((240, 2), dtype=np.float32), labels, 6)
    held_by = [name.partition("~")[0] for name in names]
    parts = benchmark.split([(source, names, held_by)], seed=0)
    sides = [
        {held_by[number] for number in part[0].classes}
        for part in (parts.learn, parts.choose, parts.judge)
    ]
    assert set.union(*sides) == set(map(str, range(10))) and sum(map(len, sides)) == 10
