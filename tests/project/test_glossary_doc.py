"""docs/reference/glossary.md is the glossary's own words, and the glossary can be searched.

`TL_TEST_WRITE_DOCS=1 python -m pytest tests/project/test_glossary_doc.py` writes the file anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tl_core.glossary import TERMS, as_markdown, find, search

ROOT = Path(__file__).parents[2]


def test_the_page_is_the_glossary():
    path = ROOT / "docs/reference/glossary.md"
    if os.environ.get("TL_TEST_WRITE_DOCS"):
        path.write_text(as_markdown())
    assert path.read_text() == as_markdown()


def test_no_term_has_two_readings():
    names = [name.casefold() for term in TERMS for name in (term.name, *term.also)]
    assert len(names) == len(set(names))


def test_readings_are_short_sentences_that_a_table_can_hold():
    for term in TERMS:
        assert term.plain.endswith(".") and len(term.plain) <= 200, term.name
        assert not term.reading or term.reading.endswith("."), term.name
        assert "|" not in term.plain + term.reading, term.name


@pytest.mark.parametrize("name", ["accuracy", "MCC", "ece", "Abstain", "linear probe"])
def test_a_term_is_found_by_each_of_its_names(name):
    assert find(name) is not None


def test_what_is_no_term_is_not_found():
    assert find("tea") is None and not search("tea kettle nowhere")


def test_a_search_gives_names_before_readings():
    found = [term.name for term in search("precision")]
    assert found[0] == "Precision" and "F1" in found
    assert [term.name for term in search("learning rate decay")] == [
        "Layer-wise learning rate decay"
    ]
