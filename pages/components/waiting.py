"""Something to see while the helper process or a run in the light lane is at work."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components import services
from tl_core.errors import UserError
from tl_core.registry.runs import ACTIVE


@st.fragment(run_every=0.5)
def wait_for(ticket: int, text: str | Callable[[], str]) -> None:
    """Show `text` and a skeleton; run the page again once the answer to `ticket`, good or bad, is
    there.
    """
    _wait(ticket)
    st.caption(text if isinstance(text, str) else text())
    st.skeleton(height=160)


@st.fragment(run_every=0.5)
def wait_quietly(ticket: int, text: str) -> None:
    """The same with `text` alone, beside things that do not have to wait."""
    _wait(ticket)
    st.caption(text)


def _wait(ticket: int) -> None:
    try:
        ready, _ = services.compute().poll(ticket)
    except UserError:
        ready = True
    if ready:
        st.rerun()


@st.fragment(run_every=1.0)
def watch_run(run_id: str, text: str) -> None:
    """Progress of a run with `text`; run the page again once it has ended."""
    run = services.runs().get(run_id)
    if run.status not in ACTIVE:
        st.rerun()
    st.progress(run.progress, "Waiting for its turn" if run.status == "queued" else text)
