"""The glossary in the app: help for controls, and a drawer that finds terms."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.glossary import help_of


def drawer():
    from pages.widgets import glossary

    glossary.show()


def said(app):
    assert not app.exception
    return " ".join(str(one.value) for kind in ("markdown", "caption") for one in app.get(kind))


def test_help_is_the_plain_reading_and_the_formula():
    assert help_of("precision").startswith("**Precision**: When the model says")
    assert "/" in help_of("Precision") and help_of("ECE") == help_of("calibration error")


def test_a_misspelt_term_is_a_mistake_of_the_page():
    with pytest.raises(KeyError):
        help_of("acuracy")


def test_terms_are_shown_by_subject_and_found_by_words():
    app = AppTest.from_function(drawer).run()
    assert "Macro F1" in said(app) and "LoRA" not in said(app)
    app.text_input[0].set_value("rank memory").run()
    assert "LoRA" in said(app) and "Macro F1" not in said(app)
    app.text_input[0].set_value("teapot").run()
    assert "No term has these words" in said(app)
