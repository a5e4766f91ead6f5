"""Maps between domains: against plain formulas, against skada, folded into a head, and on shifts
that they must mend.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from sklearn import config_context
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tests_support.shifted import (
    WIDTH,
    class_means,
    domain,
    mixed,
    rotation,
    scaled_and_moved,
)

from tl_core.adapt.affine import AffineMap
from tl_core.adapt.alignments import coral, standardise, subspace

MEANS = class_means()
SHIFTS = {"scaled and moved": scaled_and_moved, "mixed": mixed}


@pytest.fixture
def pair():
    source, _ = domain(200, 1, MEANS)
    target, _ = domain(170, 2, MEANS)
    return source, mixed(target)


def test_standardising_is_a_scaler_for_each_domain(pair):
    maps = standardise(*pair)
    for features, apply in zip(pair, (maps.source, maps.target), strict=True):
        expected = StandardScaler().fit_transform(features.astype(np.float64))
        np.testing.assert_allclose(apply(features), expected, atol=1e-5)


def test_a_column_without_spread_is_not_blown_up():
    features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    features[:, 2] = 7.0
    assert np.abs(standardise(features, features).source(features)[:, 2]).max() < 1e-4


def test_coral_is_whitening_and_recolouring(pair):
    source, target = (part.astype(np.float64) for part in pair)
    of_source, of_target = (LedoitWolf().fit(part).covariance_ for part in (source, target))
    matrix = fractional_matrix_power(of_source, -0.5) @ fractional_matrix_power(of_target, 0.5)
    expected = (source - source.mean(axis=0)) @ matrix + target.mean(axis=0)
    maps = coral(*pair)
    np.testing.assert_allclose(maps.source(pair[0]), expected, atol=1e-3)
    np.testing.assert_array_equal(maps.target(pair[1]), pair[1])


def test_coral_gives_the_source_the_targets_moments():
    source, _ = domain(20_000, 1, MEANS)
    target = mixed(domain(20_000, 2, MEANS)[0])
    mapped = coral(source, target).source(source)
    np.testing.assert_allclose(mapped.mean(axis=0), target.mean(axis=0), atol=1e-2)
    gap = np.cov(mapped.T) - np.cov(target.T)
    assert np.linalg.norm(gap) < 0.02 * np.linalg.norm(np.cov(target.T))


def test_coral_with_fewer_rows_than_columns_stays_finite():
    random = np.random.default_rng(0)
    source, target = (random.normal(size=(rows, 60)).astype(np.float32) for rows in (20, 25))
    assert np.isfinite(coral(source, target).source(source)).all()


def test_subspaces_are_those_of_principal_components(pair):
    source, target = (part.astype(np.float64) for part in pair)
    first, second = PCA(5).fit(source), PCA(5).fit(target)
    turn = first.components_ @ second.components_.T
    maps = subspace(*pair, dimensions=5)
    signs = np.sign((maps.target.matrix.T * second.components_).sum(axis=1))
    np.testing.assert_allclose(
        maps.source(pair[0]) * signs, first.transform(source) @ turn, atol=1e-3
    )
    np.testing.assert_allclose(maps.target(pair[1]) * signs, second.transform(target), atol=1e-3)


def test_a_subspace_keeps_the_variance_that_it_promises(pair):
    kept = subspace(*pair).source.matrix.shape[1]
    shares = [np.cumsum(PCA().fit(part).explained_variance_ratio_) for part in pair]
    assert kept == max(int((share < 0.95).sum()) + 1 for share in shares)


@pytest.mark.parametrize("make", [standardise, coral, subspace])
def test_a_head_takes_a_map_in_exactly(pair, make):
    random = np.random.default_rng(3)
    for apply in (make(*pair).source, make(*pair).target):
        width = len(apply.offset)
        weight, bias = random.normal(size=(4, width)), random.normal(size=4)
        raw, moved = apply.fold(weight, bias)
        expected = apply(pair[1]).astype(np.float64) @ weight.T + bias
        np.testing.assert_allclose(pair[1] @ raw.T + moved, expected, atol=2e-4)


def test_the_identity_changes_nothing(pair):
    apply = AffineMap.identity(WIDTH)
    np.testing.assert_array_equal(apply(pair[0]), pair[0])


def accuracy(source, labels, target, truth, maps=None):
    """Of a classifier that learns on the source and is asked about the target."""
    read = (maps.source(source), maps.target(target)) if maps else (source, target)
    model = LogisticRegression(max_iter=2000).fit(read[0], labels)
    return model.score(read[1], truth)


@pytest.mark.parametrize(
    ("shift", "make"),
    [("scaled and moved", standardise), ("scaled and moved", coral), ("mixed", coral)],
)
def test_a_known_shift_costs_ten_points_and_half_of_that_comes_back(shift, make):
    source, labels = domain(600, 1, MEANS)
    before, truth = domain(600, 2, MEANS)
    target = SHIFTS[shift](before)
    without = accuracy(source, labels, before, truth)
    shifted = accuracy(source, labels, target, truth)
    adapted = accuracy(source, labels, target, truth, make(source, target))
    assert without - shifted > 0.1
    assert adapted - shifted > 0.5 * (without - shifted)


def test_a_turned_subspace_is_turned_back():
    """Few directions hold everything that varies; the target has them elsewhere."""
    random = np.random.default_rng(0)
    spreads = np.array([6.0, 4.0, 2.5] + [0.05] * (WIDTH - 3))
    means = np.zeros((2, WIDTH))
    means[0, :3], means[1, :3] = (5, 3, 2), (-5, -3, -2)
    labels, truth = (random.integers(0, 2, 500) for _ in range(2))
    source, before = (
        (means[some] + 0.4 * spreads * random.normal(size=(500, WIDTH))).astype(np.float32)
        for some in (labels, truth)
    )
    target = (before @ rotation(4, 1.5)).astype(np.float32)
    shifted = accuracy(source, labels, target, truth)
    adapted = accuracy(source, labels, target, truth, subspace(source, target, 1))
    without = accuracy(source, labels, before, truth)
    assert without - shifted > 0.1
    assert adapted - shifted > 0.5 * (without - shifted)


@pytest.fixture
def skada_maps():
    """`skada_maps(name, source, target, ...)`: rows of both domains as an independent
    implementation maps them. It switches scikit-learn's routing on for the whole process, which
    ends with the test.
    """
    with config_context():
        import skada

        def mapped(name, source, target, **options):
            rows = np.concatenate([source, target]).astype(np.float64)
            domains = np.repeat([1, -2], [len(source), len(target)])
            adapter = getattr(skada, name)(**options).fit(rows, sample_domain=domains)
            theirs = adapter.transform(rows, sample_domain=domains, allow_source=True)
            return theirs[: len(source)], theirs[len(source) :]

        yield mapped


def test_a_subspace_is_that_of_skada(pair, skada_maps):
    maps = subspace(*pair, dimensions=5)
    ours = [maps.source(pair[0]), maps.target(pair[1])]
    theirs = skada_maps("SubspaceAlignmentAdapter", *pair, n_components=5)
    # axes may point the other way; products of rows do not care
    for first, second in ((0, 0), (0, 1), (1, 1)):
        np.testing.assert_allclose(
            ours[first] @ ours[second].T, theirs[first] @ theirs[second].T, atol=1e-3
        )


def test_correlations_are_aligned_as_by_skada(skada_maps):
    """There the target is centred, too, and covariances are shrunk on columns of one spread, which
    makes no difference with many rows.
    """
    source, target = domain(5000, 1, MEANS)[0], mixed(domain(5000, 2, MEANS)[0])
    theirs, centred = skada_maps("CORALAdapter", source, target)
    ours = coral(source, target).source(source) - target.mean(axis=0)
    np.testing.assert_allclose(centred, target - target.mean(axis=0), atol=1e-4)
    assert np.abs(ours - theirs).max() < 0.02 * ours.std()


@pytest.mark.parametrize("rows", [1, 5])
def test_items_that_are_all_alike_have_a_subspace_of_one_axis(rows):
    source = np.random.default_rng(0).normal(size=(30, WIDTH)).astype(np.float32)
    found = subspace(source, np.ones((rows, WIDTH), np.float32))
    assert found.source(source).shape == (30, 1)
    assert np.allclose(found.target(np.ones((rows, WIDTH), np.float32)), 0)
