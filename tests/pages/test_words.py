"""Small words that pages share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pages.shell.words import _FIELDS, counted, on_page, plain

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((1, "column"), "1 column"),
        ((0, "column"), "0 columns"),
        ((1200, "item"), "1,200 items"),
        ((1, "class", "classes"), "1 class"),
        ((2, "class", "classes"), "2 classes"),
    ],
)
def test_one_is_not_told_as_several(words, expected):
    assert counted(*words) == expected


def test_options_of_a_command_are_fields_of_the_page():
    """Every option of an import that a sentence of the program names."""
    assert on_page("Choose another with --sheet.") == "Choose another with “Sheet”\\."
    said = on_page("If it is data, use --header no.")
    assert said == "If it is data, use “First line names the columns\\: no”\\."
    assert on_page("a_file --strict") == plain("a_file --strict")
    named = {
        option
        for folder in ("data", "predict")
        for path in (ROOT / "tl_core" / folder).rglob("*.py")
        if "serving" not in path.parts
        for option in re.findall(r"[ (\"]--([a-z]+(?:-[a-z]+)*)", path.read_text())
    }
    # strict is of commands alone; nothing asks for it on a page
    assert "text-column" in named
    assert {one for one in named if on_page(f"--{one}") == plain(f"--{one}")} == {"strict"}


def test_a_file_to_be_predicted_has_fields_of_its_own():
    said = on_page("Leave --title-column out.", predicts=True)
    assert said == plain("Leave “My columns have other names: title” out.")
    assert '"My columns have other names"' in (ROOT / "pages/use/batch.py").read_text()


def test_every_field_is_called_as_on_the_page():
    pages = "".join(path.read_text() for path in (ROOT / "pages").rglob("*.py"))
    for title in _FIELDS.values():
        assert pages.count(f'"{title.removesuffix(": none")}') >= 2, title
