"""Mean discrepancy by random features against the kernel itself, pair by pair, and against a
permutation test.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tl_core.watch.mean_map import MeanMap, by_chance, discrepancy


def plain_squared_mmd(first, second, width):
    """The biased estimate of Gretton et al. (2012), with a double loop over the Gaussian kernel."""

    def mean(left, right):
        total = 0.0
        for a in left:
            for b in right:
                total += math.exp(
                    -sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / (2 * width**2)
                )
        return total / (len(left) * len(right))

    return mean(first, first) + mean(second, second) - 2 * mean(first, second)


def kernel_width(scaled):
    apart = [math.dist(a, b) for i, a in enumerate(scaled) for b in scaled[i + 1 :]]
    return float(np.median(apart))


@pytest.fixture(scope="module")
def before():
    return np.random.default_rng(0).normal(size=(120, 6)) * [1, 2, 3, 4, 5, 6] + 10


def test_it_is_near_the_kernel_s_own_discrepancy(before):
    random = np.random.default_rng(1)
    later = random.normal(size=(80, 6)) * [1, 2, 3, 4, 5, 6] + 10 + [1.5, 0, 3, 0, 0, 0]
    scale = before.std(axis=0)
    own, other = (before - before.mean(axis=0)) / scale, (later - before.mean(axis=0)) / scale
    wanted = plain_squared_mmd(own, other, kernel_width(own))
    found = [
        discrepancy(one(before).mean(axis=0), one(later).mean(axis=0))
        for one in (MeanMap.fitted(before, seed) for seed in range(20))
    ]
    assert np.mean(found) == pytest.approx(wanted, rel=0.1)  # unbiased over directions
    assert np.std(found) < 0.3 * wanted


def test_the_threshold_is_near_that_of_permutations(before):
    random = np.random.default_rng(2)
    later = random.normal(size=(100, 6)) * [1, 2, 3, 4, 5, 6] + 10
    mean_map = MeanMap.fitted(before)
    mapped = np.concatenate([mean_map(before), mean_map(later)])
    shuffled = []
    for _ in range(600):
        order = random.permutation(len(mapped))
        one, other = mapped[order[:120]], mapped[order[120:]]
        shuffled.append(discrepancy(one.mean(axis=0), other.mean(axis=0)))
    threshold = by_chance(np.cov(mean_map(before), rowvar=False), 120, 100, 0.05)
    assert threshold == pytest.approx(np.quantile(shuffled, 0.95), rel=0.12)


def test_false_alarms_come_as_often_as_promised_and_shifts_are_found():
    random = np.random.default_rng(3)
    alarms = {0.0: 0, 0.8: 0}
    for _ in range(40):
        before = random.normal(size=(300, 8))
        mean_map = MeanMap.fitted(before)
        mapped = mean_map(before)
        threshold = by_chance(np.cov(mapped, rowvar=False), 300, 200, 0.1)
        for shift in alarms:
            later = mean_map(random.normal(size=(200, 8)) + shift / np.sqrt(8))
            alarms[shift] += discrepancy(mapped.mean(axis=0), later.mean(axis=0)) > threshold
    assert alarms[0.0] <= 11  # 10 %; 12 or more of 40 have a chance below 1 in 1,000
    assert alarms[0.8] >= 38


def test_columns_that_never_vary_are_no_trouble():
    before = np.random.default_rng(4).normal(size=(40, 3))
    before[:, 1] = 5.0
    mean_map = MeanMap.fitted(before)
    assert np.isfinite(mean_map(before)).all()
    assert np.isfinite(mean_map(np.full((2, 3), 5.0))).all()
    same = np.ones((30, 4))
    assert np.isfinite(MeanMap.fitted(same)(same)).all()
    assert by_chance(np.zeros((4, 4)), 30, 30, 0.1) == 0
