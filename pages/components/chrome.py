"""The frame around every page: navigation, the workspace in hand, running work."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components import services
from pages.components.words import plain
from tl_core.errors import UserError

STATES = {
    "queued": ("gray", "waiting"),
    "running": ("blue", "running"),
    "done": ("green", "done"),
    "failed": ("red", "failed"),
    "cancelled": ("gray", "cancelled"),
    "interrupted": ("orange", "interrupted"),
}


def sections() -> dict[str, list[st.Page]]:
    """The pages in the order of the work."""

    def page(path: str, title: str, icon: str, address: str, *, default: bool = False) -> st.Page:
        return st.Page(
            f"pages/{path}.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=address,
            default=default,
        )

    return {
        "": [page("start/home", "Home", "home", "home", default=True)],
        "Data": [
            page("data/add", "Add data", "upload", "add-data"),
            page("data/inspect", "Look at data", "search", "data"),
            page("data/versions", "Versions", "history", "versions"),
        ],
        "Model": [page("model/choose", "Backbone", "account_tree", "backbone")],
        "Train": [
            page("train/design", "Design", "tune", "design"),
            page("train/live", "Live run", "monitoring", "live"),
        ],
        "Evaluate": [
            page("evaluate/report", "Report", "fact_check", "report"),
            page("evaluate/compare", "Compare", "balance", "compare"),
            page("evaluate/labels", "Labels", "rule", "labels"),
            page("evaluate/explore", "Explore", "trending_up", "explore"),
        ],
        "Use": [
            page("ship/predict", "Predict", "bolt", "predict"),
            page("ship/export", "Export", "inventory_2", "export"),
        ],
        "Studio": [
            page("train/runs", "Runs", "list", "runs"),
            page("admin/system", "System", "memory", "system"),
        ],
    }


def title(name: str, question: str) -> None:
    """What the page is called, and below it the question that it answers."""
    st.title(name)
    st.caption(question)


def badge(status: str) -> str:
    """A coloured word for a status."""
    colour, word = STATES[status]
    return f":{colour}-badge[{word}]"


def show_sidebar() -> None:
    """Product mark, the dataset and run in hand, and what is running."""
    st.logo(str(Path(__file__).with_name("logo.svg")), size="large")
    with st.sidebar:
        if dataset := st.session_state["dataset"]:
            st.caption(f"Dataset: {plain(dataset)}")
        _running()


@st.fragment(run_every=5)
def _running() -> None:
    try:
        active = services.runs().list(active=True)
        _announce([run.id for run in active])
    except UserError:
        return
    for run in active[:3]:
        what = run.dataset or run.kind
        st.page_link(
            "pages/train/live.py",
            label=f"{plain(what)} · {run.progress:.0%}",
            icon=":material/progress_activity:",
            query_params={"run": run.id},
        )


def _announce(active: list[str]) -> None:
    """A toast for each run that was going when this tab last looked and has ended since."""
    for run_id in st.session_state["watched"].split():
        if run_id not in active:
            run = services.runs().get(run_id)
            icon = ":material/check_circle:" if run.status == "done" else ":material/error:"
            st.toast(
                f"{plain(run.dataset or run.kind)} is {STATES[run.status][1]}."
                f" {plain(run.headline)}",
                icon=icon,
            )
    st.session_state["watched"] = " ".join(active)


def need_dataset(name: str) -> None:
    """The empty state of pages that are about a dataset."""
    if not name:
        st.info("No dataset is selected yet.", icon=":material/info:")
        st.page_link("pages/data/add.py", label="Add data", icon=":material/upload:")
        st.stop()
