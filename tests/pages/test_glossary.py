"""The glossary in the app: help for controls, and a drawer that finds terms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.glossary import help_of
from pages.widgets.settings_form import TERMS
from tl_core.config import SETTINGS, describe_settings
from tl_core.glossary import find

PAGES = Path(__file__).parents[2] / "pages"
_LABELLED = {
    "checkbox",
    "metric",
    "multiselect",
    "number_input",
    "pills",
    "radio",
    "segmented_control",
    "selectbox",
    "slider",
    "subheader",
    "text_input",
    "toggle",
}
_MORE_THAN_THE_TERM = {("source_facts.py", "Split")}  # which of the splits of the Hub are taken


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


def test_what_a_control_adds_stands_below_its_term():
    assert help_of("recall", "On the test items.") == f"{help_of('recall')}  \nOn the test items."


def test_settings_explain_their_terms():
    every = {one["name"] for recipe in SETTINGS for one in describe_settings(recipe)}
    assert set(TERMS) <= every
    assert all(help_of(term) for term in TERMS.values())


def labelled(tree):
    """Each control, number, heading and column with a fixed label, and its arguments by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):  # the columns of a table
            calls = [
                (key, value)
                for key, value in zip(node.keys, node.values, strict=True)
                if key and isinstance(value, ast.Call) and "column_config" in ast.dump(value.func)
            ]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _LABELLED:
            calls = [(part, node) for part in node.args[:1]]
        else:
            continue
        for label, call in calls:
            for one in ast.walk(label):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value, {part.arg: part.value for part in call.keywords}


def test_a_label_that_is_a_term_has_the_help_of_the_glossary():
    without = [
        f"{path.relative_to(PAGES)}: {label}"
        for path in sorted(PAGES.rglob("*.py"))
        for label, given in labelled(ast.parse(path.read_text()))
        if find(re.sub(r" \(.*\)$", "", label))
        and (path.name, label) not in _MORE_THAN_THE_TERM
        and "help_of" not in ast.dump(given.get("help", ast.Constant("")))
    ]
    assert without == []


def test_terms_are_shown_by_subject_and_found_by_words():
    app = AppTest.from_function(drawer).run()
    assert "Macro F1" in said(app) and "LoRA" not in said(app)
    app.text_input[0].set_value("rank memory").run()
    assert "LoRA" in said(app) and "Macro F1" not in said(app)
    app.text_input[0].set_value("teapot").run()
    assert "No term has these words" in said(app)
