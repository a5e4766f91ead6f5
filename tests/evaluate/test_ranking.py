"""Ranking scores against scikit-learn, DeLong's variance against its plain double loop, intervals
by simulation.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from tl_core.evaluate.scores import ranking


def two_groups(seed, m=30, n=70, shift=1.0, places=None):
    random = np.random.default_rng(seed)
    scores = np.concatenate([random.normal(shift, 1, m), random.normal(0, 1, n)])
    if places is not None:
        scores = scores.round(places)  # ties
    return np.repeat([True, False], [m, n]), 1 / (1 + np.exp(-scores))


@pytest.mark.parametrize("places", [None, 0])
@pytest.mark.parametrize("seed", range(4))
def test_areas_agree_with_scikit_learn_with_and_without_ties(seed, places):
    positive, scores = two_groups(seed, places=places)
    assert ranking.auc(positive, scores)["value"] == pytest.approx(
        sk.roc_auc_score(positive, scores)
    )
    assert ranking.average_precision(positive, scores)["value"] == pytest.approx(
        sk.average_precision_score(positive, scores)
    )
    false_rate, true_rate, _ = ranking._steps(positive, scores)
    reference = sk.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(false_rate, reference[0][1:])
    np.testing.assert_allclose(true_rate, reference[1][1:])


def test_the_variance_is_that_of_delongs_double_loop():
    positive, scores = two_groups(1, 12, 15, places=0)
    first, second = scores[positive], scores[~positive]
    wins = np.array([[1.0 if a > b else 0.5 if a == b else 0.0 for b in second] for a in first])
    variance = wins.mean(axis=1).var(ddof=1) / 12 + wins.mean(axis=0).var(ddof=1) / 15
    area = wins.mean()
    part = ranking.auc(positive, scores)
    half = np.log(part["high"] / (1 - part["high"])) - np.log(area / (1 - area))
    assert half == pytest.approx(1.959963984540054 * np.sqrt(variance) / (area * (1 - area)))


def test_the_interval_of_the_area_covers_the_truth():
    from scipy.stats import norm

    truth = norm.cdf(1 / np.sqrt(2))
    inside = [
        part["low"] <= truth <= part["high"]
        for part in (ranking.auc(*two_groups(seed)) for seed in range(600))
    ]
    assert 0.92 <= np.mean(inside) <= 0.98


def test_an_almost_perfect_average_precision_keeps_a_narrow_interval():
    """Rounding leaves the area a hair under 1, where the logit's interval would be 0 to 1."""
    positive = np.arange(500) < 65
    random = np.random.default_rng(3)
    for _ in range(20):
        part = ranking.average_precision(positive, positive + random.random(500) * 0.9)
        assert part["value"] == pytest.approx(1.0)
        assert part["low"] > 0.9


def test_perfect_and_constant_scores_have_honest_intervals():
    positive = np.array([True] * 5 + [False] * 20)
    perfect = ranking.auc(positive, positive.astype(float))
    assert perfect["value"] == 1.0
    assert perfect["low"] < 0.7
    assert ranking.auc(positive, np.full(25, 0.5))["value"] == 0.5


def test_top_k_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    truth, probabilities = random.integers(0, 6, 300), random.dirichlet(np.ones(6), 300)
    for part in ranking.top_k(truth, probabilities):
        expected = sk.top_k_accuracy_score(truth, probabilities, k=part["k"], labels=range(6))
        assert part["accuracy"]["value"] == pytest.approx(expected)
    assert [part["k"] for part in ranking.top_k(truth, probabilities)] == [1, 2, 3, 5]


def test_curves_are_short_and_keep_their_ends_and_their_area():
    positive, scores = two_groups(3, 2000, 3000)
    truth = (~positive).astype(np.int64)
    part = ranking.rank_classes(truth, np.stack([scores, 1 - scores], axis=1), ["a", "b"])[0]
    curve = np.array(part["roc"])
    assert len(curve) <= ranking.POINTS
    assert curve[0].tolist() == [0.0, 0.0]
    assert curve[-1].tolist() == [1.0, 1.0]
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(part["auc"]["value"], abs=0.005)


def test_a_class_without_rows_has_no_curve():
    truth = np.array([0, 0, 1, 1])
    assert [
        part["label"]
        for part in ranking.rank_classes(truth, np.full((4, 3), 1 / 3), ["a", "b", "c"])
    ] == ["a", "b"]


def test_hopeless_and_overconfident_probabilities_raise_no_warning():
    for seed in range(200):
        random = np.random.default_rng(seed)
        truth, heat = random.integers(0, 3, 20), random.choice([0, 1, 10, 100, 1000])
        logits = heat * random.normal(size=(20, 3))
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        for part in ranking.rank_classes(truth, probabilities, ["a", "b", "c"]):
            assert 0 <= part["auc"]["low"] <= part["auc"]["value"] <= part["auc"]["high"] <= 1
            assert 0 <= part["average_precision"]["low"] <= part["average_precision"]["high"] <= 1
