"""What predicts the class although it should not: asked for by a button, remembered with the
version.
"""

from __future__ import annotations

from typing import TypedDict

import streamlit as st

from pages.shell import ask, problems
from pages.shell.words import plain
from pages.widgets.glossary import help_of
from tl_core.errors import UserError
from tl_core.registry.datasets import DatasetRecord
from tl_core.train.shortcuts import known_shortcuts


class Shortcut(TypedDict):
    """How well a group of facts that should not matter gives the class away."""

    sentence: str
    telling: bool


def show(record: DatasetRecord) -> None:
    """The button, the wait, then each telling group of facts as a warning and the rest folded
    away.
    """
    st.subheader("Shortcuts", help=help_of("shortcut"))
    st.caption("Could a model cheat?")
    kept = known_shortcuts(record.folder)
    if kept is not None:
        _show(kept)
        return
    if not ask.is_about("shortcuts", record.reference):
        st.caption(
            "If the class can be guessed from size, light, borders, file format or length alone, a"
            " model may learn that instead of what you mean."
        )
        if st.button("Look for shortcuts", icon=":material/shortcut:"):
            ask.send("shortcuts", "shortcuts", record.reference, folder=str(record.folder))
            st.rerun()
        return
    groups = ask.answer(
        "shortcuts",
        "Predicting the class from what should not matter…",
        quiet=True,
        failed=_refused,
    )
    if groups is not None:
        _show(groups)


def _refused(error: UserError) -> None:
    ask.forget("shortcuts")
    problems.show(error)


def _show(groups: list[Shortcut]) -> None:
    if not groups:
        st.caption("There are too few items to test this.")
        return
    telling = [part for part in groups if part["telling"]]
    for part in telling:
        st.warning(
            f"{plain(part['sentence'])} If that is not what should tell the classes apart, a model"
            " may learn it instead: add items of each class that were made in the same way.",
            icon=":material/warning:",
        )
    if not telling:
        st.caption("None of the shortcuts tested predicts the class well.")
    with st.expander("Everything tested"):
        for part in groups:
            st.markdown(f"- {plain(part['sentence'])}")
