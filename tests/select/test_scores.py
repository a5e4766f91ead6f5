"""LogME, H-score and neighbours against formulas written differently, in dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from tl_core.select.scores import h_score, leep, logme, nce, nearest_answers


def cases():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 90)
    noise = random.normal(size=(90, 12))
    digits = load_digits()
    return {
        "random": (noise, labels),
        "separable": (noise + 2 * np.eye(12)[labels], labels),
        "wide": (np.hstack([noise, random.normal(size=(90, 140))]) + np.eye(152)[labels], labels),
        "digits": (digits.data[:300] / 16, digits.target[:300]),
    }


def dense_evidence(x, y):
    """Largest log evidence over alpha and beta, straight from the Gaussian integral."""
    rows, width = x.shape

    def negative(logs):
        alpha, beta = np.exp(logs)
        a = alpha * np.eye(width) + beta * x.T @ x
        m = beta * np.linalg.solve(a, x.T @ y)
        return (
            -(
                width / 2 * np.log(alpha)
                + rows / 2 * np.log(beta)
                - beta / 2 * ((x @ m - y) ** 2).sum()
                - alpha / 2 * m @ m
                - np.linalg.slogdet(a)[1] / 2
                - rows / 2 * np.log(2 * np.pi)
            )
            / rows
        )

    starts = [
        minimize(
            negative,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 4000},
        )
        for start in ([0.0, 0.0], [3.0, 2.0])
    ]
    return -min(start.fun for start in starts)


@pytest.mark.parametrize("name", cases())
def test_logme_is_the_largest_evidence(name):
    x, labels = cases()[name]
    expected = np.mean(
        [dense_evidence(x, (labels == label).astype(float)) for label in np.unique(labels)]
    )
    assert logme(x, labels) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("name", cases())
def test_the_h_score_is_that_of_the_dense_formula(name):
    x, labels = cases()[name]
    shrunk = LedoitWolf().fit(x)
    expected_of = {label: x[labels == label].mean(axis=0) for label in labels}
    between = np.cov(np.array([expected_of[label] for label in labels]).T, bias=True)
    expected = (1 - shrunk.shrinkage_) * np.trace(np.linalg.pinv(shrunk.covariance_) @ between)
    assert h_score(x, labels) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("score", [logme, h_score])
def test_trap_33_labels_may_be_any_integers(score):
    x, labels = cases()["separable"]
    renamed = np.array([7, -3, 1000, 41])[labels]
    assert score(x, renamed) == pytest.approx(score(x, labels), rel=1e-9)


@pytest.mark.parametrize("score", [logme, h_score])
def test_features_that_separate_score_higher(score):
    known = cases()
    assert score(*known["separable"]) > score(*known["random"])


def test_neighbours_are_those_of_scikit_learn():
    digits = load_digits()
    x, labels = digits.data[:300], digits.target[:300] * 3 + 1
    parts = np.arange(300) % 5
    folds = [(np.flatnonzero(parts != part), np.flatnonzero(parts == part)) for part in range(5)]
    said = nearest_answers(x, labels, folds)
    for known, held in folds:
        model = KNeighborsClassifier(5, metric="cosine", algorithm="brute").fit(
            x[known], labels[known]
        )
        assert (said[held] == model.predict(x[held])).mean() > 0.98  # ties may be broken otherwise


def source_of(seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 80)
    logits = random.normal(size=(80, 6)) + 2 * np.eye(6)[labels * 2]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels


def test_leep_is_that_of_a_plain_loop():
    source, labels = source_of()
    total = 0.0
    for row in range(80):
        chance = 0.0
        for z in range(6):
            together = sum(source[i, z] for i in range(80) if labels[i] == labels[row]) / 80
            chance += together / (source[:, z].sum() / 80) * source[row, z]
        total += np.log(chance)
    assert leep(source, labels) == pytest.approx(total / 80, rel=1e-12)


def test_nce_is_the_conditional_entropy_of_counted_pairs():
    source, labels = source_of()
    z = source.argmax(axis=1)
    entropy = 0.0
    for value in np.unique(z):
        inside = labels[z == value]
        shares = np.array([(inside == label).mean() for label in np.unique(inside)])
        entropy -= len(inside) / 80 * (shares * np.log(shares)).sum()
    assert nce(source, labels) == pytest.approx(-entropy, rel=1e-12)
    assert nce(source, labels * 100 - 7) == pytest.approx(-entropy, rel=1e-12)
