"""Repeated cross-validation against scikit-learn's own, and whole groups."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tl_core.progress import Progress
from tl_core.train.probe.logistic import Head
from tl_core.train.probe.repeated import repeated_folds


def digits(rows=240):
    data = load_digits()
    return data.data[:rows].astype(np.float32), data.target[:rows]


def test_mean_and_spread_are_those_of_scikit_learn():
    x, y = digits()
    groups, head = np.arange(len(y)) // 2, Head(None, True, 10, 7, 0.1)
    accuracy = repeated_folds(x, y, groups, head, folds=4, repeats=3, progress=Progress())
    scores = []
    for number in range(3):
        folds = StratifiedGroupKFold(4, shuffle=True, random_state=8 + number)
        model = make_pipeline(
            FunctionTransformer(lambda part: (part - x.mean()) / x.std()),
            LogisticRegression(C=0.1, max_iter=2000, tol=1e-6),
        )
        scores.append((cross_val_predict(model, x, y, groups=groups, cv=folds) == y).mean())
    assert accuracy["mean"] == pytest.approx(np.mean(scores), abs=0.003)
    assert accuracy["deviation"] == pytest.approx(np.std(scores, ddof=1), abs=0.003)
    assert [accuracy["low"], accuracy["high"]] == pytest.approx(
        [min(scores), max(scores)], abs=0.005
    )
    assert (accuracy["rows"], accuracy["repeats"], accuracy["folds"]) == (240, 3, 4)


def test_more_columns_than_rows_give_the_same_answers():
    """Digits stretched into 300 columns by a random rotation keep their inner products, and so
    their score.
    """
    x, y = digits(120)
    wide = (x - x.mean()) @ np.linalg.qr(np.random.default_rng(0).normal(size=(300, 64)))[0].T
    narrow, stretched = (
        repeated_folds(
            part,
            y,
            np.arange(len(y)),
            Head(None, False, 10, 0, c),
            folds=4,
            repeats=2,
            progress=Progress(),
        )
        for part, c in ((x - x.mean(), 0.1), (wide, 0.1 * 64 / 300))
    )  # scaled by their own spread
    assert stretched["mean"] == pytest.approx(narrow["mean"], abs=0.009)


def test_copies_in_one_group_never_help_each_other():
    """Labels are random and each row comes twice: torn apart, the copies would make every answer
    right.
    """
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(60, 50)).astype(np.float32), random.integers(0, 2, 60)
    twice, groups = np.repeat(features, 2, axis=0), np.repeat(np.arange(60), 2)
    head = Head(None, True, 2, 0, 10.0)
    kept, torn = (
        repeated_folds(
            twice, np.repeat(labels, 2), some, head, folds=5, repeats=2, progress=Progress()
        )
        for some in (groups, np.arange(120))
    )
    assert kept["mean"] < 0.7 < 0.85 < torn["mean"]
