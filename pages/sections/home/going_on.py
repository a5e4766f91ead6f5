"""What goes on: where somebody was, what runs and waits, and the newest trainings."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shell import frame, others, problems, services
from pages.shell.words import ago, plain
from pages.widgets import trained
from tl_core.config import RUN_KINDS
from tl_core.errors import UserError
from tl_core.registry.projects import score_of
from tl_core.registry.run import ACTIVE, Run

_EVERY = 3.0  # seconds between two looks at the queue
_SHOWN = 6


def where_you_were(active: Sequence[Run], trainings: Sequence[Run]) -> None:
    """The last thing in one line with one button: what runs, else the newest report."""
    me = services.user()
    running = next((run for run in active if run.owner == me), None)
    report = next((run for run in trainings if run.status == "done" and run.owner == me), None)
    last = running or report
    if last is None:
        return
    name = plain(last.dataset.partition("@")[0] or last.kind)
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key="where_you_were"
    ):
        if running:
            said = f"{RUN_KINDS[last.kind].title} of **{name}**, {last.progress:.0%} done"
            target, label, icon = "pages/train/live.py", "Watch it", "monitoring"
        else:
            said = f"the report of **{name}**, {ago(last.finished)}"
            target, label, icon = "pages/evaluate/report.py", "Read the report", "fact_check"
        st.markdown(f":material/history: Continue where you were: {said}", width="stretch")
        if st.button(label, key="go_on", icon=f":material/{icon}:", type="primary"):
            st.switch_page(target, query_params={"run": last.id})


def queue(active: Sequence[Run]) -> None:
    """Everything that runs or waits, with its progress; watched only while there is something."""
    if active:
        st.subheader("Running and waiting")
        _watched()


@st.fragment(run_every=_EVERY)
@problems.looking
def _watched() -> None:
    """The active runs as they are now; the page runs again when the last one has ended."""
    try:
        active = services.runs().list(active=True)
    except UserError as error:
        problems.show(error)
        return
    if not active:
        st.rerun()
    who = others.starters(active)
    for run in active[:_SHOWN]:
        with st.container(border=True, gap="xsmall"):
            what = f"**{plain(run.dataset.partition('@')[0])}** · {RUN_KINDS[run.kind].title}"
            what += f" · by {plain(who[run.id])}" if who else ""
            st.markdown(what)
            if run.status in ACTIVE and run.place:
                st.caption(f"Waiting for its turn: place {run.place} in the queue")
            else:
                st.progress(run.progress, f"{run.progress:.0%}")
            st.page_link(
                "pages/train/live.py",
                label="Watch",
                icon=":material/monitoring:",
                query_params={"run": run.id},
            )
    if len(active) > _SHOWN:
        st.page_link("pages/evaluate/runs.py", label=f"{len(active) - _SHOWN:,} more")


def recent(trainings: Sequence[Run]) -> None:
    """The newest trainings, a line each."""
    st.subheader("Recent trainings")
    if not trainings:
        st.caption("None yet. A sample is the quickest way to see one.")
        return
    who = others.starters(list(trainings))
    with st.container(border=True, gap="small"):
        for run in trainings[:_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(run.dataset)}** · {plain(trained.way(run))}")
                    st.caption(_in_short(run) + (f" · {plain(who[run.id])}" if who else ""))
                done = run.status == "done"
                st.page_link(
                    "pages/evaluate/report.py" if done else "pages/train/live.py",
                    label="Open",
                    query_params={"run": run.id},
                )
        st.page_link("pages/evaluate/runs.py", label="All runs", icon=":material/list:")


def _in_short(run: Run) -> str:
    """Its score with the interval, or how it stands, and when it was."""
    score = score_of(run) if run.status == "done" else None
    if score is None:
        return f"{frame.badge(run.status)} {ago(run.created)}"
    where = "validation items, " if score.closed else ""
    said = (
        f"Right {100 * score.value:.0f} times in 100"
        if score.name == "accuracy"
        else f"{score.name} {100 * score.value:.0f} %"
    )
    return f"{said} ({where}{100 * score.low:.0f} to {100 * score.high:.0f}) · {ago(run.created)}"
