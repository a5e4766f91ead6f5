"""Confident learning: the paper's definition as a plain loop, and planted wrong labels found on
real features.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from tl_core.evaluate.label_issues import estimate_joint, find_suspects


def plain(labels, probabilities):
    """The definition, row by row: confident counts, scaled, and that many of the largest
    margins.
    """
    classes = probabilities.shape[1]
    thresholds = [
        np.mean([p[j] for p, y in zip(probabilities, labels, strict=True) if y == j])
        for j in range(classes)
    ]
    counts = np.zeros((classes, classes))
    for p, y in zip(probabilities, labels, strict=True):
        sure = [j for j in range(classes) if p[j] >= thresholds[j]]
        if sure:
            counts[y, max(sure, key=lambda j: p[j])] += 1
    suggested = {}
    for i in range(classes):
        gaps = {
            row: max(
                (probabilities[row][j] - probabilities[row][i], j) for j in range(classes) if j != i
            )
            for row, y in enumerate(labels)
            if y == i
        }
        wrong = (counts[i].sum() - counts[i, i]) / counts[i].sum() * len(gaps)
        for row in sorted(gaps, key=lambda r: -gaps[r][0])[: round(wrong)]:
            if gaps[row][0] > 0:
                suggested[row] = gaps[row][1]
    return suggested, counts


def test_the_definition_as_a_plain_loop():
    random = np.random.default_rng(0)
    labels, probabilities = random.integers(0, 3, 120), random.dirichlet(np.ones(3), 120)
    suspects = find_suspects(labels, probabilities)
    expected, counts = plain(labels, probabilities)
    assert dict(zip(suspects.rows.tolist(), suspects.suggested.tolist(), strict=True)) == expected
    assert (np.diff(suspects.margin) <= 0).all()
    assert estimate_joint(labels, probabilities) == pytest.approx(
        counts / counts.sum(axis=1, keepdims=True) * np.bincount(labels)[:, None]
    )


@pytest.fixture(scope="module")
def planted():
    digits = load_digits()
    random = np.random.default_rng(0)
    labels = digits.target.copy()
    wrong = random.choice(len(labels), len(labels) // 20, replace=False)
    labels[wrong] = (labels[wrong] + random.integers(1, 10, len(wrong))) % 10
    probabilities = cross_val_predict(
        LogisticRegression(max_iter=300, C=1.0),
        digits.data / 16,
        labels,
        method="predict_proba",
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    )
    return digits.target, labels, wrong, probabilities


def test_five_per_cent_of_wrong_labels_are_found(planted):
    truth, labels, wrong, probabilities = planted
    suspects = find_suspects(labels, probabilities)
    hit = np.isin(suspects.rows, wrong)
    assert hit.sum() / len(wrong) >= 0.85  # recall
    assert hit.mean() >= 0.8  # precision
    assert hit[: len(wrong) // 2].mean() >= 0.95  # the first half of the list is nearly pure
    assert (suspects.suggested[hit] == truth[suspects.rows[hit]]).mean() >= 0.95
    assert suspects.share == pytest.approx(0.05, abs=0.03)


def test_clean_certain_labels_raise_nothing():
    labels = np.arange(30) % 3
    assert not len(find_suspects(labels, np.eye(3)[labels]).rows)
    assert find_suspects(labels, np.eye(3)[labels]).share == 0.0


def test_a_class_without_rows_is_never_suggested():
    labels = np.zeros(10, dtype=np.int64)
    assert not len(find_suspects(labels, np.full((10, 2), 0.5)).rows)
