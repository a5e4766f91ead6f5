"""Paired comparison against the binomial distribution counted out by hand."""

from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest
from scipy.stats import binomtest

from tl_core.evaluate.compare import compare, exact_mcnemar


def by_hand(b, c):
    total = b + c
    tail = sum(comb(total, k) for k in range(min(b, c) + 1)) / 2**total
    return min(1.0, 2 * tail)


@pytest.mark.parametrize(
    ("b", "c"), [(0, 0), (1, 0), (10, 4), (4, 10), (7, 7), (30, 2), (900, 1000)]
)
def test_the_p_value_is_the_exact_one(b, c):
    first = np.array([True] * b + [False] * c + [True] * 20 + [False] * 5)
    second = np.array([False] * b + [True] * c + [True] * 20 + [False] * 5)
    only_first, only_second, p_value = exact_mcnemar(first, second)
    assert (only_first, only_second) == (b, c)
    assert p_value == pytest.approx(by_hand(b, c) if b + c else 1.0)
    assert p_value == pytest.approx(binomtest(b, b + c).pvalue if b + c else 1.0)


def test_trap_37_pairing_sees_what_unpaired_intervals_hide():
    """Twelve more right of 153, and never fewer: the intervals overlap, the paired test does not
    doubt.
    """
    from tl_core.evaluate.scores.intervals import wilson

    second = np.arange(153) < 128
    first = np.arange(153) < 140
    assert wilson(140, 153)[0] < wilson(128, 153)[1]
    comparison = compare(first, second, "photos", ("Run B", "run A"))
    assert comparison["p_value"] < 0.001
    assert (
        comparison["sentence"]
        == "Run B is right on 12 more of 153 photos than run A; that is hardly chance (p < 0.001)."
    )
    assert comparison["difference"]["low"] > 0
    assert comparison["difference"]["value"] == pytest.approx(12 / 153)


def test_a_small_gap_is_called_chance():
    first = np.array([True] * 10 + [False] * 4 + [True] * 139)
    second = np.array([False] * 10 + [True] * 4 + [True] * 139)
    comparison = compare(first, second, "photos", ("Run B", "run A"))
    assert "6 more of 153" in comparison["sentence"]
    assert "can easily be chance (p = 0.18)" in comparison["sentence"]
    assert comparison["difference"]["low"] < 0 < comparison["difference"]["high"]
    turned = compare(second, first, "photos", ("This run", "the other one"))["sentence"]
    assert turned.startswith("The other one is right on") and "than this run;" in turned
    assert "equally many" in compare(first, first, "photos", ("A", "b"))["sentence"]


def models(both, one, other, neither):
    """Which items two models have right, by how many both, one, the other and none has."""
    first = np.repeat([True, True, False, False], (both, one, other, neither))
    return first, np.repeat([True, False, True, False], (both, one, other, neither))


def by_the_table(a, b, c, d):
    """Newcombe's method 10 as the paper writes it down, from the table of both answers."""
    n, gap = a + b + c + d, (b - c) / (a + b + c + d)
    (l1, u1), (l2, u2) = (
        binomtest(hits, n).proportion_ci(method="wilson") for hits in (a + b, a + c)
    )
    bottom = (a + b) * (c + d) * (a + c) * (b + d)
    top = a * d - b * c
    top = max(top - n / 2, 0) if top > 0 else top
    phi = top / sqrt(bottom) if bottom else 0.0
    below, above = (a + b) / n - l1, u2 - (a + c) / n
    low = gap - sqrt(below**2 - 2 * phi * below * above + above**2)
    below, above = u1 - (a + b) / n, (a + c) / n - l2
    return low, gap + sqrt(below**2 - 2 * phi * below * above + above**2)


@pytest.mark.parametrize(
    "table", ((30, 0, 0, 0), (12, 9, 2, 0), (0, 8, 1, 5), (90, 6, 0, 4), (5, 5, 5, 5), (1, 0, 0, 0))
)
def test_the_interval_of_a_gap_is_newcombes(table):
    gap = compare(*models(*table), "photos", ("A", "b"))["difference"]
    assert (gap["low"], gap["high"]) == pytest.approx(by_the_table(*table))
    assert gap["low"] < gap["value"] < gap["high"]


@pytest.mark.parametrize("chances", ((0.95, 0.05, 0.0, 0.0), (0.6, 0.2, 0.05, 0.15)))
def test_the_interval_of_a_gap_holds_the_truth_as_often_as_it_says(chances):
    """A percentile bootstrap of twenty items held the first in 63 of 100 simulations."""
    random, truth = np.random.default_rng(0), chances[1] - chances[2]
    gaps = [
        compare(*models(*random.multinomial(20, chances)), "items", ("A", "b"))["difference"]
        for _ in range(2000)
    ]
    assert np.mean([gap["low"] <= truth <= gap["high"] for gap in gaps]) > 0.94


def test_words_and_interval_do_not_contradict_each_other():
    for one in range(12):
        for other in range(one):
            found = compare(*models(5, one, other, 6), "photos", ("A", "b"))
            if "hardly chance" in found["sentence"]:
                assert found["difference"]["low"] > 0
            elif "easily" in found["sentence"]:
                assert found["difference"]["low"] < 0
