"""Axes that begin and end sensibly, and labels at the ends of lines."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from pages.widgets.axes import LEAST_SPAN, End, label_ends, loss_top, score_range, smooth, spread


@pytest.mark.parametrize(
    "values", [[81.90, 81.94], [99.9, 100.0], [0.0, 0.4], [50.0], [20.0, 90.0], [88.0, 95.0, 86.0]]
)
def test_a_score_axis_has_a_least_span_around_all_values_and_stays_a_per_cent(values):
    low, high = score_range(values)
    assert 0 <= low <= min(values) and max(values) <= high <= 100
    assert high - low >= LEAST_SPAN - 1e-9


def test_without_scores_the_axis_is_the_whole_of_it():
    assert score_range([]) == (0.0, 100.0)


def test_single_peaks_do_not_set_the_loss_axis_but_judged_losses_do():
    calm = [1.0] * 200
    assert loss_top([*calm, 50.0], []) == pytest.approx(1.08)
    assert loss_top(calm, [2.0]) == pytest.approx(2.16)
    assert loss_top([], []) > 0 and loss_top([float("nan")], []) > 0
    assert loss_top([3.0], []) == pytest.approx(3.24)


def test_a_smoothed_line_is_as_long_and_keeps_a_constant():
    assert smooth([2.0] * 100) == pytest.approx([2.0] * 100)
    assert smooth([]) == [] and smooth([1.0, 3.0]) == [1.0, 3.0]


@pytest.mark.parametrize("wanted", [[5.0, 5.0, 5.0], [9.9, 10.0], [0.0, 0.1, 9.0], []])
def test_labels_keep_apart_in_the_order_of_their_lines(wanted):
    places = spread(wanted, 1.0, 0.0, 10.0)
    ordered = [place for _, place in sorted(zip(wanted, places, strict=True))]
    assert all(0 <= place <= 10 for place in places)
    assert all(
        after - before >= 1 - 1e-9 for before, after in zip(ordered, ordered[1:], strict=False)
    )


def test_names_are_no_markup_long_ones_are_cut_and_only_some_find_room():
    figure = go.Figure()
    ends = [End("<b>x</b> " + "y" * 90, 1.0, float(y), "#000") for y in range(20)]
    label_ends(figure, ends, 0, 20, 300)
    texts = [one.text for one in figure.layout.annotations]
    assert len(texts) == 8
    assert all("<b>" not in text and len(text) < 60 for text in texts)
