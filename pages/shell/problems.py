"""Errors as three short sentences, and the places where they are caught."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException

from pages.shell.words import on_page
from tl_core.database.away import AWAY, NO_ANSWER
from tl_core.errors import CANCELLED, UserError

log = logging.getLogger("pages")
REFUSALS = (UserError, OSError, *NO_ANSWER)
"""What `words_of` has words for."""
_REFUSED, _SHOWN, _PLACE = "callback_refused", "refusal_shown", "place"
_P = ParamSpec("_P")


def show(error: UserError | dict[str, str], *, predicts: bool = False) -> None:
    """What happened, why, what to try; with `predicts` of a file that a model answers. What a
    person has cancelled themselves is no failure.
    """
    parts = error.as_dict() if isinstance(error, UserError) else error
    rest = " ".join(
        on_page(parts.get(key, ""), predicts=predicts)
        for key in ("why", "try_this")
        if parts.get(key)
    )
    what = on_page(parts["what"], predicts=predicts)
    if parts.get("code") == CANCELLED["code"]:
        st.info(f"**{what}** {rest}", icon=":material/cancel:")
    else:
        st.error(f"**{what}** {rest}", icon=":material/error:")


def words_of(error: Exception) -> dict[str, str]:
    """What is said of one of `REFUSALS`; what is no `UserError` has an id that leads to the log."""
    if isinstance(error, UserError):
        return dict(error.as_dict())
    if isinstance(error, NO_ANSWER):
        return {**AWAY, "why": f"{AWAY['why']} {_logged(error)}"}
    return {
        "what": "A file on the server could not be read or written.",
        "why": _logged(error),
        "try_this": "Reload the page; if it happens again, tell whoever runs this server.",
    }


@contextmanager
def caught() -> Iterator[None]:
    """Around a page's own work: show a `UserError`, or files that cannot be used, and end the page.

    Nothing else is caught: a defect of ours must not look like a message, to people or to the
    tests. In a callback it would leave nothing of the page: see `in_callback`.
    """
    try:
        yield
    except (UserError, OSError) as error:
        show(words_of(error))
        st.stop()


@contextmanager
def in_callback(place: str = "") -> Iterator[None]:
    """Around what a callback does, all of it: a refusal is kept, and `refused` shows it in the page
    that is drawn next, which stands as it would without. What goes well takes an earlier refusal
    away.

    Args:
        place: the part of the page where it is shown; below the title where none is named.
    """
    try:
        yield
    except REFUSALS as error:
        st.session_state[_REFUSED] = {**words_of(error), _PLACE: place}
        st.rerun()  # the whole page, where the widget is in a fragment
    if st.session_state.get(_SHOWN):
        st.rerun()


def refused(place: str = "") -> None:
    """Show what the callback before this run of the page was refused at a place, if it was."""
    said = st.session_state.get(_SHOWN)
    if said and said[_PLACE] == place:
        show(said)


@contextmanager
def told() -> Iterator[None]:
    """Around a whole page: it shows a refusal once. One that begins anew, or leads to another page,
    leaves that to the next run.
    """
    said = st.session_state[_SHOWN] = st.session_state.pop(_REFUSED, None)
    try:
        yield
    except RerunException:
        if said:
            st.session_state[_REFUSED] = said
        raise


def looking(draw: Callable[_P, None]) -> Callable[_P, None]:
    """For what is drawn again every few seconds, below `st.fragment`: a line in its place while the
    database does not answer; the next look may find it again.
    """

    @wraps(draw)
    def look(*args: _P.args, **named: _P.kwargs) -> None:
        try:
            draw(*args, **named)
        except NO_ANSWER:
            st.caption("The database does not answer; trying again.")

    return look


@contextmanager
def defects() -> Iterator[None]:
    """Around a whole page, in the app alone: what nobody expected gets an id that leads to the
    log.
    """
    try:
        yield
    except NO_ANSWER as error:
        show(words_of(error))
    except Exception as error:  # noqa: BLE001 - the edge of the app: every defect must reach the log
        show(
            {
                "what": "Something went wrong that we did not expect.",
                "why": _logged(error),
                "try_this": "Reload the page; your data and runs are safe.",
            }
        )


def _logged(error: Exception) -> str:
    name = secrets.token_hex(3)
    log.error("unexpected error %s", name, exc_info=error)
    return f"Log id {name}."
