"""Personal access tokens: programs act with them in somebody's name, within limits, for a time."""

from __future__ import annotations

import streamlit as st

from pages.shell import dialogs, problems, services
from pages.shell.words import ago, ahead, plain
from tl_core.access.access_tokens import LONGEST_DAYS, Token, Tokens
from tl_core.access.principal import SCOPES
from tl_core.errors import UserError

_DAYS = 90


def _tokens() -> Tokens:
    return Tokens(services.database(), services.principal())


def show() -> None:
    """Make one, and those that there are."""
    with st.container(border=True):
        st.markdown("#### :material/key: Access tokens")
        st.caption(
            "A program with a token acts in your name, within what the token allows: the command"
            " line on your own computer, a script, a job. Never put one into a file that you share."
        )
        _make()
        with problems.caught():
            found = _tokens().list()
        for token in found:
            _line(token)
        if not found:
            st.caption("You have none.")


def _make() -> None:
    with st.form("form_token", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                "Name",
                max_chars=100,
                placeholder="my laptop",
                help="So that you know later which one to revoke.",
            )
            days = st.number_input(
                "Days", 1, LONGEST_DAYS, _DAYS, width=130, help="After so many days it ends."
            )
        scopes = st.pills(
            "It may",
            list(SCOPES),
            selection_mode="multi",
            default=["datasets:read", "runs:read"],
            format_func=SCOPES.get,
            wrap=True,
            help="Give it only what it needs. No token shares anything or makes further tokens.",
        )
        if not st.form_submit_button("Make a token", icon=":material/add:"):
            return
    try:
        secret = _tokens().make(name, scopes, int(days))
    except UserError as error:
        problems.show(error)
        return
    st.success("Copy it now: it is shown only once.", icon=":material/key:")
    st.code(secret, language=None, wrap_lines=True)
    st.caption("For the command line, on any computer that has the program:")
    st.code(
        f"export TL_SERVER={_server()}\nexport TL_TOKEN={secret}\npython -m tl_core data list",
        language="bash",
        wrap_lines=True,
    )


def _server() -> str:
    """The address by which this server is reached."""
    return services.settings().origin or str(st.context.url or "").partition("/account")[0]


def _line(token: Token) -> None:
    used = f"used {ago(token.used)}" if token.used else "never used"
    words = ", ".join(SCOPES.get(scope, scope) for scope in token.scopes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plain(token.name)}**  \n:small[may {plain(words)}]  \n:small[made"
            f" {ago(token.created)} · ends {ahead(token.expires)} · {used}]",
            width="stretch",
        )
        if st.button(
            "Revoke",
            key=f"revoke_{token.id}",
            icon=":material/key_off:",
            type="tertiary",
            help="Asks once more.",
            on_click=dialogs.opened,
        ):
            _revoke(token)


@st.dialog("Revoke this token?", icon=":material/key_off:")
def _revoke(token: Token) -> None:
    dialogs.begin()
    st.markdown(f"Programs that use **{plain(token.name)}** are refused from now on.")
    st.button("Revoke it", type="primary", key="revoke_sure", on_click=_end, args=(token.id,))


def _end(token_id: str) -> None:
    dialogs.act(lambda: _tokens().revoke(token_id), last=True)
