"""A skeleton while the helper process is at work."""

from __future__ import annotations

import streamlit as st

from pages.components import services
from tl_core.errors import UserError


@st.fragment(run_every=0.5)
def wait_for(ticket: int, text: str) -> None:
    """Show `text` and a skeleton; run the page again once the answer to `ticket`, good or bad, is there."""
    try:
        ready, _ = services.compute().poll(ticket)
    except UserError:
        ready = True
    if ready:
        st.rerun()
    st.caption(text)
    st.skeleton(height=160)
