"""Small lines beside a number."""

from __future__ import annotations

import re

import pytest

from pages.widgets.spark import svg


def places(values):
    [points] = re.findall(r'points="([^"]+)"', svg(values))
    return [tuple(float(part) for part in point.split(",")) for point in points.split()]


def test_a_line_goes_from_edge_to_edge_and_higher_values_stand_higher():
    found = places([1.0, 3.0, 2.0])
    assert [x for x, _ in found] == [3, 120, 237]
    assert found[1][1] < found[2][1] < found[0][1]


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0, 0.0, 0.0]])
def test_a_level_line_stands_in_the_middle(values):
    assert {y for _, y in places(values)} == {20.0}


def test_a_long_series_keeps_its_ends_and_few_points():
    found = places([float(n) for n in range(1000)])
    assert len(found) == 60
    assert found[0][1] == 37 and found[-1][1] == 3
