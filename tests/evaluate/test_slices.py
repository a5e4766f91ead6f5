"""Slices against SciPy and statsmodels' procedure written out; planted faults are found, chance is
not.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from tl_core.evaluate.scores.slices import holm, slices


def test_a_planted_weak_slice_is_found_and_nothing_else():
    random = np.random.default_rng(0)
    light = random.uniform(0, 255, 400)
    correct = random.random(400) < np.where(light < 60, 0.5, 0.95)
    site = random.choice(["north", "south", ""], 400)
    parts = slices(correct, {"light": light, "site": site, "noise": random.random(400)})
    assert [part["by"] for part in parts if part["worse"]] == ["light"]
    dark = parts[0]
    members = (light >= dark["low"]) & (light <= dark["high"])
    assert dark["n"] == members.sum() == 100
    assert dark["accuracy"]["value"] == pytest.approx(correct[members].mean())
    assert dark["rest"] == pytest.approx(correct[~members].mean())
    assert {part["value"] for part in parts if part["by"] == "site"} == {"north", "south"}


def test_false_alarms_stay_rare():
    alarms = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        parts = slices(random.random(200) < 0.8, {str(i): random.random(200) for i in range(4)})
        alarms += any(part["worse"] for part in parts)
    assert alarms <= 0.05 * 200 + 5


def test_p_values_are_fishers_after_holm():
    random = np.random.default_rng(1)
    site, correct = random.choice(["a", "b", "c"], 90), random.random(90) < 0.7
    raw = {
        value: fisher_exact(
            [
                [int((correct & (site == value)).sum()), int((~correct & (site == value)).sum())],
                [int((correct & (site != value)).sum()), int((~correct & (site != value)).sum())],
            ]
        )[1]
        for value in "abc"
    }
    order, expected, highest = sorted(raw, key=raw.get), {}, 0.0
    for rank, value in enumerate(order):
        highest = max(highest, min(1.0, raw[value] * (3 - rank)))
        expected[value] = highest
    p_values = {part["value"]: part["p_value"] for part in slices(correct, {"site": site})}
    assert p_values == pytest.approx(expected)


def test_constant_missing_and_rare_values_make_no_slice():
    correct = np.ones(50, dtype=bool)
    few = np.array(["rare"] * 3 + ["common"] * 47)
    assert (
        slices(correct, {"constant": np.ones(50), "missing": np.full(50, np.nan), "few": few}) == []
    )
    assert holm([]) == []
