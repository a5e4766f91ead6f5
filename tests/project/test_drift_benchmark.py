"""The simulation of false alarms and power in miniature: alarms are rare without drift, come with
it, and are counted as they should be.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """The module with few references and windows."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    module = importlib.import_module("drift")
    for name, value in {
        "SIZES": ((150, 100), (150, 100)),
        "REFERENCES": 6,
        "WINDOWS": 5,
        "POWER_REFERENCES": 2,
        "POWER_WINDOWS": 4,
        "SHARES": (0.1, 1.0),
    }.items():
        monkeypatch.setattr(module, name, value)
    return module


class Made:
    """A model of two classes, as the benchmark's own has it."""

    names, accuracy = ["a", "b"], 0.9

    def __init__(self, module):
        random = np.random.default_rng(0)
        features = random.normal(size=(400, 3))
        said = (features[:, 0] > 0).astype(np.int64)
        self.held_out = module.Population(said, random.beta(8, 2, 400), features)
        self.elsewhere = module.Population(said, random.beta(8, 2, 400), features + 2)


def test_alarms_are_rare_without_drift_and_come_with_it(benchmark):
    model = Made(benchmark)
    found = benchmark.study(model, {"elsewhere": model.elsewhere})
    (alarms,) = found["false_alarms"].values()
    assert alarms["0.01"]["windows"] == 30 and alarms["0.01"]["any"] <= 0.2
    assert alarms["0.01"]["any"] <= alarms["0.05"]["any"]
    assert alarms["0.01"]["low"] <= alarms["0.01"]["any"] <= alarms["0.01"]["high"]
    power = found["power"]["elsewhere"]["100"]
    assert power["1"]["any"] == 1 and power["1"]["by_measure"]["features"] == 1
    assert power["0.1"]["any"] <= power["1"]["any"]
    json.dumps(found)


def test_alarms_are_counted_by_hand(benchmark):
    alarms = np.zeros((2, 5, 3), dtype=bool)
    alarms[0, 0, 1] = alarms[0, 0, 2] = alarms[0, 3, 1] = True
    found = benchmark.summed(alarms)
    assert (found["windows"], found["any"]) == (10, 0.2)
    assert list(found["by_measure"].values()) == [0.0, 0.2, 0.1]
    assert found["worst_tenth_of_references"] == pytest.approx(0.36)  # nine tenths from 0 to 0.4
