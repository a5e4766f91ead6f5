"""Giving a project to somebody else, with its versions and runs, after its name was typed."""

from __future__ import annotations

import streamlit as st

from pages.shell import dialogs, others, services, state
from pages.shell.words import plain
from tl_core.access.sharing import Sharing
from tl_core.errors import StateError
from tl_core.registry.datasets import DatasetRecord


def offer(record: DatasetRecord) -> None:
    """Who shall have it, and the name typed as a confirmation; folded away."""
    me = services.user()
    names = {
        person.id: others.called(person)
        for person in others.everybody().values()
        if person.id != me and not person.disabled and person.role != "viewer"
    }
    if not names:
        return
    with st.expander("Hand it over to somebody else", icon=":material/move_item:"):
        st.markdown(
            f"**{plain(record.called)}** will belong to them, with all its versions and runs. You"
            " see it only if they share it with you."
        )
        with st.form("form_hand_over", border=False):
            st.selectbox("To whom", list(names), None, format_func=names.get, key="hand_to")
            st.text_input(f"Type {plain(record.called)} to confirm", key="hand_typed")
            st.form_submit_button(
                "Hand it over", icon=":material/move_item:", on_click=_hand_over, args=(record,)
            )


def _hand_over(record: DatasetRecord) -> None:
    def step() -> None:
        whom = st.session_state["hand_to"]
        if not whom or st.session_state["hand_typed"].strip() != record.called:
            raise StateError(
                "It was not handed over.", "Choose a person, and type the project's name."
            )
        Sharing(services.database(), services.principal()).hand_over(record.called, whom)
        state.choose("dataset", "")
        state.choose("run", "")
        st.query_params.clear()

    dialogs.act(step, last=True)
