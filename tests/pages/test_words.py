"""Small words that pages share."""

from __future__ import annotations

import pytest

from pages.shell.words import counted


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((1, "column"), "1 column"),
        ((0, "column"), "0 columns"),
        ((1200, "item"), "1,200 items"),
        ((1, "class", "classes"), "1 class"),
        ((2, "class", "classes"), "2 classes"),
    ],
)
def test_one_is_not_told_as_several(words, told):
    assert counted(*words) == told
