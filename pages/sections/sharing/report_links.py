"""Links with which somebody without an account reads one report, for some days."""

from __future__ import annotations

import streamlit as st

from pages.shell import dialogs, problems, services
from pages.shell.words import ago, ahead
from tl_core.access.links import LONGEST_DAYS, ReportLinks
from tl_core.registry.run import Run

_DAYS = 14


def address(secret: str) -> str:
    """Where a link leads."""
    return f"{services.settings().origin}/shared/{secret}"


def show(run: Run) -> None:
    """Make one, shown once; those that there are, with a way to end each."""
    if run.kind != "train" or run.status != "done":
        return
    st.markdown("**A link for readers without an account**")
    st.caption(
        "Whoever has the link reads this report, without its items, until the link ends. Send it"
        " only to those who may read it."
    )
    made = st.session_state.pop("link_made", "")
    with st.form("form_link", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input("Days", 1, LONGEST_DAYS, _DAYS, key="link_days", width=150)
            st.form_submit_button(
                "Make a link", icon=":material/add_link:", on_click=_make, args=(run.id,)
            )
    if made:
        st.code(made, language=None, wrap_lines=True)
        st.caption("It is shown only now. Copy it.")
    _list(run)


def _links() -> ReportLinks:
    return ReportLinks(services.database(), services.principal())


def _make(run_id: str) -> None:
    def step() -> None:
        secret = _links().make(run_id, int(st.session_state["link_days"]))
        st.session_state["link_made"] = address(secret)

    dialogs.act(step)


def _list(run: Run) -> None:
    with problems.caught():
        found = _links().of(run.id)
    for link in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"Made {ago(link.created)}, ends {ahead(link.expires)}, opened {link.opened:,}"
                f" time{'s' * (link.opened != 1)}",
                width="stretch",
            )
            st.button(
                "Revoke",
                key=f"revoke_{link.id}",
                icon=":material/link_off:",
                type="tertiary",
                on_click=_revoke,
                args=(run.id, link.id),
                help="It ends at once.",
            )


def _revoke(run_id: str, link_id: str) -> None:
    dialogs.act(lambda: _links().revoke(run_id, link_id))
