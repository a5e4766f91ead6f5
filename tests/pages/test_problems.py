"""What a page catches, and what it must not."""

from __future__ import annotations

import ast
import logging

import pytest
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest
from tests_support.pages import ROOT, opened

from pages.shell import problems, services

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


AWAY = OperationalError("SELECT secret", {}, Exception("server closed the connection"))


@pytest.mark.parametrize("page", ["", "pages/evaluate/runs.py", "pages/admin/system.py"])
def test_an_open_tab_says_that_the_database_is_away(record, monkeypatch, page):
    app = opened(page)
    monkeypatch.setattr(problems, "defects", _defects)

    def away():
        raise AWAY

    monkeypatch.setattr(services, "principal", away)
    app.run()
    assert [("The database does not answer" in box.value) for box in app.error] == [True]
    assert not app.exception
    monkeypatch.undo()
    app.run()
    assert not app.exception and not app.error and app.title


def refusing():
    import streamlit as st

    from pages.shell import frame, problems
    from tl_core.errors import StateError

    def step():
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        with problems.in_callback():
            raise {"user": StateError("It has ended."), "file": PermissionError("no")}[
                st.session_state["kind"]
            ]

    def begin_anew():
        if st.session_state.pop("anew", False):
            st.rerun()

    with problems.told():
        frame.title("Runs", "Which are there?")
        st.button("Cancel", on_click=step)
        st.text_input("Name")
        begin_anew()
        if st.session_state.get("short"):
            st.stop()
        st.dataframe([{"a": 1}])


@pytest.mark.parametrize("kind", ["user", "file"])
@pytest.mark.parametrize("how", ["", "anew", "short"])
def test_what_a_callback_is_refused_stands_once_in_a_page_that_is_whole(kind, how):
    app = AppTest.from_function(refusing)
    app.session_state["kind"] = kind
    app.run()
    if how:
        app.session_state[how] = True
    app.button[0].click().run()
    said = {"user": "It has ended", "file": "could not be read"}[kind]
    assert [said in box.value for box in app.error] == [True] and not app.exception
    assert app.session_state["pressed"] == 1
    assert len(app.text_input) == 1 and len(app.dataframe) == (how != "short")
    app.text_input[0].set_value("x").run()
    assert not app.error


def test_a_defect_in_a_callback_is_not_taken_for_a_refusal():
    app = AppTest.from_function(refusing)
    app.session_state["kind"] = "unknown"
    app.run().button[0].click().run()
    assert app.exception and not app.error


def looked():
    import streamlit as st
    from sqlalchemy.exc import OperationalError

    from pages.shell import problems

    @st.fragment(run_every=5)
    @problems.looking
    def look(words):
        st.caption(words)
        if error := {"away": OperationalError("", {}, Exception()), "ours": KeyError("ours")}.get(
            st.session_state["kind"]
        ):
            raise error

    look("Now")
    st.caption("below")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("well", ["Now", "below"]),
        ("away", ["Now", "The database does not answer; trying again.", "below"]),
    ],
)
def test_what_is_drawn_again_and_again_waits_for_the_database(kind, said):
    app = AppTest.from_function(looked)
    app.session_state["kind"] = kind
    app.run()
    assert [one.value for one in app.caption] == said and not app.exception


def test_what_is_drawn_again_and_again_hides_no_defect():
    app = AppTest.from_function(looked)
    app.session_state["kind"] = "ours"
    assert app.run().exception


def sources():
    for path in sorted((ROOT / "pages").rglob("*.py")):
        yield path, ast.parse(path.read_text())


def functions(tree):
    return {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


def test_everything_that_is_drawn_again_and_again_waits_for_the_database():
    found = [
        (path.name, [ast.unparse(mark) for mark in one.decorator_list])
        for path, tree in sources()
        for one in functions(tree).values()
    ]
    again = [(name, marks) for name, marks in found if any("run_every" in one for one in marks)]
    assert len(again) > 5
    assert [name for name, marks in again if marks[1:] != ["problems.looking"]] == []


def test_no_callback_ends_the_page():
    """None leads, by any function that it calls, to `problems.caught`, which would."""
    modules = {path.stem: functions(tree) for path, tree in sources()}

    def ends(module, name, seen):
        one = modules.get(module, {}).get(name)
        if one is None or (module, name) in seen:
            return False
        inside = list(ast.walk(one))
        if any(isinstance(node, ast.Attribute) and node.attr == "caught" for node in inside):
            return True
        called = [target(node.func, module) for node in inside if isinstance(node, ast.Call)]
        return any(ends(*where, {*seen, (module, name)}) for where in called if where)

    def target(node, module):
        if isinstance(node, ast.Name):
            return module, node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return node.value.id, node.attr
        return None

    callbacks = [
        (path.stem, target(word.value, path.stem))
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in ("on_click", "on_change", "on_dismiss", "on_select")
    ]
    known = [where for _, where in callbacks if where]
    assert len(known) > 40
    assert [where for where in known if ends(*where, set())] == []
