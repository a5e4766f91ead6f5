"""The benchmark of spoken digits in miniature: speakers never stand on both sides, cells are not
measured twice, and the table says what was found.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from tests_support.waves import made, wav

ROOT = Path(__file__).parents[2]
SPEAKERS = ("anna", "ben", "cleo")


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """The module, with two small ways to learn, writing into a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common = importlib.import_module("common")
    module = importlib.import_module("spoken_digits")
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "CELLS", tmp_path / "results" / "spoken_digits")
    best = module.Way("starter:speech", "probe", (module.PROBE,))
    monkeypatch.setattr(module, "WAYS", {"mfcc": module.WAYS["mfcc"], "probe": best})
    monkeypatch.setattr(module, "CLAIMED", ("mfcc",))
    monkeypatch.setattr(module, "BEST", "probe")
    return module


@pytest.fixture
def data(tmp_path):
    for digit, kind in enumerate(("tone", "noise")):
        for number, speaker in enumerate(SPEAKERS):
            for take in range(4):
                path = tmp_path / "data" / str(digit) / f"{digit}_{speaker}_{take}.wav"
                wav(made(kind, 10 * number + take, 0.3), path)
    return tmp_path / "data"


def test_each_speaker_is_the_test_once_and_nobody_is_on_both_sides(benchmark, data):
    tested = []
    for speaker in benchmark.speakers_of(data):
        splits = benchmark.by_speaker(data, speaker)
        sides = {}
        for path, split in splits.items():
            sides.setdefault(path.stem.split("_")[1], set()).add(split)
        assert all(len(found) == 1 for found in sides.values())
        tested += [name for name, found in sides.items() if found == {"test"}]
        assert sorted(next(iter(found)) for found in sides.values()) == [
            "test",
            "train",
            "validation",
        ]
    assert tested == list(SPEAKERS)
    assert list(benchmark.by_takes(data, 0).values()).count("test") == 5


def test_it_measures_keeps_and_tells(benchmark, data, tmp_path, capsys):
    benchmark.main(data, only_table=False)
    table = json.loads((tmp_path / "results" / "spoken_digits.json").read_text())
    assert table["speakers"] == list(SPEAKERS) and table["clips"] == 24
    assert set(table["ways"]) == {"mfcc", "probe"}
    assert table["ways"]["probe"]["accuracy"] >= 0.9
    assert set(table["ways"]["mfcc"]["by_speaker"]) == set(SPEAKERS)
    assert "claimed_by_takes" in table["ways"]["mfcc"]
    cells = list((tmp_path / "results" / "spoken_digits").glob("*.json"))
    times = {path: path.stat().st_mtime_ns for path in cells}
    benchmark.main(data, only_table=True)
    assert times == {path: path.stat().st_mtime_ns for path in cells}
    capsys.readouterr()
