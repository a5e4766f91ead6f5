"""The head of a page, a run's state in a word, and the empty state of pages about a dataset."""

from __future__ import annotations

import streamlit as st

from pages.shell import problems

STATES = {
    "queued": ("gray", "waiting"),
    "running": ("blue", "running"),
    "done": ("green", "done"),
    "failed": ("red", "failed"),
    "cancelled": ("gray", "cancelled"),
    "interrupted": ("orange", "interrupted"),
}


def title(name: str, question: str) -> None:
    """What the page is called, and beside it the question that it answers; below them what the
    last callback was refused.
    """
    with st.container(key="head", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.title(name, width="content", anchor=False)
        st.caption(question, width="content")
    problems.refused()


def badge(status: str) -> str:
    """A coloured word for a status."""
    colour, word = STATES[status]
    return f":{colour}-badge[{word}]"


def need_dataset(name: str) -> None:
    """The empty state of pages that are about a dataset."""
    if not name:
        st.info("No dataset is selected yet.", icon=":material/info:")
        st.page_link("pages/data/add.py", label="Add data", icon=":material/upload:")
        st.stop()
