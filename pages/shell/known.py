"""Nobody sees a page unknown; and where nobody has to sign in, every page says so."""

from __future__ import annotations

import streamlit as st

from pages.shell import services, streamlit_sessions
from tl_core.errors import SignInError
from tl_core.log import about_work


def need_somebody() -> None:
    """End the page unless it is known who is acting. The gate lets nobody else open a tab; this is
    for tabs that stay open when a session ends.
    """
    try:
        acting = services.principal()
        about_work(person=acting.id)
        streamlit_sessions.note_owner(acting)
    except SignInError as error:
        st.title("Sign in again", anchor=False)
        st.info(str(error), icon=":material/lock:")
        st.html('<a href="/sign-in" target="_self">Sign in</a>')
        st.stop()
    own = services.settings()
    if not own.sign_in and not own.is_local:
        st.warning(
            "This server is open: everybody who can reach it sees, changes and deletes everything"
            " here.",
            icon=":material/lock_open:",
        )
