"""Scores of items with several labels against scikit-learn, and their thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from tl_core.evaluate.report.label_set_sections import evaluate_label_sets
from tl_core.evaluate.scores import set_scores
from tl_core.evaluate.scores.deciding import Wish, choose_thresholds, thresholds_of_others
from tl_core.evaluate.tasks.multi_label_evaluation import MULTI_LABEL_EVALUATION
from tl_core.tasks.multi_label import AnyOfAll

NAMES = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def answered():
    """Truth and probabilities of 400 rows, one label rare, some rows with none."""
    random = np.random.default_rng(0)
    truth = (random.random((400, 4)) < [0.5, 0.3, 0.1, 0.03]).astype(np.int64)
    said = np.clip(0.45 * truth + random.random((400, 4)) * 0.6, 0, 1)
    return truth, np.round(said, 2)  # with ties


def test_scores_are_those_of_scikit_learn(answered):
    truth, said = answered
    found = evaluate_label_sets(truth, said, NAMES, "split", 0, np.array(0.5))
    answers = (said >= 0.5).astype(int)
    for name, average in (
        ("micro_f1", "micro"),
        ("macro_f1", "macro"),
        ("weighted_f1", "weighted"),
    ):
        assert found[name]["value"] == pytest.approx(
            reference.f1_score(truth, answers, average=average, zero_division=0)
        )
    assert found["exact_match"]["value"] == pytest.approx(reference.accuracy_score(truth, answers))
    assert found["accuracy"] == found["exact_match"]
    assert found["hamming_loss"]["value"] == pytest.approx(reference.hamming_loss(truth, answers))
    assert found["map"]["value"] == pytest.approx(
        reference.average_precision_score(truth, said, average="macro")
    )
    assert found["micro_precision"]["value"] == pytest.approx(
        reference.precision_score(truth, answers, average="micro")
    )
    assert found["item_f1"]["value"] == pytest.approx(
        reference.f1_score(truth, answers, average="samples", zero_division=1)
    )
    losses = [reference.log_loss(truth[:, n], said[:, n].clip(1e-7, 1 - 1e-7)) for n in range(4)]
    assert found["log_loss"]["value"] == pytest.approx(np.mean(losses))


def test_each_label_has_its_own_scores(answered):
    truth, said = answered
    thresholds = np.array([0.5, 0.4, 0.6, 0.5])
    found = evaluate_label_sets(truth, said, NAMES, "split", 0, thresholds)
    for number, row in enumerate(found["per_class"]):
        own, answers = truth[:, number], (said[:, number] >= thresholds[number]).astype(int)
        assert row["support"] == own.sum() and row["threshold"] == thresholds[number]
        for name in ("precision", "recall", "f1"):
            score = getattr(reference, f"{name}_score")
            assert row[name]["value"] == pytest.approx(score(own, answers, zero_division=0))
            assert row[name]["low"] <= row[name]["value"] <= row[name]["high"]
        assert row["average_precision"]["value"] == pytest.approx(
            reference.average_precision_score(own, said[:, number])
        )


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Of many samples of one population, about 95 in 100 intervals hold its micro F1."""
    random = np.random.default_rng(1)
    truth = (random.random((20_000, 3)) < 0.3).astype(np.int64)
    answers = np.where(random.random(truth.shape) < 0.8, truth, 1 - truth)
    whole = float(set_scores.Counts.of(truth, answers).micro_f1())
    held = 0
    for seed in range(200):
        rows = random.choice(len(truth), 150, replace=False)
        drawn = set_scores.drawn_counts(truth[rows], answers[rows], seed).micro_f1()
        low, high = np.percentile(drawn, [2.5, 97.5])
        held += low <= whole <= high
    assert 180 <= held <= 199


def test_an_interval_of_a_ranking_holds_the_truth_where_labels_are_rare():
    """Percentiles of bootstrap draws would hold it half as often: drawn twice, a row ranks well."""
    random = np.random.default_rng(2)
    shares = np.geomspace(0.02, 0.3, 5)
    truth = (random.random((100_000, 5)) < shares).astype(np.int64)
    said = 1 / (1 + np.exp(-random.normal(1.3 * truth + np.log(shares))))
    whole = np.nanmean(set_scores.average_precisions(truth, said))
    held = 0
    for seed in range(50):
        rows = random.choice(len(truth), 400, replace=False)
        found = set_scores.mean_average_precision(truth[rows], said[rows], seed)
        assert found["low"] <= found["value"] <= found["high"]
        held += found["low"] <= whole <= found["high"]
    assert held >= 42


def test_company_counts_what_stands_and_what_is_said_together():
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]])
    answers = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]])
    assert set_scores.together(truth)[0].tolist() == [2, 1, 0]
    # b was missed and c named in row 0; a was missed and b named in row 1
    assert set_scores.swapped(truth, answers).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_items_without_labels_are_right_when_nothing_is_named():
    nothing = np.zeros((2, 3), dtype=np.int64)
    said = np.array([[0.1, 0.2, 0.3], [0.1, 0.9, 0.3]])
    assert set_scores.item_f1(nothing, (said >= 0.5).astype(int)).tolist() == [1.0, 0.0]
    assert MULTI_LABEL_EVALUATION.correct(nothing, said).tolist() == [True, False]


def test_thresholds_bring_the_best_f1_there_is(answered):
    truth, said = answered
    chosen = choose_thresholds(truth, said, Wish("f1"))
    for number in range(3):  # the fourth label is too rare for one of its own
        best = max(
            reference.f1_score(truth[:, number], said[:, number] >= at)
            for at in np.unique(said[:, number])
        )
        assert reference.f1_score(
            truth[:, number], said[:, number] >= chosen[number]
        ) == pytest.approx(best)


@pytest.mark.parametrize("what", ["precision", "recall"])
def test_a_wanted_precision_or_recall_is_reached(answered, what):
    truth, said = answered
    chosen = choose_thresholds(truth, said, Wish(what, 0.9))
    score = getattr(reference, f"{what}_score")
    for number in range(3):
        assert score(truth[:, number], said[:, number] >= chosen[number]) >= 0.9


def test_a_rare_label_gets_the_threshold_of_all(answered):
    truth, said = answered
    rare = truth.copy()
    rare[:, 3] = 0
    rare[:2, 3] = 1
    chosen = choose_thresholds(rare, said, Wish("f1"))
    shared = choose_thresholds(rare.reshape(-1, 1), said.reshape(-1, 1), Wish("f1"))
    assert chosen[3] == shared[0]
    assert choose_thresholds(rare[:0], said[:0], Wish()).tolist() == [0.5] * 4
    assert choose_thresholds(truth, said, Wish("half")).tolist() == [0.5] * 4


def test_rows_are_not_judged_by_thresholds_that_they_have_chosen():
    """On pure noise the thresholds of the others bring no more than chance."""
    random = np.random.default_rng(3)
    truth, said = (random.random((60, 1)) < 0.3).astype(np.int64), random.random((60, 1))
    own = AnyOfAll(choose_thresholds(truth, said, Wish()))
    apart = AnyOfAll(thresholds_of_others(truth, said, Wish()))
    assert reference.f1_score(truth, own.labels(said)) > reference.f1_score(
        truth, apart.labels(said)
    )
    changed = said.copy()
    changed[:30] = 0.0  # a row's own probability says nothing about its threshold
    assert apart.thresholds.shape == (60, 1)


def test_each_label_is_cooled_by_itself():
    random = np.random.default_rng(5)
    logits = random.normal(0, 2, (2000, 2))
    truth = (random.random((2000, 2)) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    overstated = 1 / (1 + np.exp(-logits * [4.0, 1.0]))
    cooling = MULTI_LABEL_EVALUATION.cool(truth, overstated)
    assert cooling.temperature[0] == pytest.approx(4.0, rel=0.15)
    assert cooling.temperature[1] == pytest.approx(1.0, rel=0.1)
    mended = MULTI_LABEL_EVALUATION.sharpen(overstated, cooling.temperature)
    assert np.abs(mended - 1 / (1 + np.exp(-logits))).max() < 0.05
