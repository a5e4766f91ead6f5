"""Names in the charts: cut, escaped, and none upon another."""

from __future__ import annotations

from pages.widgets import charts


def test_names_are_cut_and_escaped():
    assert charts.cut("a <b>") == "a &lt;b&gt;"
    assert charts.cut("x" * 50, 10) == "x" * 9 + "…"


def test_names_of_points_close_together_stand_on_other_sides():
    sides = charts._sides([1.0, 1.05, 3.0], [0.5, 0.51, 0.5])
    assert sides[0] != sides[1]
    assert sides[2] == "middle right"
