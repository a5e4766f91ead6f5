"""Classes that may be none: sums, placeholders, names over several lines."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.data.cells.label_checks import doubts, placeholders, several_lines


def test_names_on_several_lines_are_several_classes_where_they_stand_alone():
    assert several_lines(["a", "b", "a b"], {"a b": "a\nb"}) == {"a b": '["a", "b"]'}
    assert several_lines(["a", "b", "a b"], {"a b": " a\t b"}) == {"a b": '["a", "b"]'}
    assert not several_lines(["York", "New York"], {"New York": "New\nYork"})


def coded(cells):
    names = sorted({cell for cell in cells if cell})
    return names, np.array([names.index(cell) if cell else -1 for cell in cells], dtype=np.int64)


@pytest.mark.parametrize(
    ("cells", "given", "words"),
    [
        (
            ["a", "b"] * 10 + ["a"] * 12,
            ["train"] * 20 + ["test"] * 12,
            "All 12 rows of the test part",
        ),
        (["a", "b"] * 10 + ["a"] * 9, ["train"] * 20 + ["test"] * 9, ""),
        (
            ["a", "b"] * 10 + ["None", "nan", "NULL"],
            [""] * 23,
            "'NULL', 'None' and 'nan' (3 rows) read like a missing",
        ),
        (["a", "b"] * 60 + ["unknown"], [""] * 121, "'unknown' (1 row) reads like"),
        (["none", "racism", "sexism"] * 8, [""] * 24, ""),
        (["a"] + [""] * 9 + ["b"] + [""] * 9, [""] * 20, "Only the first row of each block"),
        (
            ["a", "", "", "b", "", "", "c", "", "", "a", "", "", "b"],
            [""] * 13,
            "Only the first row",
        ),
        (["a", "b"] * 5 + [""] * 30, [""] * 40, ""),
        (["", "a"] + [""] * 9 + ["b"] + [""] * 9, [""] * 21, ""),
        (["category"] + ["a", "b"] * 12, [""] * 25, "'category' has one row, the first"),
        (["a", "b"] * 12 + ["24"], [""] * 25, "'24' has one row, the last"),
        (["a", "b"] * 6 + ["c"] + ["a", "b"] * 6, [""] * 25, ""),
        (["a", "b", "c", "d"] * 3 + ["e"], [""] * 13, ""),
    ],
)
def test_classes_that_may_be_none_are_doubted(cells, given, words):
    names, labels = coded(cells)
    found = doubts(names, labels, np.array(given))
    assert (words in " ".join(found)) if words else not found


@pytest.mark.parametrize(
    ("value", "gone"), [("?", 3), ("-1", 3), ("N/A", 3), ("hidden", 3), ("c", 0), ("a", 0)]
)
def test_a_part_held_out_of_placeholders_has_no_classes(value, gone):
    names, labels = coded(["a", "b", "a", value, value, value])
    blank, notes = placeholders(names, labels, np.array(["train"] * 3 + ["test"] * 3))
    assert (int(blank.sum()), bool(notes)) == (gone, bool(gone))
