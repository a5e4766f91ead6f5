"""Scores against scikit-learn and plain loops; intervals against statsmodels' formulas written out,
and simulation.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from tl_core.evaluate import report
from tl_core.evaluate.scores import intervals, metrics


def sample(seed, rows=200, classes=4, absent=False):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes - absent, rows)
    logits = random.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, probabilities


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("absent", [False, True])
def test_trap_32_scores_agree_with_scikit_learn_also_without_test_rows(seed, absent):
    truth, probabilities = sample(seed, absent=absent)
    predicted = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(truth, predicted, 4)
    assert (matrix == sk.confusion_matrix(truth, predicted, labels=range(4))).all()
    assert metrics.accuracy(matrix) == pytest.approx(sk.accuracy_score(truth, predicted))
    assert metrics.macro_f1(matrix) == pytest.approx(
        sk.f1_score(truth, predicted, average="macro", zero_division=0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert metrics.balanced_accuracy(matrix) == pytest.approx(
            sk.balanced_accuracy_score(truth, predicted)
        )
    assert metrics.mcc(matrix) == pytest.approx(sk.matthews_corrcoef(truth, predicted))
    assert metrics.item_log_loss(truth, probabilities).mean() == pytest.approx(
        sk.log_loss(truth, probabilities, labels=range(4))
    )
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        truth, predicted, labels=range(4), zero_division=0
    )
    np.testing.assert_allclose(metrics.precision(matrix), precision)
    np.testing.assert_allclose(metrics.recall(matrix), recall)
    np.testing.assert_allclose(metrics.f1(matrix), f1)


def test_ece_agrees_with_a_plain_loop():
    truth, probabilities = sample(1)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    total = 0.0
    for number in range(15):
        inside = [i for i in range(len(truth)) if number / 15 < confidence[i] <= (number + 1) / 15]
        if inside:
            total += (
                len(inside)
                / len(truth)
                * abs(np.mean(confidence[inside]) - np.mean(correct[inside]))
            )
    assert metrics.ece(confidence, correct) == pytest.approx(total)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (143, 153, 0.884, 0.964),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_wilson_gives_the_published_numbers(hits, total, low, high):
    assert intervals.wilson(hits, total) == pytest.approx((low, high), abs=6e-4)
    from scipy.stats import binomtest

    reference = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert intervals.wilson(hits, total) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_the_matrix_bootstrap_equals_drawing_rows():
    truth, probabilities = sample(3, rows=120)
    predicted = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(truth, predicted, 4)
    score = intervals.matrix_score(
        matrix, intervals.resampled_matrices(matrix, 0, 4000), metrics.macro_f1
    )
    random, values = np.random.default_rng(1), []
    for _ in range(2000):
        rows = np.concatenate(
            [random.choice(np.flatnonzero(truth == c), (truth == c).sum()) for c in range(4)]
        )
        values.append(sk.f1_score(truth[rows], predicted[rows], average="macro"))
    low, high = np.percentile(values, [2.5, 97.5])
    assert score["low"] == pytest.approx(low, abs=0.012)
    assert score["high"] == pytest.approx(high, abs=0.012)


@pytest.mark.parametrize("rows", [20, 60, 500])
def test_nothing_wrong_so_far_is_no_promise(rows):
    """A perfect matrix gets about the lower end that Wilson gives the same items, not 100 to
    100.
    """
    matrix = np.diag([rows, rows])
    drawn = intervals.resampled_matrices(matrix, 0)
    assert (drawn.sum(axis=2) == rows).all()
    for function in (metrics.balanced_accuracy, metrics.macro_f1):
        score = intervals.matrix_score(matrix, drawn, function)
        assert score["value"] == score["high"] == 1.0
        assert score["low"] == pytest.approx(
            intervals.wilson(2 * rows, 2 * rows)[0], abs=1.2 / rows
        )


def test_bootstrap_draws_keep_class_counts_and_repeat():
    truth = np.array([0] * 5 + [1] * 3 + [2])
    drawn = np.concatenate(intervals.item_draws(truth, 0, 50))
    assert drawn.shape == (50, 9)
    for row in drawn:
        assert np.bincount(truth[row]).tolist() == [5, 3, 1]
    assert (drawn == np.concatenate(intervals.item_draws(truth, 0, 50))).all()


def test_a_calibrated_model_shows_what_is_expected():
    random = np.random.default_rng(0)
    high = random.uniform(0.5, 1.0, 4000)
    probabilities = np.stack([high, 1 - high], axis=1)
    truth = (random.random(4000) > high).astype(int)
    score = intervals.ece_score(truth, probabilities, 0)
    assert score["value"] < 2 * score["expected_if_calibrated"]
    assert (
        intervals.ece_score(1 - truth, probabilities, 0)["value"]
        > 10 * score["expected_if_calibrated"]
    )


def test_every_score_lies_inside_its_interval():
    truth, probabilities = sample(5, rows=30)
    section = report.evaluate_rows(truth, probabilities, list("abcd"), "split")
    for name in ("accuracy", "macro_f1", "balanced_accuracy", "mcc", "log_loss", "ece"):
        part = section[name]
        assert part["low"] <= part["value"] <= part["high"], name
        assert part["level"] == 0.95
    assert section["n"] == 30
    assert [row["support"] for row in section["per_class"]] == np.bincount(
        truth, minlength=4
    ).tolist()


def test_the_headline_is_plain_words():
    section = {"accuracy": intervals.proportion(143, 153)}
    rival = {
        "majority": {"test": {"accuracy": {"value": 0.54}}},
        "pixels": {"test": {"accuracy": {"value": 0.71}}},
    }
    assert (
        report.headline(section, "image", rival, is_baseline=False)
        == "Right 93 times in 100 on photos it had not seen; between 88 and 96 is plausible."
        " Without transfer: 71."
    )
    rival.pop("pixels")  # the commonest class alone is no training without transfer
    assert report.headline(section, "image", rival, is_baseline=False).endswith(
        "Always predicting the commonest class: 54."
    )
    assert (
        report.closed_headline(section, "image", rival).count("commonest") == 0
    )  # told on other items
    rival["pixels"] = {"validation": {"accuracy": {"value": 0.7}}}
    alone = report.closed_headline(section, "image", rival)
    assert alone.startswith("Right 93 times in 100 on validation photos;")
    assert alone.endswith("Without transfer: 70. The test score is still closed.")
    crossed = report.closed_headline({**section, "kind": "cv"}, "image", rival)
    assert crossed.startswith("Right 93 times in 100 on photos in a cross-validation;")
    assert "Without transfer on the validation photos alone: 70." in crossed


def test_trap_27_evaluate_metrics_work_offline(monkeypatch):
    import socket

    def refuse(*_args, **_kwargs):
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tl_core.evaluate.scores import hf_metrics

    truth, probabilities = sample(2)
    predicted = probabilities.argmax(axis=1)
    for kind, name, reference in (
        (hf_metrics.Accuracy, "accuracy", sk.accuracy_score(truth, predicted)),
        (hf_metrics.MacroF1, "macro_f1", sk.f1_score(truth, predicted, average="macro")),
        (
            hf_metrics.BalancedAccuracy,
            "balanced_accuracy",
            sk.balanced_accuracy_score(truth, predicted),
        ),
        (hf_metrics.Mcc, "mcc", sk.matthews_corrcoef(truth, predicted)),
    ):
        assert kind().compute(predictions=predicted, references=truth)[name] == pytest.approx(
            reference
        )


@pytest.mark.parametrize(
    ("shares", "rows"),
    [
        ((0.97, 0.95, 0.99, 0.9), (30, 30, 30, 30)),
        ((0.5, 0.6, 0.7, 0.4), (30, 50, 20, 90)),
        ((1.0, 1.0, 0.999, 0.99), (60, 60, 60, 60)),
    ],
)
def test_the_interval_of_a_mean_of_proportions_holds_the_truth_as_often_as_it_says(shares, rows):
    """A bootstrap of the items holds it 48 times in 100 in the last case."""
    random, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        hits = random.binomial(rows, shares)
        pairs = zip(hits, rows, strict=True)
        found = intervals.mean_of([intervals.proportion(int(hit), n) for hit, n in pairs])
        inside += found["low"] <= np.mean(shares) <= found["high"]
    assert 920 <= inside <= 975


def test_the_mean_of_one_proportion_is_that_proportion():
    one = intervals.proportion(17, 20)
    found = intervals.mean_of([one])
    assert [found[key] for key in ("value", "low", "high")] == pytest.approx(
        [one[key] for key in ("value", "low", "high")]
    )
    whole = intervals.mean_of([intervals.proportion(64, 64)] * 2)
    assert whole["value"] == 1.0 and 0.9 < whole["low"] < 0.97
