"""A timer's request that comes too late does not take the reader back to the page that was left."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages.shell import stale_timers

TICK = RerunData(page_script_hash="old", fragment_id="f", is_auto_rerun=True)
CLICK = RerunData(page_script_hash="old", fragment_id="f")


@pytest.fixture
def ran(monkeypatch):
    """What the original pieces were asked to do, with the guard around them."""
    done = []
    monkeypatch.setattr(AppSession, "_create_scriptrunner", lambda _, request: done.append(request))
    monkeypatch.setattr(ScriptRunner, "_run_script", lambda _, request: done.append(request))
    monkeypatch.setattr(
        ScriptRequests, "_request_rerun_locked", ScriptRequests._request_rerun_locked
    )
    stale_timers.install()
    return done


def test_a_late_tick_starts_no_run(ran):
    AppSession._create_scriptrunner(
        SimpleNamespace(_client_state=SimpleNamespace(page_script_hash="new")), TICK
    )
    assert ran == []
    AppSession._create_scriptrunner(
        SimpleNamespace(_client_state=SimpleNamespace(page_script_hash="old")), TICK
    )
    AppSession._create_scriptrunner(
        SimpleNamespace(_client_state=SimpleNamespace(page_script_hash="new")), CLICK
    )
    assert ran == [TICK, CLICK]


def test_a_tick_that_waited_for_a_run_of_another_page_is_dropped(ran):
    def runner(page):
        return SimpleNamespace(_get_script_run_ctx=lambda: SimpleNamespace(page_script_hash=page))

    ScriptRunner._run_script(runner("new"), TICK)
    assert ran == []
    ScriptRunner._run_script(runner("old"), TICK)
    ScriptRunner._run_script(
        runner(""), TICK
    )  # the first run of a thread: the session has looked before
    assert ran == [TICK, TICK]


@pytest.mark.parametrize(
    ("first", "then", "page"),
    [
        (RerunData(page_script_hash="new"), TICK, "new"),
        (RerunData(page_script_hash="old"), RerunData(page_script_hash="new"), "new"),
        (TICK, RerunData(page_script_hash="new"), "new"),
    ],
)
def test_a_tick_does_not_change_the_page_of_a_pending_run(ran, first, then, page):
    requests = ScriptRequests()
    assert requests.request_rerun(first)
    assert requests.request_rerun(then)
    pending = requests.on_scriptrunner_ready().rerun_data
    assert (pending.page_script_hash, pending.fragment_id_queue) == (page, [])
