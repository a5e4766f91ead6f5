"""Iterative stratification: rare labels are dealt out first, groups stay whole."""

from __future__ import annotations

import numpy as np

from tl_core.data.stratify import amounts_of, iterative, units_of


def dealt(targets, shares, groups=None, seed=0):
    groups = np.arange(len(targets)) if groups is None else groups
    units, sizes = units_of(groups)
    return iterative(amounts_of(units, targets), sizes, shares, seed)[units]


def test_the_rarest_label_is_dealt_out_first():
    """Worked by hand. Eight rows in halves; label b stands in two of them, label a in four. b is
    rarer: its first row goes where room decides (part 0), the second where b is missing (part 1).
    Then a, of which one is in part 0 by then: the next go to 1, 0, 1 or as room says, two each.
    """
    targets = np.array([[1, 1], [0, 1], [1, 0], [1, 0], [1, 0], [0, 0], [0, 0], [0, 0]])
    for seed in range(20):
        parts = dealt(targets, [0.5, 0.5], seed=seed)
        assert {parts[0], parts[1]} == {0, 1}
        assert np.bincount(parts[targets[:, 0] == 1], minlength=2).tolist() == [2, 2]
        assert np.bincount(parts, minlength=2).tolist() == [4, 4]


def test_every_label_has_its_share_where_chance_would_miss_it():
    random = np.random.default_rng(0)
    rates = np.r_[0.4, 0.2, 0.05, 0.02, 0.01]
    targets = (random.random((2000, 5)) < rates).astype(np.int64)
    shares = [0.7, 0.1, 0.2]
    parts = dealt(targets, shares)
    for part, share in enumerate(shares):
        own = targets[parts == part].sum(axis=0)
        assert np.abs(own - share * targets.sum(axis=0)).max() <= 1.5
        assert abs((parts == part).sum() - share * 2000) <= 25
    missed = [
        np.abs(
            targets[random.permutation(2000)[:400]].sum(axis=0) - 0.2 * targets.sum(axis=0)
        ).max()
        for _ in range(20)
    ]
    assert np.mean(missed) > 5  # what plain draws do


def test_groups_are_never_torn_apart():
    random = np.random.default_rng(1)
    groups = random.integers(0, 60, 500)
    targets = (random.random((500, 3)) < 0.3).astype(np.int64)
    parts = dealt(targets, [0.8, 0.2], groups)
    assert all(len({*parts[groups == group]}) == 1 for group in np.unique(groups))
    assert 60 <= (parts == 1).sum() <= 140


def test_a_label_of_one_row_goes_to_the_large_part():
    targets = np.zeros((10, 1), dtype=np.int64)
    targets[3] = 1
    assert all(dealt(targets, [0.8, 0.2], seed=seed)[3] == 0 for seed in range(10))


def test_the_same_seed_deals_alike_and_nothing_is_nothing():
    targets = np.eye(6, 2, dtype=np.int64)
    assert dealt(targets, [0.5, 0.5]).tolist() == dealt(targets, [0.5, 0.5]).tolist()
    assert len(iterative(np.zeros((0, 2), int), np.zeros(0, int), [0.5, 0.5], 0)) == 0
