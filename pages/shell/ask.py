"""Questions to the helper process: sent once, waited for where their answer will stand.

A topic is one place on the pages; the session keeps one ticket for each, with what its question is
about, so that another question under the same topic never gets the earlier one's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from pages.shell import problems, services
from tl_core.errors import UserError

Waiting = str | Callable[[], str]
Answer = Any  # each call of the helper gives its own; who asks names it


class Ticket(NamedTuple):
    """An open or answered question: what it is about, and the number to poll for."""

    about: str
    number: int


def ask(
    topic: str,
    call: str,
    about: str,
    waiting: Waiting,
    *,
    quiet: bool = False,
    failed: Callable[[UserError], None] = problems.show,
    **arguments: object,
) -> Answer:
    """The answer to a question that stands as long as the page does; see `answer` for the rest.

    Args:
        topic: where on the pages it belongs.
        call: a name in `tl_core.helper.server.CALLS`, with its `arguments`.
        about: all that the answer depends on; another text sends the question anew.
    """
    if not is_about(topic, about):
        send(topic, call, about, **arguments)
    return answer(topic, waiting, quiet=quiet, failed=failed)


def send(topic: str, call: str, about: str = "", **arguments: object) -> None:
    """Send a question, in place of the topic's earlier one."""
    with problems.caught():
        number = services.compute().call(call, services.user(), **arguments)
    ticket = Ticket(about, number)
    st.session_state["tickets"] = {**st.session_state["tickets"], topic: ticket}


def answer(
    topic: str,
    waiting: Waiting,
    *,
    quiet: bool = False,
    failed: Callable[[UserError], None] = problems.show,
) -> Answer:
    """What came back; None when nothing was sent, while nothing has come, and after an error.

    Args:
        topic: as in `ask`.
        waiting: the words to show until the answer is there; the page then runs again.
        quiet: shows the words alone, beside things that do not have to wait; else a skeleton, too.
        failed: what to do with an error.
    """
    ticket = st.session_state["tickets"].get(topic)
    if ticket is None:
        return None
    try:
        ready, value = services.compute().poll(ticket.number, services.user())
    except UserError as error:
        failed(error)
        return None
    if not ready:
        _wait(ticket.number, waiting, quiet=quiet)
        return None
    return value


def refusal(topic: str, about: str) -> UserError | None:
    """The error that answered the topic's question, if it was about this; None before an answer."""
    if not is_about(topic, about):
        return None
    try:
        services.compute().poll(st.session_state["tickets"][topic].number, services.user())
    except UserError as error:
        return error
    return None


def is_about(topic: str, about: str) -> bool:
    """Whether the topic's question was sent, and is about this."""
    ticket = st.session_state["tickets"].get(topic)
    return ticket is not None and ticket.about == about


def subject(topic: str) -> str:
    """What the topic's question is about; nothing when none was sent."""
    ticket = st.session_state["tickets"].get(topic)
    return ticket.about if ticket else ""


def forget(*topics: str) -> None:
    """Drop the questions of some topics, with their answers."""
    st.session_state["tickets"] = {
        topic: ticket
        for topic, ticket in st.session_state["tickets"].items()
        if topic not in topics
    }


def ignore(error: UserError) -> None:
    """For answers that a page can do without."""
    del error


@st.fragment(run_every=0.5)
@problems.looking
def _wait(number: int, waiting: Waiting, *, quiet: bool) -> None:
    """The words until the answer, good or bad, is there; then the whole page runs again."""
    try:
        ready, _ = services.compute().poll(number, services.user())
    except UserError:
        ready = True
    if ready:
        st.rerun()
    st.caption(waiting if isinstance(waiting, str) else waiting())
    if not quiet:
        st.skeleton(height=160)
