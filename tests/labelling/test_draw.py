"""The draw by lot: a fair sample of all rows that had no class, whatever is picked meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tl_core.labelling import draw

ROWS = np.arange(1000, 3000)


def test_lots_are_even_and_depend_on_the_row_and_the_seed_alone():
    own = draw.lots(ROWS, 3)
    assert ((own >= 0) & (own < 1)).all() and len(np.unique(own)) == len(ROWS)
    assert stats.kstest(own, "uniform").pvalue > 0.001
    assert np.array_equal(draw.lots(ROWS[::-7], 3), own[::-7])
    assert abs(np.corrcoef(own, draw.lots(ROWS, 4))[0, 1]) < 0.1
    # neighbouring rows say nothing of each other
    assert abs(np.corrcoef(own[1:], own[:-1])[0, 1]) < 0.1


def test_each_row_is_drawn_equally_often():
    rows = np.arange(40)
    counts = np.zeros(40)
    for seed in range(2000):
        counts[draw.random_order(rows, seed)[:10]] += 1
    assert stats.chisquare(counts).pvalue > 0.001


def test_new_rows_do_not_change_the_order_of_the_others():
    few, many = draw.random_order(ROWS[::2], 1), draw.random_order(ROWS, 1)
    assert np.array_equal(many[np.isin(many, few)], few)


def test_reserved_rows_are_the_first_of_the_order():
    own = draw.reserved(ROWS, 5)
    assert {*own.tolist()} == {*draw.random_order(ROWS, 5)[: len(own)].tolist()}
    assert 0.2 < len(own) / len(ROWS) < 0.3


def test_a_round_draws_its_share_beyond_what_has_been_answered():
    order = np.array([7, 3, 9, 1, 5, 8, 2, 4])
    rows, reach = draw.to_draw(order, 0, set(), 0.2, 10)
    assert (rows.tolist(), reach) == ([7, 3], 2)
    # asked for once more before anything was labelled: the same rows
    assert draw.to_draw(order, 2, set(), 0.2, 10)[0].tolist() == [7, 3]
    # one of the next two has a class already: it counts, and the batch holds one random row less
    rows, reach = draw.to_draw(order, 2, {7, 3, 9}, 0.2, 10)
    assert (rows.tolist(), reach) == ([1], 4)
    # whatever waits comes first, and nothing new is drawn before it is answered
    rows, reach = draw.to_draw(order, 4, {7, 9, 1}, 0.2, 10)
    assert (rows.tolist(), reach) == ([3], 4)
    assert draw.to_draw(order, 8, {7, 3, 9, 1, 5, 8, 2}, 0.5, 4)[0].tolist() == [4]


def test_what_waits_is_no_more_of_a_batch_than_its_share():
    """Three rows were asked for after a list of forty, and all were random ones of that list."""
    order = np.arange(40)
    assert draw.to_draw(order, 0, set(), 0.15, 40)[1] == 6
    for batch, share, most in ((3, 0.15, 1), (10, 0.2, 2), (4, 0.5, 2), (4, 1.0, 4), (40, 0.15, 6)):
        rows, reach = draw.to_draw(order, 6, {0}, share, batch)
        assert rows.tolist() == list(range(1, 1 + most)), batch
        assert reach == max(6, 1 + most)


def test_only_what_was_answered_without_a_gap_is_a_sample():
    order = np.array([7, 3, 9, 1])
    assert [draw.answered(order, 3, done) for done in ({3}, {7}, {7, 3, 9, 1}, {7, 3, 1})] == [
        0,
        1,
        3,
        2,
    ]


@pytest.mark.parametrize(("chosen", "drawn"), [(8, 2), (0, 3), (5, 0), (3, 3), (17, 3)])
def test_random_rows_are_spread_over_the_batch(chosen, drawn):
    places = draw.mixed_in(np.arange(chosen), np.arange(drawn))
    assert sorted(places.tolist()) == list(range(chosen + drawn))
    own = np.flatnonzero(places >= chosen)
    assert not drawn or (
        own[0] == 0 and np.diff(own).max(initial=0) <= (chosen + drawn) / drawn + 1
    )
    assert np.array_equal(places[places < chosen], np.arange(chosen))
