"""Questions to the helper process: sent once, answered in place, never mixed up."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from tests_support.pages import stand_in

from tl_core.errors import StateError


class Helper:
    """A helper process whose answers come when a test gives them."""

    def __init__(self):
        self.sent, self.answers = [], {}

    def call(self, name, by="", /, **arguments):
        self.sent.append((name, arguments))
        return len(self.sent)

    def poll(self, ticket, by=""):
        value = self.answers.get(ticket)
        if isinstance(value, Exception):
            raise value
        return ticket in self.answers, value


@pytest.fixture
def helper(monkeypatch):
    return stand_in(monkeypatch, Helper())


def page():
    import streamlit as st

    from pages.shell import ask, state

    state.set_defaults()
    number = st.session_state.setdefault("number", 2)
    failed = ask.ignore if st.session_state.get("quiet") else ask.problems.show
    if st.button("Forget"):
        ask.forget("place")
    double = ask.ask("place", "double", str(number), "Counting…", failed=failed, value=number)
    if double is not None:
        st.success(f"It is {double}")


def test_a_question_is_sent_once_and_waited_for(helper):
    at = AppTest.from_function(page).run()
    at.run()
    assert helper.sent == [("double", {"value": 2})]
    assert [one.value for one in at.caption] == ["Counting…"] and not at.success
    helper.answers[1] = 4
    at.run()
    assert at.success[0].value == "It is 4" and not at.caption
    assert len(helper.sent) == 1


@pytest.mark.parametrize("value", [0, False, []])
def test_an_answer_that_is_empty_is_an_answer(helper, value):
    helper.answers[1] = value
    assert AppTest.from_function(page).run().success[0].value == f"It is {value}"


def test_another_question_never_gets_the_earlier_ones_answer(helper):
    helper.answers[1] = 4
    at = AppTest.from_function(page).run()
    at.session_state["number"] = 3
    at.run()
    assert helper.sent[1:] == [("double", {"value": 3})] and not at.success
    helper.answers[2] = 6
    assert at.run().success[0].value == "It is 6"


def test_an_error_is_shown_until_the_question_is_sent_anew(helper):
    helper.answers[1] = StateError("The helper has stopped.", "", "Try again.")
    at = AppTest.from_function(page).run()
    assert "The helper has stopped" in at.error[0].value and not at.success
    at.session_state["quiet"] = True
    assert not at.run().error
    helper.answers[2] = 4
    assert at.button[0].click().run().success[0].value == "It is 4"
