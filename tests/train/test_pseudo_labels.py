"""Self-training on features: who gets a pseudo-label, and that learning from them helps where it
must.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

from tl_core.config import ProbeSettings
from tl_core.progress import Progress
from tl_core.train.probe.linear_probe import fit_probe
from tl_core.train.probe.probing import ProbeTask
from tl_core.train.unlabelled.pseudo_labels import Trust, self_train, trusted

SEPARATION, WIDTH = 1.7, 20


def test_only_sure_answers_and_the_likeliest_class():
    said = np.array([[0.95, 0.05], [0.6, 0.4], [0.08, 0.92], [0.9, 0.1]])
    places, labels = trusted(said, np.array([0.5, 0.5]), 0.9, balanced=False)
    assert places.tolist() == [0, 2, 3] and labels.tolist() == [0, 1, 0]


def test_no_class_gets_more_than_its_share_and_the_surest_ones_first():
    """Six rows are sure, five of them of class 0; its share of six is three."""
    sure = [0.91, 0.99, 0.95, 0.97, 0.92]
    said = np.array([[p, 1 - p] for p in sure] + [[0.05, 0.95], [0.5, 0.5]])
    places, labels = trusted(said, np.array([0.5, 0.5]), 0.9, balanced=True)
    assert places.tolist() == [1, 2, 3, 5] and labels.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("balanced", (True, False))
def test_nobody_is_sure(balanced):
    said = np.full((4, 3), 1 / 3)
    places, labels = trusted(said, np.full(3, 1 / 3), 0.9, balanced=balanced)
    assert not len(places) and not len(labels)


def drawn(random, rows):
    """Two clouds in twenty dimensions, apart along the first."""
    labels = random.integers(0, 2, rows)
    features = random.normal(size=(rows, WIDTH))
    features[:, 0] += np.where(labels, SEPARATION, -SEPARATION)
    return features.astype(np.float32), labels


def world(seed, each=4, open_rows=600):
    """A task with a few labels a class, its features, and test rows."""
    random = np.random.default_rng(seed)
    labelled, labels = drawn(random, 400)
    some = np.concatenate([np.flatnonzero(labels == k)[:each] for k in (0, 1)])
    others, _ = drawn(random, open_rows)
    rows = {
        "train": np.arange(len(some)),
        "validation": np.zeros(0, np.int64),
        "unlabelled": np.arange(len(some), len(some) + open_rows),
    }
    count = len(some) + open_rows
    version = SimpleNamespace(
        info=SimpleNamespace(task="single_label"),
        folds=np.full(count, -1),
        groups=np.arange(count),
    )
    backbone = SimpleNamespace(port=SimpleNamespace(has_bias=True))
    every = np.full(count, -1)
    every[: len(some)] = labels[some]
    task = ProbeTask(ProbeSettings(seed=seed), version, rows, backbone, None, every, 2)
    features = {"train": labelled[some], "validation": labelled[:0], "unlabelled": others}
    return task, features, drawn(random, 3000)


def plain_of(task, features):
    return fit_probe(
        (features["train"], task.labels[task.rows["train"]]),
        (features["validation"], task.labels[:0]),
        task.version.groups[task.learnt],
        task.search,
        Progress(),
    )


def right(fit, test):
    features, labels = test
    return float(((features @ fit.weight[0] + fit.bias[0] > 0) == labels).mean())


def test_it_regains_half_of_what_few_labels_lose():
    """Four labels a class against the best that any classifier of these clouds can do."""
    ceiling = norm.cdf(SEPARATION)
    scores = []
    for seed in range(3):
        task, features, test = world(seed)
        plain = plain_of(task, features)
        taught = self_train(task, features, plain, Trust(0.8, 10, balanced=True), Progress())
        scores.append((right(plain, test), right(taught.fit, test)))
    before, after = np.mean(scores, axis=0)
    assert ceiling - before > 0.05, scores
    assert after - before >= (ceiling - before) / 2, scores


def test_the_first_round_is_the_plain_probe_and_nothing_worse_is_kept():
    """Rows without a class that are noise: what is kept is never behind on the held-out rows."""
    task, features, _ = world(1)
    features["unlabelled"] = np.random.default_rng(0).normal(size=(500, WIDTH)).astype(np.float32)
    plain = plain_of(task, features)
    taught = self_train(task, features, plain, Trust(0.6, 6, balanced=True), Progress())
    said = plain.held_out.argmax(axis=1) == task.labels[plain.held_out_rows]
    assert taught.rounds[0].right == said.sum() and taught.rounds[0].labels.sum() == 0
    assert taught.rounds[taught.kept].right >= taught.rounds[0].right
    assert taught.rounds[taught.kept].rank == max(one.rank for one in taught.rounds)


def test_held_out_labels_choose_and_teach_nobody():
    """With all labels of the validation rows wrong, every round learns from the same answers."""
    task, features, _ = world(2, each=40)
    parts = {"train": slice(0, None, 4), "validation": slice(1, None, 2)}
    rows = {**task.rows, **{split: task.rows["train"][part] for split, part in parts.items()}}
    task = replace(task, settings=ProbeSettings(selection="validation"), rows=rows)
    features |= {split: features["train"][part] for split, part in parts.items()}
    plain = fit_probe(
        (features["train"], task.labels[rows["train"]]),
        (features["validation"], task.labels[rows["validation"]]),
        task.version.groups[task.learnt],
        task.search,
        Progress(),
    )
    wrong = np.array(task.labels)
    wrong[rows["validation"]] = 1 - wrong[rows["validation"]]
    trust = Trust(0.8, 4, balanced=True)
    taught, poisoned = (
        self_train(one, features, plain, trust, Progress())
        for one in (task, replace(task, labels=wrong))
    )
    assert len(taught.rounds) == len(poisoned.rounds) > 1
    for one, other in zip(taught.rounds, poisoned.rounds, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert one.right == one.judged - other.right


def test_the_same_seed_gives_the_same_head():
    fits = []
    for _ in range(2):
        task, features, _ = world(3)
        plain = plain_of(task, features)
        fits.append(self_train(task, features, plain, Trust(0.8, 5, balanced=True), Progress()).fit)
    assert np.array_equal(fits[0].weight, fits[1].weight)
    assert np.array_equal(fits[0].held_out, fits[1].held_out)


def test_it_agrees_with_a_plain_loop():
    """Without balance, against scikit-learn's own fits for one round."""
    from sklearn.linear_model import LogisticRegression

    task, features, test = world(4)
    plain = plain_of(task, features)
    taught = self_train(task, features, plain, Trust(0.8, 1, balanced=False), Progress())
    labels = task.labels[task.rows["train"]]
    shift = features["train"].mean(dtype=np.float64)
    scale = features["train"].std(dtype=np.float64)
    own, others = ((features[k] - shift) / scale for k in ("train", "unlabelled"))
    first = LogisticRegression(C=plain.c, tol=1e-8, max_iter=1000).fit(own, labels)
    said = first.predict_proba(others)
    sure = said.max(axis=1) >= 0.8
    second = LogisticRegression(C=plain.c, tol=1e-8, max_iter=1000).fit(
        np.concatenate([own, others[sure]]), np.concatenate([labels, said[sure].argmax(axis=1)])
    )
    assert taught.kept == 1 and taught.rounds[1].labels.sum() == sure.sum()
    expected = second.predict((test[0] - shift) / scale)
    ours = (test[0] @ taught.fit.weight[0] + taught.fit.bias[0] > 0).astype(int)
    assert (ours == expected).mean() > 0.99
