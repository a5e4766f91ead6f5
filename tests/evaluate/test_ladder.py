"""The paired test of strategies with several seeds, against every flip of the signs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tl_core.evaluate.recommendation import paired_p


@pytest.mark.parametrize("seed", range(4))
def test_few_items_give_the_p_value_of_all_flips(seed):
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 4, (2, 9)) / 3
    gaps = first - second
    sums = np.array([np.dot(signs, gaps) for signs in product([-1, 1], repeat=9)])
    expected = (np.abs(sums) >= abs(gaps.sum()) - 1e-9).mean()
    assert paired_p(first, second) == pytest.approx(expected, abs=1e-9)


def test_many_items_give_the_same_p_value_each_time_and_one_near_the_normal_one():
    from scipy.stats import norm

    random = np.random.default_rng(1)
    first, second = random.integers(0, 4, (2, 400)) / 3
    gaps = first - second
    expected = 2 * norm.sf(abs(gaps.sum()) / np.sqrt((gaps**2).sum()))
    assert paired_p(first, second) == paired_p(first, second)
    assert paired_p(first, second) == pytest.approx(expected, abs=0.02)


def test_one_item_that_differs_decides_nothing():
    assert paired_p(np.array([1.0, 1 / 3, 1.0]), np.array([1.0, 1.0, 1.0])) == 1.0
    assert paired_p(np.full(3, 1 / 3), np.full(3, 1 / 3)) == 1.0
