"""Orders of a confusion matrix: neighbours are mixed up, and the worst pairs come first."""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.confusions import clustered, confused_pairs, most_confused


def blocks(seed, sizes):
    """Counts in which each block of classes is mixed up in itself alone, in an order that hides
    the blocks; and the block of each class.
    """
    random = np.random.default_rng(seed)
    total = sum(sizes)
    block = np.repeat(np.arange(len(sizes)), sizes)
    counts = np.where(block[:, None] == block[None, :], random.integers(1, 9, (total, total)), 0)
    np.fill_diagonal(counts, 40)
    hidden = random.permutation(total)
    return counts[np.ix_(hidden, hidden)].tolist(), block[hidden]


def test_classes_that_are_mixed_up_stand_together():
    for seed in range(5):
        counts, block = blocks(seed, (3, 5, 1, 4))
        order = clustered(counts)
        assert sorted(order) == list(range(13))
        along = block[order]
        assert len(np.flatnonzero(np.diff(along))) == 3  # each block is one piece
        assert clustered(counts) == order


def test_ends_that_meet_are_the_most_alike():
    """A chain of classes, each mixed up with the next, comes out as the chain."""
    chain = [4, 0, 3, 1, 2]
    counts = 30 * np.eye(5, dtype=int)
    for weight, (one, other) in enumerate(zip(chain, chain[1:], strict=False), 3):
        counts[one, other] = counts[other, one] = weight
    assert clustered(counts.tolist()) in (chain, chain[::-1])


def test_without_confusions_the_order_stays():
    assert clustered(np.diag([3, 0, 2]).tolist()) == [0, 1, 2]
    assert clustered([[5]]) == [0]
    assert confused_pairs([[5]], 10) == []
    assert most_confused(np.eye(4, dtype=int).tolist(), 3) == []


def test_pairs_are_those_of_a_plain_loop():
    counts, _ = blocks(1, (2, 4))
    expected = sorted(
        -(counts[i][j] + counts[j][i])
        for i in range(6)
        for j in range(i)
        if counts[i][j] + counts[j][i]
    )
    pairs = confused_pairs(counts, 100)
    assert [-pair["confused"] for pair in pairs] == expected
    for pair in pairs:
        one, other = pair["one"], pair["other"]
        assert pair["one_as_other"] == counts[one][other]
        assert pair["other_as_one"] == counts[other][one]
    assert confused_pairs(counts, 2) == pairs[:2]


def test_the_worst_classes_are_those_of_the_worst_pairs():
    counts, _ = blocks(2, (2, 4, 3))
    for most in (2, 4, 9):
        chosen = most_confused(counts, most)
        assert chosen == sorted(set(chosen)) and 2 <= len(chosen) <= most
        worst = confused_pairs(counts, 1)[0]
        assert {worst["one"], worst["other"]} <= set(chosen)


def test_hundreds_of_classes_take_no_second():
    import time

    random = np.random.default_rng(0)
    counts = (random.random((500, 500)) < 0.05) * random.integers(1, 5, (500, 500))
    start = time.monotonic()
    assert sorted(clustered(counts.tolist())) == list(range(500))
    assert time.monotonic() - start < 3  # a tenth of it on a quiet machine
