"""Each strategy against a plain loop, and on data that it is made for, where it must win."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from tl_core.labelling import choosing
from tl_core.labelling.bulk import alike
from tl_core.tasks import MULTI_LABEL, decision_of

SEVERAL = decision_of(MULTI_LABEL.name)


def some(rows=60, width=5, classes=4, seed=0):
    random = np.random.default_rng(seed)
    return (
        random.normal(size=(rows, width)).astype(np.float32),
        random.dirichlet(np.ones(classes) * 0.7, size=rows),
    )


def test_margin_entropy_and_class_are_those_of_a_plain_loop():
    _, said = some()
    gaps = [sorted(row)[-1] - sorted(row)[-2] for row in said.tolist()]
    assert choosing.margin(said, 7).tolist() == sorted(range(60), key=lambda row: gaps[row])[:7]
    open_ones = stats.entropy(said, axis=1)
    assert choosing.entropy(said, 7).tolist() == np.argsort(-open_ones)[:7].tolist()
    assert choosing.wanted(said, 2, 5).tolist() == np.argsort(-said[:, 2])[:5].tolist()
    assert len(choosing.margin(said, 100)) == 60


def test_diversity_is_kmeans_plus_plus_on_gradients_that_are_written_down():
    features, said = some()
    gradients = []
    for row, shares in zip(features.astype(np.float64), said, strict=True):
        slope = shares.copy()
        slope[shares.argmax()] -= 1
        gradients.append(np.outer(slope, row).ravel())
    gradients = np.array(gradients)
    random = np.random.default_rng(3)
    picked = [int(np.linalg.norm(gradients, axis=1).argmax())]
    while len(picked) < 8:
        squared = np.array(
            [min(((one - gradients[other]) ** 2).sum() for other in picked) for one in gradients]
        )
        picked.append(int(random.choice(60, p=squared / squared.sum())))
    assert choosing.diversity(features, said, 8, seed=3).tolist() == picked
    copies = np.repeat(features[:2], 3, axis=0)
    every = choosing.diversity(copies, np.repeat(said[:2], 3, axis=0), 9, seed=0)
    assert sorted(every.tolist()) == list(range(6))


def test_of_several_classes_each_yes_and_no_is_asked():
    """BinMin, the sum of binary entropies, and gradients of one logistic loss a class."""
    features, _ = some()
    said = np.random.default_rng(1).uniform(size=(60, 4))
    gaps = [min(abs(share - 0.5) for share in row) for row in said.tolist()]
    nearest = sorted(range(60), key=lambda row: gaps[row])[:7]
    assert choosing.margin(said, 7, SEVERAL).tolist() == nearest
    open_ones = [sum(stats.entropy([share, 1 - share]) for share in row) for row in said]
    widest = np.argsort(-np.array(open_ones))[:7].tolist()
    assert choosing.entropy(said, 7, SEVERAL).tolist() == widest
    slopes = said - (said >= 0.5)
    gradients = (slopes[:, :, None] * features[:, None].astype(float)).reshape(60, -1)
    first = int(np.linalg.norm(gradients, axis=1).argmax())
    picked = choosing.diversity(features, said, 8, 3, SEVERAL).tolist()
    random = np.random.default_rng(3)
    expected = [first]
    while len(expected) < 8:
        squared = np.array(
            [min(((one - gradients[other]) ** 2).sum() for other in expected) for one in gradients]
        )
        expected.append(int(random.choice(60, p=squared / squared.sum())))
    assert picked == expected


def test_a_group_is_given_the_set_of_classes_that_most_of_it_has():
    points, kinds = islands([30, 20], seed=2)
    said = np.where(kinds[:, None] == 0, [0.9, 0.8, 0.1], [0.2, 0.1, 0.3])
    said[0] = [0.1, 0.1, 0.9]
    _, groups = alike(points, said, 0, SEVERAL)
    known = {tuple(one.said.tolist()) for one in groups}
    assert known == {(1, 1, 0), (0, 0, 0)}
    first = next(one for one in groups if 0 in one.places)
    assert first.agreement == pytest.approx(1 - 1 / len(first.places))


def test_typicality_is_that_of_a_plain_loop():
    features, _ = some(rows=50)
    expected = []
    for row in features:
        far = sorted(np.linalg.norm(features - row, axis=1))[1:21]
        expected.append(1 / np.mean(far))
    assert choosing.typicality(features) == pytest.approx(np.array(expected), rel=1e-4)


def islands(sizes, width=16, seed=0, spread=0.25):
    """Rows around far-apart centres: features, and the number of the island of each."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(len(sizes), width)) * 1.0
    labels = np.repeat(np.arange(len(sizes)), sizes)
    points = centres[labels] + spread * random.normal(size=(len(labels), width))
    return points.astype(np.float32), labels


def accuracy(points, labels, rows):
    if len(np.unique(labels[rows])) < 2:
        return (labels == labels[rows[0]]).mean()
    fitted = LogisticRegression().fit(points[rows], labels[rows])
    return fitted.score(points, labels)


def test_typical_rows_beat_random_ones_where_there_are_clusters_and_few_labels():
    gained = []
    for seed in range(5):
        points, labels = islands([40] * 12, seed=seed)
        chosen = choosing.typical(points, np.zeros(len(points), bool), 12, seed)
        drawn = np.random.default_rng(seed).choice(len(points), 12, replace=False)
        gained.append([accuracy(points, labels, rows) for rows in (chosen, drawn)])
    typical, random = np.mean(gained, axis=0)
    assert typical > random + 0.15 and typical > 0.9


def test_typical_rows_lie_where_nobody_has_labelled_yet_the_largest_first():
    points, labels = islands([80, 60, 40, 20])
    labelled = np.arange(200) == 7
    chosen = choosing.typical(points, labelled, 3, 0)
    assert labels[chosen].tolist() == [1, 2, 3]
    far = points - np.array([points[labels == label].mean(axis=0) for label in labels])
    middle = np.linalg.norm(far, axis=1)
    for row in chosen:
        assert middle[row] < np.median(middle[labels == labels[row]])
    everything = choosing.typical(points, labelled, 500, 0)
    assert sorted(everything.tolist()) == np.flatnonzero(~labelled).tolist()
    assert not len(choosing.typical(points, np.ones(200, bool), 3, 0))


def easy_and_hard(seed):
    """Nine of ten rows far on either side, the rest between them, where the border lies aside."""
    random = np.random.default_rng(seed)
    place = np.concatenate(
        [random.normal(-4, 0.3, 270), random.normal(2, 0.3, 270), random.uniform(-4, 2, 60)]
    )
    points = np.stack([place, *random.normal(0, 0.3, (3, 600))], axis=1).astype(np.float32)
    return points, (place > 1.0).astype(np.int64)


def test_the_margin_beats_random_rows_where_most_are_easy():
    wrong = []
    for seed in range(5):
        points, labels = easy_and_hard(seed)
        random = np.random.default_rng(seed)
        begun = [0, 1, 270, 271]
        rows, drawn = list(begun), [*begun, *random.choice(np.arange(540), 20, replace=False)]
        drawn[4:] = random.choice(np.setdiff1d(np.arange(600), begun), 20, replace=False)
        while len(rows) < 24:
            fitted = LogisticRegression(C=10).fit(points[rows], labels[rows])
            pool = np.setdiff1d(np.arange(600), rows)
            rows += pool[choosing.margin(fitted.predict_proba(points[pool]), 4)].tolist()
        hard = np.arange(540, 600)
        fits = [LogisticRegression(C=10).fit(points[some], labels[some]) for some in (rows, drawn)]
        wrong.append([(one.predict(points[hard]) != labels[hard]).mean() for one in fits])
    margin, random = np.mean(wrong, axis=0)
    assert random > 0.1 and margin < random / 2


def test_diversity_spreads_a_batch_over_copies_that_the_margin_takes_together():
    random = np.random.default_rng(0)
    points, labels = islands([1] * 40, seed=1)
    copies = np.repeat(np.arange(40), 20)
    features = (points[copies] + 0.001 * random.normal(size=(800, 16))).astype(np.float32)
    said = random.dirichlet(np.ones(3), size=40)[copies]
    margin = {*copies[choosing.margin(said, 20)].tolist()}
    diverse = {*copies[choosing.diversity(features, said, 20, 0)].tolist()}
    assert len(margin) <= 2 and len(diverse) >= 10


def test_a_rare_class_is_found_by_asking_for_it():
    points, labels = islands([390, 10], spread=0.6)
    begun = [0, 1, 2, 3, 390]
    fitted = LogisticRegression().fit(points[begun], labels[begun])
    pool = np.setdiff1d(np.arange(400), begun)
    found = pool[choosing.wanted(fitted.predict_proba(points[pool]), 1, 9)]
    assert labels[found].mean() > 0.6  # where 2 % are of it


def test_clusters_for_bulk_are_alike_and_say_what_most_of_them_are_called():
    points, labels = islands([90, 60, 30])
    said = np.full((180, 3), 0.05)
    said[np.arange(180), labels] = 0.9
    said[:9] = [0.1, 0.8, 0.1]  # a tenth of the largest island is called otherwise
    numbers, groups = alike(points, said, 0)
    assert sorted(np.concatenate([one.places for one in groups]).tolist()) == list(range(180))
    assert [len(one.places) for one in groups] == sorted(
        (len(one.places) for one in groups), reverse=True
    )
    for number, one in enumerate(groups):
        assert (numbers[one.places] == number).all() and len({*labels[one.places]}) == 1
        counts = np.bincount(said[one.places].argmax(1))
        assert (one.said, one.agreement) == (counts.argmax(), counts.max() / len(one.places))
    assert alike(points, None, 0)[1][0].said is None
    assert alike(points[:0], None, 0)[1] == []
