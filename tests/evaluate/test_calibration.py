"""Calibration against scikit-learn, SciPy's optimiser and plain loops; conformal coverage by
simulation.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from tl_core.evaluate.scores import calibration, metrics


def sample(seed, rows=400, classes=4, heat=1.0):
    """Rows whose probabilities are right at heat 1 and overconfident above."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2.0, size=(rows, classes))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([random.choice(classes, p=row) for row in chances])
    return truth, calibration.sharpen(chances, 1 / heat)


def test_bins_hold_the_calibration_error():
    truth, probabilities = sample(0, heat=2.0)
    bins = calibration.reliability(truth, probabilities)
    total = sum(
        part["n"] * abs(part["confidence"] - part["accuracy"]["value"]) for part in bins
    ) / len(truth)
    assert total == pytest.approx(
        metrics.ece(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)
    )
    assert sum(part["n"] for part in bins) == len(truth)


def test_brier_agrees_with_scikit_learn():
    truth, probabilities = sample(1)
    part = calibration.brier_score(truth, probabilities)
    expected = sk.brier_score_loss(truth, probabilities, labels=range(4), scale_by_half=False)
    assert part["value"] == pytest.approx(expected)
    assert part["low"] < part["value"] < part["high"]


@pytest.mark.parametrize("heat", [0.5, 1.0, 3.0])
def test_the_temperature_is_the_one_scipy_finds(heat):
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    truth, probabilities = sample(2, heat=heat)
    logits = np.log(probabilities)

    believed = np.full(
        probabilities.shape, 1 / (len(truth) + 2) / 3
    )  # Platt's targets, over four classes
    believed[np.arange(len(truth)), truth] = (len(truth) + 1) / (len(truth) + 2)

    def loss(temperature):
        return -(believed * log_softmax(logits / temperature, axis=1)).sum(axis=1).mean()

    expected = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-6}).x
    assert calibration.fit_temperature(truth, probabilities) == pytest.approx(expected, rel=1e-3)


def test_a_temperature_is_kept_only_if_it_helps_and_never_changes_an_answer():
    truth, hot = sample(3, heat=3.0)
    chosen = calibration.choose_temperature(truth, hot)
    assert chosen["temperature"] == pytest.approx(3.0, rel=0.25)
    assert chosen["log_loss_after"] < chosen["log_loss_before"]
    cooled = calibration.sharpen(hot, chosen["temperature"])
    assert (cooled.argmax(axis=1) == hot.argmax(axis=1)).all()
    kept = [
        calibration.choose_temperature(*sample(seed, rows=60))["temperature"] for seed in range(40)
    ]
    assert (
        np.mean(np.array(kept) == 1.0) > 0.5
    )  # rows that are calibrated mostly keep what they have


def test_a_class_outside_the_model_keeps_probability_zero():
    sharpened = calibration.sharpen(np.array([[0.7, 0.3, 0.0]]), 2.0)
    assert sharpened[0, 2] == 0.0
    assert sharpened.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("sure", [0.8, 0.999999])
def test_rows_that_are_always_right_are_believed_as_often_as_their_number_says(sure):
    """Of 40 right ones the rule of succession expects the next to be right 41 times in 42, however
    sure it was.
    """
    truth = np.arange(40) % 2
    probabilities = np.where(np.eye(2)[truth] == 1, sure, 1 - sure)
    chosen = calibration.choose_temperature(truth, probabilities)
    assert calibration.sharpen(probabilities, chosen["temperature"]).max() == pytest.approx(
        41 / 42, abs=1e-3
    )


def test_what_was_learnt_by_heart_does_not_win_by_being_sure():
    """Two models that are right on the same 30 rows lose as little, though one of them is a
    thousand times as sure.
    """
    truth = np.arange(30) % 3
    losses = []
    for sure in (0.99, 0.99999):
        probabilities = np.where(np.eye(3)[truth] == 1, sure, (1 - sure) / 2)
        cooled = calibration.sharpen(
            probabilities, calibration.fit_temperature(truth, probabilities)
        )
        losses.append(metrics.item_log_loss(truth, cooled).mean())
    assert losses[0] == pytest.approx(losses[1], abs=1e-4) and losses[0] > 0.02


def test_the_coverage_curve_is_a_plain_loop():
    truth, probabilities = sample(4, rows=120)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    for point in calibration.coverage_curve(truth, probabilities):
        answered = [i for i in range(120) if confidence[i] >= point["threshold"]]
        assert point["answered"] == len(answered)
        assert point["accuracy"] == pytest.approx(np.mean(right[answered]))


def test_conformal_sets_keep_their_promise_on_average():
    covered = []
    for seed in range(150):
        truth, probabilities = sample(seed, rows=300, heat=2.0)
        parts = calibration.conformal_sets(
            (truth[:150], probabilities[:150]), (truth[150:], probabilities[150:])
        )
        covered.append([part["covered"]["value"] for part in parts])
    assert np.mean(covered, axis=0) == pytest.approx([0.9, 0.95], abs=0.012)


def test_too_few_rows_promise_nothing_but_everything():
    truth, probabilities = sample(5, rows=5)
    assert calibration.conformal_level(truth, probabilities, 0.95) == 1.0
