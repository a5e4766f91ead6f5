"""Who somebody is on this server, how their session ends, and their password."""

from __future__ import annotations

import streamlit as st

from pages.shell import dialogs, others, problems, services
from pages.shell.words import ago, plain
from tl_core.access.accounts import Accounts
from tl_core.access.people import Person, sign_out_everywhere
from tl_core.errors import UserError

_CAN = {
    "viewer": "looks at what others share",
    "member": "has projects, trains models and shares them",
    "admin": "has projects, and looks after people and the server",
}


def show(person: Person) -> None:
    """Name and role, and the ways out."""
    with st.container(border=True):
        st.markdown(f"#### :material/account_circle: {plain(person.name)}")
        email = plain(person.email) or "no e-mail address is known"
        st.markdown(
            f"**{plain(person.handle)}** · {email}  \n"
            f"{others.ROLES[person.role]}: {_CAN[person.role]}  \n"
            f"{_way(person)} · came first {ago(person.created)}"
        )
        st.caption(
            f"Others write {plain(person.handle)}/ before the names of projects that you share."
            f" A session ends after {services.settings().number('session_hours')} hours."
        )
        if services.settings().sign_in == "header":
            st.caption("Your organisation's sign-in opens and ends your sessions.")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(others.SIGN_OUT, width="content")
            if st.button(
                "Sign out everywhere",
                icon=":material/devices:",
                key="sign_out_everywhere",
                help="Ends your sessions on all computers, this one too. Tokens stay.",
                on_click=dialogs.opened,
            ):
                _everywhere()


def _way(person: Person) -> str:
    """How they sign in."""
    ways = {
        "oidc": f"Signs in with {plain(person.issuer)}",
        "accounts": "Signs in with a name and a password of this server",
        "header": "Is signed in by a proxy",
    }
    return ways.get(services.settings().sign_in, "")


@st.dialog("Sign out everywhere?", icon=":material/devices:")
def _everywhere() -> None:
    dialogs.begin()
    st.markdown("All your sessions end at once, this one too. You sign in again to go on.")
    st.button("Sign out everywhere", type="primary", key="everywhere_sure", on_click=_end_all)


def _end_all() -> None:
    acting = services.principal()
    dialogs.act(lambda: sign_out_everywhere(services.database(), acting), last=True)


def password(person: Person) -> None:
    """A new password, where this server keeps them."""
    if services.settings().sign_in != "accounts":
        return
    with st.form("form_password", clear_on_submit=True):
        st.markdown("**Change your password**")
        old = st.text_input("Password now", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("Once more", type="password", autocomplete="new-password")
        st.caption("Three or four random words make a good one. All sessions end, this one too.")
        if not st.form_submit_button("Change it", icon=":material/password:"):
            return
    if new != again:
        st.warning("The new password was typed in two ways. Type it once more.")
        return
    try:
        Accounts(services.database(), services.settings()).change_password(person, old, new)
    except UserError as error:
        problems.show(error)
        return
    st.rerun()  # the session is over: the next run asks to sign in
