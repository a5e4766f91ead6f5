"""The population stability index against the published formula, and what chance makes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2

from tl_core.watch.stability import by_chance, stability_index


def plain_index(expected, seen):
    """Siddiqi (2006), group by group, with half an item more in each."""
    total = 0.0
    m, n, groups = sum(expected), sum(seen), len(expected)
    for e, s in zip(expected, seen, strict=True):
        p, q = (e + 0.5) / (m + groups / 2), (s + 0.5) / (n + groups / 2)
        total += (q - p) * math.log(q / p)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_published_formula(seed):
    random = np.random.default_rng(seed)
    expected, seen = random.integers(0, 40, (2, 3 + seed))
    assert stability_index(expected, seen) == pytest.approx(plain_index(expected, seen))


def test_a_value_worked_by_hand():
    # without the half: (0.6 - 0.5) ln(1.2) + (0.4 - 0.5) ln(0.8) = 0.0405465
    large = 10_000_000
    found = stability_index(np.array([large, large]), np.array([6 * large, 4 * large]))
    assert found == pytest.approx(0.0405465, abs=1e-6)
    assert stability_index(np.array([7, 3]), np.array([7, 3])) == 0


@pytest.mark.parametrize(("groups", "level"), [(3, 0.05), (10, 0.01)])
def test_with_many_items_chance_is_chi_squared(groups, level):
    """Yurdakul and Naranjo (2020): (1/m + 1/n) times a quantile of chi-squared."""
    expected, items = np.full(groups, 4000), 5000
    wanted = (1 / expected.sum() + 1 / items) * chi2.ppf(1 - level, groups - 1)
    assert by_chance(expected, items, level) == pytest.approx(wanted, rel=0.08)


@pytest.mark.parametrize("shares", [[0.9, 0.07, 0.02, 0.01], [0.1] * 10])
def test_false_alarms_come_as_often_as_promised(shares):
    random, before, items = np.random.default_rng(7), 200, 150
    alarms = []
    for _ in range(50):
        expected = random.multinomial(before, shares)
        seen = random.multinomial(items, shares)
        alarms.append(stability_index(expected, seen) > by_chance(expected, items, 0.1))
    assert 1 <= sum(alarms) <= 13  # of 50 at 10 %; anything else has a chance below 1 in 100
