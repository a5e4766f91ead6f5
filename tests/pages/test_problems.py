"""What a page catches, and what it must not."""

from __future__ import annotations

import logging

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import problems

_defects = problems.defects  # the other page tests do without


def page(error):
    import streamlit as st

    from pages.shell import problems
    from tl_core.errors import StateError

    with problems.caught():
        raise {
            "user": StateError("The run has ended.", "", "Start another."),
            "file": PermissionError("no"),
            "value": ValueError("ours"),
            "key": KeyError("ours"),
            "type": TypeError("ours"),
        }[error]
    st.write("never")


@pytest.mark.parametrize("error", ["user", "file"])
def test_what_people_can_act_on_is_a_message(error, caplog):
    with caplog.at_level(logging.ERROR):
        at = AppTest.from_function(page, args=(error,)).run()
    assert not at.exception and len(at.error) == 1 and not at.markdown
    assert bool(caplog.records) == (error == "file")


@pytest.mark.parametrize("error", ["value", "key", "type"])
def test_a_defect_of_ours_stays_an_exception(error):
    assert AppTest.from_function(page, args=(error,)).run().exception


def whole():
    from pages.shell import problems

    with problems.defects():
        raise KeyError("ours")


def test_in_the_app_a_defect_has_an_id_that_leads_to_the_log(caplog, monkeypatch):
    monkeypatch.setattr(problems, "defects", _defects)
    with caplog.at_level(logging.ERROR):
        at = AppTest.from_function(whole).run()
    name = caplog.records[0].args[0]
    assert not at.exception and name in at.error[0].value and "ours" not in at.error[0].value
    assert caplog.records[0].exc_info


def without_database():
    from sqlalchemy.exc import OperationalError

    from pages.shell import problems

    with problems.defects():
        raise OperationalError("SELECT secret", {}, Exception("server closed the connection"))


def test_a_database_that_is_away_is_said_in_its_own_words(caplog, monkeypatch):
    monkeypatch.setattr(problems, "defects", _defects)
    with caplog.at_level(logging.ERROR):
        at = AppTest.from_function(without_database).run()
    assert not at.exception and "The database does not answer" in at.error[0].value
    assert "secret" not in at.error[0].value and caplog.records[0].args[0] in at.error[0].value
