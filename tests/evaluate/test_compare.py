"""Paired comparison against the binomial distribution counted out by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

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
    from scipy.stats import binomtest

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
