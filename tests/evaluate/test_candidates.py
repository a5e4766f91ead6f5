"""The order of backbones, agreement against SciPy, and what is recommended."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from tl_core.evaluate.backbone_order import _tau, arrange


def one(name, right, speed, **scores):
    return {
        "backbone": name,
        "probe": {"value": float(np.mean(right))},
        "items_per_second": speed,
        "logme": 0.0,
        "h_score": 0.0,
        "knn": 0.0,
        "leep": None,
        "nce": None,
        **scores,
    }


def answers(count, of=200):
    return np.arange(of) < count


def test_a_clear_lead_is_named_with_its_range_and_price():
    right = [answers(150), answers(190), answers(100)]
    comparison = arrange(
        [
            one("small", right[0], 90.0, logme=2.0),
            one("big", right[1], 10.0, logme=3.0),
            one("bad", right[2], 90.0, logme=1.0),
        ],
        right,
        "photos",
    )
    assert [part["backbone"] for part in comparison["ranking"]] == ["big", "small", "bad"]
    assert comparison["recommended"] == "big"
    assert comparison["sentence"].startswith("Take big: 20.0 points better than small, plausibly ")
    assert comparison["sentence"].endswith("and 9 times slower.")
    assert comparison["agreement"]["logme"] == 1.0
    assert "leep" not in comparison["agreement"]


def test_a_lead_that_can_be_chance_leaves_the_fastest():
    right = [answers(181), answers(180), answers(90)]
    comparison = arrange(
        [one("slow", right[0], 5.0), one("fast", right[1], 50.0), one("bad", right[2], 500.0)],
        right,
        "texts",
    )
    assert comparison["recommended"] == "fast"
    assert (
        "10 times as fast as slow" in comparison["sentence"]
        and "can be chance" in comparison["sentence"]
    )


def test_one_alone_is_only_described():
    assert arrange([one("only", answers(150), 9.0)], [answers(150)], "texts")[
        "sentence"
    ].startswith("only: right 75")


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_kendalls_tau(seed):
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 6, 9).tolist(), random.integers(0, 6, 9).tolist()
    assert _tau(first, second) == pytest.approx(kendalltau(first, second).statistic)
