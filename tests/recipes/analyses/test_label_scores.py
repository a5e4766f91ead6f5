"""The honest score of a labelling: its interval holds the truth where a score on picked rows is far
off, and what choosing brought is measured on the same rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from tl_core.labelling import choosing, draw
from tl_core.recipes.analyses.label_scores import Labels, gain_over_random, honest_score
from tl_core.tasks import MULTI_LABEL, decision_of
from tl_core.train.probe.logistic import Head

ROWS, ROUNDS, BATCH = 800, 8, 10
SEVERAL = decision_of(MULTI_LABEL.name)
HEAD = Head(None, True, 2, 0, 1.0)


def world(seed):
    """Two overlapping classes in two of three columns, 90 % of the rows far from the border."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, ROWS)
    far = np.where(random.random(ROWS) < 0.7, 2.5, 0.4)
    points = np.stack(
        [
            far * (2 * labels - 1) + random.normal(0, 1, ROWS),
            random.normal(0, 1, ROWS),
            random.normal(0, 1, ROWS),
        ],
        axis=1,
    )
    return points.astype(np.float32), labels.astype(np.int64)


def labelled(seed, batch=BATCH, rounds=ROUNDS):
    """A labelling by the margin with a fifth drawn at random, and all true classes."""
    points, truth = world(seed)
    rows = np.arange(ROWS)
    order, drawn, queue = draw.random_order(rows, seed), 0, list[int]()
    for _ in range(rounds):
        random, drawn = draw.to_draw(order, drawn, {*queue}, 0.2, batch)
        pool = np.setdiff1d(rows, [*queue, *random])
        state = state_of(points, truth, queue, order[:0], seed)
        said = state.judge(state.queue, pool, HEAD) if queue else np.full((len(pool), 2), 0.5)
        picked = pool[choosing.margin(said, batch - len(random))]
        both = np.concatenate([picked, random])
        queue += both[draw.mixed_in(picked, random)].tolist()
    return points, truth, state_of(points, truth, queue, order[:drawn], seed)


def state_of(points, truth, queue, sample, seed, groups=None):
    labels = np.full(ROWS, -1)
    labels[queue] = truth[queue]
    return Labels(
        points,
        np.arange(ROWS) if groups is None else groups,
        labels,
        np.empty(0, dtype=np.int64),
        np.array(queue, dtype=np.int64),
        np.array(sample, dtype=np.int64),
        2,
        seed,
    )


def test_the_interval_holds_the_truth_and_a_score_on_picked_rows_does_not():
    held, gaps, naive = 0, [], []
    for seed in range(20):
        points, truth, state = labelled(seed)
        assert len(state.sample) == 16
        score = honest_score(state, HEAD)
        said = state.judge(state.all, np.arange(ROWS), HEAD).argmax(axis=1)
        true = (said == truth).mean()
        held += score["low"] <= true <= score["high"]
        gaps.append(score["value"] - true)
        # the same cross-validation over the rows that the margin picked
        picked = np.setdiff1d(state.queue, state.sample)
        own = honest_score(state_of(points, truth, state.queue.tolist(), picked, seed), HEAD)
        naive.append(own["value"] - true)
    assert held >= 18  # of 20 intervals of 95 %
    assert abs(np.mean(gaps)) < 0.06  # three standard errors
    assert np.mean(naive) < -0.15


def test_rows_that_judge_are_not_learnt_from_nor_are_their_copies():
    points, truth = world(0)
    random = np.random.default_rng(0)
    noise = random.integers(0, 2, ROWS)  # nothing to learn but by heart
    points = random.normal(size=(ROWS, 40)).astype(np.float32)
    points[400:] = points[:400]
    noise[400:] = noise[:400]
    queue = [*range(60), *range(400, 460)]
    groups = np.tile(np.arange(400), 2)
    apart = state_of(points, noise, queue, queue[:60], 0, groups)
    torn = state_of(points, noise, queue, queue[:60], 0)
    assert honest_score(apart, HEAD)["value"] < 0.7 < 0.8 < honest_score(torn, HEAD)["value"]


def test_the_penalty_is_not_chosen_by_rows_that_judge():
    points, truth, state = labelled(1)
    chosen = state.head().c
    spoilt = state.labels.copy()
    spoilt[state.sample] = 1 - spoilt[state.sample]
    other = Labels(
        points, state.groups, spoilt, state.before, state.queue, state.sample, 2, state.seed
    )
    assert other.head().c == chosen
    few = state_of(points, truth, [0, 1], [], 0)
    assert few.head().c == 1.0


def test_too_few_rows_tell_no_score():
    points, truth, state = labelled(2)
    few = state_of(points, truth, state.queue.tolist(), state.sample[:4], 0)
    assert honest_score(few, HEAD) is None and gain_over_random(few, HEAD, "texts") is None
    one = state_of(points, np.zeros(ROWS, np.int64), state.queue.tolist(), state.sample, 0)
    assert honest_score(one, HEAD) is None and gain_over_random(one, HEAD, "texts") is None


@pytest.mark.parametrize("better", [True, False])
def test_the_gain_compares_as_many_labels_on_the_same_rows(better):
    """Islands of which the queue brings each, or one over and over again, before the others."""
    random = np.random.default_rng(0)
    truth = np.tile(np.arange(8), 100).astype(np.int64)
    points = (3 * np.eye(8)[truth] + 0.3 * random.normal(size=(ROWS, 8))).astype(np.float32)
    order = draw.random_order(np.arange(ROWS), 0)
    sample = order[:15]
    rest = np.setdiff1d(np.arange(ROWS), sample)
    first = rest[:16] if better else rest[np.isin(truth[rest], (0, 1))][:16]
    queue = [*first.tolist(), *sample.tolist()]
    labels = np.full(ROWS, -1)
    labels[queue] = truth[queue]
    nothing = np.empty(0, dtype=np.int64)
    state = Labels(points, np.arange(ROWS), labels, nothing, np.array(queue), sample, 8, 0)
    gain = gain_over_random(state, Head(None, True, 8, 0, 1.0), "texts")
    assert gain["labels"] == 13 and gain["paired"]["n"] == 15
    assert gain["queue"]["value"] - gain["random"]["value"] == pytest.approx(
        gain["paired"]["difference"]["value"]
    )
    assert (gain["queue"]["value"] > gain["random"]["value"]) == better
    assert "random texts" in gain["paired"]["sentence"]


def test_of_several_labels_an_item_is_right_when_all_of_them_are():
    """Against scikit-learn's one-vs-rest, each random row held out with its part."""
    points, truth = world(3)
    second = (points[:, 1] + 0.3 * np.random.default_rng(3).normal(size=ROWS) > 0).astype(np.int64)
    sets = np.stack([truth, second], axis=1)
    rows = np.random.default_rng(0).permutation(ROWS)[:120]
    labels = np.full((ROWS, 2), -1)
    labels[rows] = sets[rows]
    nothing = np.empty(0, dtype=np.int64)
    state = Labels(
        points, np.arange(ROWS), labels, nothing, rows, rows[:20], 2, 0, MULTI_LABEL.name
    )
    head = state.head()
    score = honest_score(state, head, SEVERAL)
    right = []
    part_of = np.random.default_rng(0).permutation(np.arange(20) % 10)
    part_of = part_of[np.searchsorted(np.sort(rows[:20]), rows[:20])]
    scaled = points / points.std()
    for row, part in zip(rows[:20], part_of, strict=True):
        learnt = np.setdiff1d(rows, rows[:20][part_of == part])
        model = OneVsRestClassifier(LogisticRegression(C=head.c, tol=1e-6))
        said = model.fit(scaled[learnt], sets[learnt]).predict(scaled[[row]])
        right.append((said[0] == sets[row]).all())
    assert score["value"] == pytest.approx(np.mean(right), abs=0.05 + 1e-9)
    assert state.has(1) and state.learnt
    gain = gain_over_random(state, head, "texts", SEVERAL)
    assert gain["random"]["value"] <= 1 and gain["paired"]["n"] == 20


def test_thresholds_of_several_labels_are_chosen_by_labels_that_do_not_judge():
    """A rare label is seldom likelier than not: at one half none is ever named."""
    points, _ = world(4)
    random = np.random.default_rng(4)
    rare = (random.random(ROWS) < 1 / (1 + np.exp(2.5 - points[:, 1]))).astype(np.int64)
    sets = np.stack([rare, np.roll(rare, 1)], axis=1)
    rows = random.permutation(ROWS)[:300]
    labels = np.full((ROWS, 2), -1)
    labels[rows] = sets[rows]
    nothing = np.empty(0, dtype=np.int64)

    def state(labels):
        return Labels(
            points, np.arange(ROWS), labels, nothing, rows, rows[:50], 2, 0, MULTI_LABEL.name
        )

    chosen = state(labels).decision()
    assert chosen.thresholds < 0.4
    spoilt = labels.copy()
    spoilt[rows[:50]] = 1 - spoilt[rows[:50]]
    assert state(spoilt).decision().thresholds == chosen.thresholds
    said = state(labels).judge(rows, np.arange(ROWS), state(labels).head())
    f1 = [f1_score(rare, one.labels(said)[:, 0]) for one in (chosen, SEVERAL)]
    assert f1[0] > f1[1] + 0.1
    few = replace(state(labels), queue=rows[:50])
    assert few.decision().thresholds == 0.5


def test_labels_of_one_group_tell_nothing_of_each_other():
    points, truth = world(5)
    rows = np.arange(8)
    labels = np.full((ROWS, 2), -1)
    labels[rows] = np.stack([truth, 1 - truth], axis=1)[rows]
    labels[0] = 1 - labels[1]
    nothing = np.empty(0, dtype=np.int64)
    groups = np.zeros(ROWS, dtype=np.int64)
    state = Labels(points, groups, labels, nothing, rows, rows, 2, 0, MULTI_LABEL.name)
    score = honest_score(state, state.head(), state.decision())
    assert 0 <= score["value"] <= 1
