"""Keeps the timer of a page that was left from emptying the page that was opened.

A fragment with `run_every` asks for its next run from the browser, with the page that the browser
then shows. On a busy machine that request can reach the server when it has gone on to another page.
Streamlit 1.67 would run the
fragment as a run of the old page: the browser takes that for a change of page, empties the screen,
and the next message finds no place in it, which ends the session. A timer never has a reason to
change the page, so its late requests are dropped; the timers of the new page start by themselves.
"""

from __future__ import annotations

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)


def is_late(request: RerunData, page: str) -> bool:
    """Whether this is a timer's request from another page than `page`, the hash of the one in
    front.
    """
    by_timer = request.is_auto_rerun and bool(request.fragment_id or request.fragment_id_queue)
    return by_timer and bool(page) and request.page_script_hash != page


def install() -> None:
    """Guard the three places where a late request can take hold: before, between and within a
    session's runs.
    """
    start, run, fold = (
        AppSession._create_scriptrunner,
        ScriptRunner._run_script,
        ScriptRequests._request_rerun_locked,
    )

    def start_unless_late(session: AppSession, request: RerunData) -> None:
        if not is_late(request, session._client_state.page_script_hash):
            start(session, request)

    def run_unless_late(runner: ScriptRunner, request: RerunData) -> None:
        if not is_late(request, runner._get_script_run_ctx().page_script_hash):
            run(runner, request)

    def fold_unless_late(requests: ScriptRequests, request: RerunData) -> bool:
        pending = requests._rerun_data
        if (
            requests._state is ScriptRequestType.RERUN
            and not pending.fragment_id_queue
            and is_late(request, pending.page_script_hash)
        ):
            return True  # the pending run of the whole page comes first and has timers of its own
        return fold(requests, request)

    AppSession._create_scriptrunner = start_unless_late  # type: ignore[method-assign]
    ScriptRunner._run_script = run_unless_late  # type: ignore[method-assign]
    ScriptRequests._request_rerun_locked = fold_unless_late  # type: ignore[method-assign]
