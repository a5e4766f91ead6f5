"""How far two domains are apart, and what rows of the source are worth in the target: against what
is known of generated ones.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from tests_support.shifted import class_means, domain

from tl_core.adapt import domain_classifier
from tl_core.adapt.domain_classifier import MOST_WEIGHT, _held_out, density_ratio, measure_gap


def shifted_normals(gap, rows=400, width=6, seed=0):
    random = np.random.default_rng(seed)
    one, other = (random.normal(size=(rows, width)).astype(np.float32) for _ in range(2))
    other[:, 0] += gap
    return one, other


def test_the_same_domain_twice_is_not_told_apart():
    low = [
        measure_gap(*shifted_normals(0.0, seed=seed), seed).told_apart["low"] for seed in range(9)
    ]
    assert sum(one > 0.5 for one in low) <= 1
    gap = measure_gap(*shifted_normals(0.0))
    assert not gap.shown
    assert "no difference is shown" in gap.facts(("a", "b"), "texts")["sentence"]


@pytest.mark.parametrize("copies", [5, 10])
@pytest.mark.parametrize("shared", [False, True])
def test_copies_make_no_distance(copies, shared):
    """Each item stands there several times, and by half in both domains."""
    low, number = [], np.repeat(np.arange(60), copies)
    for seed in range(9):
        one, other = shifted_normals(0.0, rows=60, seed=seed)
        theirs = np.arange(60) + 60
        if shared:
            other[:30], theirs[:30] = one[:30], np.arange(30)
        groups = number, np.repeat(theirs, copies)
        gap = measure_gap(one[number], other[number], seed, groups)
        low.append(gap.told_apart["low"])
        assert 40 <= gap.rows <= 60 if shared else gap.rows == 60
    assert sum(one > 0.5 for one in low) <= 1
    one, other = shifted_normals(2.0, rows=60)
    assert measure_gap(one[number], other[number], 0, (number, number + 60)).shown
    assert measure_gap(one[number], other[number], 0, (number // 7, number + 60)) is None


def test_no_group_is_learnt_from_and_asked_about(monkeypatch):
    """A third of the groups stand in both domains, which differ in size."""
    features = [np.arange(rows, dtype=np.float32)[:, None] for rows in (300, 90)]
    groups = np.arange(300) // 2, np.concatenate([np.arange(30), np.arange(60) + 500])
    seen = []

    class Noted:
        def fit(self, rows, domain):
            seen.append((rows[:, 0].astype(int), domain))

        def predict(self, rows):
            seen.append((rows[:, 0].astype(int), np.repeat([0, 1], len(rows) // 2)))
            return np.zeros(len(rows))

    monkeypatch.setattr(domain_classifier, "_classifier", Noted)
    gap = measure_gap(*features, 0, groups)
    learnt, asked = (
        {int(groups[which][row]) for row, which in zip(*part, strict=True)} for part in seen
    )
    assert not learnt & asked and gap.rows > 60
    for rows, which in seen:
        assert (which == 0).sum() == (which == 1).sum()
        assert len({*zip(rows.tolist(), which.tolist(), strict=True)}) == len(rows)


def test_a_domain_that_is_one_group_is_weighed_all_the_same():
    one, other = shifted_normals(1.0, rows=40)
    whole = np.zeros(40, dtype=np.int64)
    for groups in ((np.arange(40) + 1, whole), (whole, np.arange(40) + 1), (whole, whole + 1)):
        assert density_ratio(one, other, 0, groups).weights.mean() == pytest.approx(1)
        assert measure_gap(one, other, 0, groups) is None


def test_copies_are_weighed_by_a_model_that_has_not_seen_their_like():
    """Of equal domains nobody can tell which a row is of, unless its copies were learnt."""
    one, other = shifted_normals(0.0, rows=60, width=30)
    number = np.repeat(np.arange(120), 8)
    features, domain = np.concatenate([one, other])[number], number // 60
    right = [
        float(((_held_out(features, domain, groups, 0) > 0.5) == domain).mean())
        for groups in (np.arange(len(number)), number)
    ]
    assert right[0] > 0.65 and right[1] < 0.6


@pytest.mark.parametrize("shift", [1.0, 2.0])
def test_the_distance_is_that_of_the_best_classifier(shift):
    """Two normal distributions are told apart by the middle between them."""
    one, other = shifted_normals(shift, rows=4000)
    gap = measure_gap(one, other)
    best = norm.cdf(shift / 2)
    assert gap.told_apart["value"] == pytest.approx(best, abs=0.02)
    assert gap.distance["value"] == pytest.approx(2 * (1 - 2 * (1 - best)), abs=0.06)
    assert gap.distance["low"] <= gap.distance["value"] <= gap.distance["high"] <= 2
    assert gap.shown


def test_the_larger_domain_is_cut_to_the_size_of_the_smaller():
    one, other = shifted_normals(0.0, rows=300)
    gap = measure_gap(one, other[:40])
    assert gap.rows == 40  # half of forty of each
    assert gap.told_apart["value"] < 0.75  # always saying the larger one would be right 88 times


def test_too_few_rows_are_not_measured():
    one, other = shifted_normals(3.0, rows=20)
    assert measure_gap(one, other[:9]) is None


def test_weights_are_the_ratio_of_the_densities():
    one, other = shifted_normals(1.0, rows=5000, width=1)
    ratio = density_ratio(one, other)
    known = norm.pdf(one[:, 0] - 1) / norm.pdf(one[:, 0])
    known = np.clip(known, 1 / MOST_WEIGHT, MOST_WEIGHT)
    assert np.corrcoef(np.log(ratio.weights), np.log(known))[0, 1] > 0.99
    assert ratio.weights.mean() == pytest.approx(1.0)
    expected = (known / known.mean()).sum() ** 2 / ((known / known.mean()) ** 2).sum()
    assert ratio.effective == pytest.approx(expected, rel=0.1)


def test_weights_of_one_domain_are_even_and_none_is_cut():
    one, other = shifted_normals(0.0, rows=2000, width=2)
    ratio = density_ratio(one, other[:500])
    assert ratio.effective > 0.97 * len(one)
    assert ratio.clipped == 0


def test_weights_of_domains_far_apart_are_cut_and_said_to_be_worth_little():
    one, other = shifted_normals(6.0, rows=400)
    ratio = density_ratio(one, other)
    assert ratio.clipped > 100
    assert ratio.effective <= len(one)


def test_weighting_mends_a_boundary_that_bends():
    """The classes are parted by a line that turns on the way from source to target: a straight
    classifier fits where most of its rows lie, and weights move these to the target.
    """
    random = np.random.default_rng(0)

    def draw(rows, centre):
        features = random.normal((centre, 0), (1.0, 1.0), (rows, 2))
        labels = (features[:, 1] > 1.2 * np.abs(features[:, 0] - 0.3) - 0.5).astype(int)
        return features.astype(np.float32), labels

    source, labels = draw(2000, -0.8)
    target, truth = draw(1500, 1.2)
    plain = LogisticRegression().fit(source, labels)
    ceiling = LogisticRegression().fit(target, truth).score(target, truth)
    weighted = LogisticRegression().fit(
        source, labels, sample_weight=density_ratio(source, target).weights
    )
    fall = ceiling - plain.score(target, truth)
    assert fall > 0.1
    assert weighted.score(target, truth) - plain.score(target, truth) > 0.5 * fall


def test_a_domain_of_other_classes_is_far_away():
    means = class_means()
    one, _ = domain(300, 1, means)
    other, _ = domain(300, 2, -means)
    assert measure_gap(one, other).distance["value"] > 1.0
