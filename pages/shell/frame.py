"""The head of a page, a run's state in a word, and the empty state of pages about a dataset."""

from __future__ import annotations

import streamlit as st

from pages.shell import problems
from pages.shell.words import plain
from tl_core.data.versions.store import VersionInfo
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.registry.run import Run

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


def state_word(run: Run) -> str:
    """The state of a run in a word or two; what another scheduler has not begun waits there."""
    if run.waits_elsewhere:
        return f"waiting in {title_of(run.executor)}"
    return STATES[run.status][1]


def need_dataset(name: str) -> None:
    """The empty state of pages that are about a dataset."""
    if not name:
        st.info("No dataset is selected yet.", icon=":material/info:")
        st.page_link("pages/data/add.py", label="Add data", icon=":material/upload:")
        st.stop()


def need_labels(record: DatasetRecord, info: VersionInfo, *, judged: bool = True) -> None:
    """The state of pages that learn, where `lack_labels` says that nothing can be learnt yet."""
    if lack_labels(record, info, judged=judged):
        st.stop()


def lack_labels(record: DatasetRecord, info: VersionInfo, *, judged: bool = True) -> bool:
    """Whether classes are given here and are still too few; then it says so, with the way to label.

    Args:
        record: of the version.
        info: its facts.
        judged: False for work that needs no test row.
    """
    if not info.labelled_here:
        return False
    learnt = sum(
        parts.get("train", 0) + parts.get("validation", 0) > 1
        for parts in info.class_splits.values()
    )
    if learnt > 1 and (info.splits.get("test") or not judged):
        return False
    said = next((one for one in info.findings if one["id"] == "too_small"), None)
    text = f"{said['text']} {said['fix']}" if said else "Too few rows of two classes have labels."
    st.info(plain(text), icon=":material/new_label:")
    st.page_link(
        "pages/data/label.py",
        label="Label items",
        icon=":material/label:",
        query_params={"dataset": record.reference},
    )
    return True
