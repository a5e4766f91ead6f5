"""Logistic regression of each class against the rest, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from tl_core.train.probe.one_vs_rest import OneVsRest


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 12)).astype(np.float32)
    weights = random.normal(size=(4, 12))
    labels = (features @ weights.T + random.normal(size=(300, 4)) > [0, 1, 2, 4]).astype(np.int64)
    return features, labels


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_it_is_what_scikit_learn_fits_class_by_class(data, c, balanced, intercept):
    features, labels = data
    fitted = OneVsRest(c, balanced=balanced, intercept=intercept).fit(features, labels)
    for number in range(labels.shape[1]):
        wanted = LogisticRegression(
            C=c,
            class_weight="balanced" if balanced else None,
            fit_intercept=intercept,
            tol=1e-8,
            max_iter=5000,
        ).fit(features.astype(np.float64), labels[:, number])
        said = fitted.predict_proba(features)[:, number]
        assert np.abs(said - wanted.predict_proba(features)[:, 1]).max() < 2e-3


def test_sparse_features_and_a_start_change_nothing(data):
    features, labels = data
    plain = OneVsRest(1.0).fit(features, labels)
    sparse = OneVsRest(1.0).fit(csr_matrix(features), labels)
    again = OneVsRest(1.0, start=OneVsRest(0.01).fit(features, labels)).fit(features, labels)
    for other in (sparse, again):
        assert np.abs(other.coef_ - plain.coef_).max() < 1e-3
    assert (
        np.abs(sparse.predict_proba(csr_matrix(features)) - plain.predict_proba(features)).max()
        < 1e-3
    )


def test_a_class_of_nobody_or_everybody_is_no_riddle(data):
    features, labels = data
    labels = np.c_[labels, np.zeros(300, dtype=np.int64), np.ones(300, dtype=np.int64)]
    said = OneVsRest(1.0).fit(features, labels).predict_proba(features)
    assert said[:, 4].max() < 1e-9 and said[:, 5].min() > 1 - 1e-9


def test_a_strong_prior_stays(data):
    features, labels = data
    prior = np.full((4, 12), 0.3), np.full(4, -1.0)
    held = OneVsRest(1e-6, prior=prior).fit(features, labels)
    assert np.abs(held.coef_ - 0.3).max() < 0.01 and np.abs(held.intercept_ + 1).max() < 0.01
