"""Cells that hold several classes, or one whose name holds signs, and answers of clouds."""

from __future__ import annotations

import pytest

from tl_core.data.cells.label_cells import label_name
from tl_core.data.cells.label_lists import several_in
from tl_core.errors import DataError

SEVERAL = [
    ["a#b", "a", "b"],
    ["a || b", "a", "b"],
    ["a,b", "a", "b"],
    ["a; b", "a", "b"],
    ["<java><repeat>", "<php>"],
    ["Action, Comedy", "Comedy, Drama", "Drama"],
    ["27", "2,3", "4"],
    ["0", "1,2,3", "9"],
    ["x|y", "x", "y", "z"],
    ["politics#law", "politics", "law", "art"],
]
ONE_EACH = [
    ["C#", "F#", "Java"],
    ["rain, snow", "sun"],
    ["Paris, France", "Lyon, France"],
    ["a/b", "a", "b"],
    ["1,0", "2,0"],
    ["1", "1,5", "2", "2,5", "5"],
    ["Pets & Toys", "Toys"],
    ["issue #1", "issue #2"],
    ["1,200", "500"],
    ["<b>", "<i>"],
]


@pytest.mark.parametrize("names", SEVERAL)
def test_joined_names_whose_parts_stand_alone_are_several(names):
    assert several_in(names)


@pytest.mark.parametrize("names", ONE_EACH)
def test_ordinary_names_are_one_class_each(names):
    assert not several_in(names)


@pytest.mark.parametrize(
    "cell", ['{"displayName": "a"}', '[{"classname": "a"}]', '{"class-name": "a"}']
)
def test_answers_of_clouds_are_unwrapped(cell):
    assert label_name(cell) == "a"


@pytest.mark.parametrize(
    "cell", ['{"a": 0.2, "b": 0.8}', '[{"start": 1, "label": "x"}]', '{"x": {"y": [1, 2]}}']
)
def test_an_object_without_an_answer_is_no_class(cell):
    with pytest.raises(DataError, match="holds objects"):
        label_name(cell)


@pytest.mark.parametrize("cell", ["{spam}", "[x: y]", "{a: b}", "(1: 2)"])
def test_brackets_around_words_stay_in_the_name(cell):
    assert label_name(cell) == cell
