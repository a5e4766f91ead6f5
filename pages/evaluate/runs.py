"""All runs: how they stand, and what can be done with each."""

import streamlit as st

from pages.shell import frame, problems, services
from pages.shell.words import ago, plain
from pages.widgets import trained
from tl_core.config import RUN_KINDS
from tl_core.registry.runs import ACTIVE
from tl_core.storage import remove_tree

frame.title("Runs", "All runs, the newest first.")
with problems.caught():
    runs = services.runs().list(limit=60)
if not runs:
    st.info("No runs yet. Try a sample on the home page.", icon=":material/info:")
    st.page_link("pages/home/home.py", label="Home", icon=":material/home:")
    st.stop()


@st.dialog("Delete this run?")
def confirm(run_id: str, what: str) -> None:
    """Deleting cannot be undone, so it is asked for once, by name."""
    st.markdown(
        f"Run **{run_id}** ({plain(what)}) with its model and report will be deleted for good."
    )
    if st.button("Delete it", type="primary"):
        with problems.caught():
            if not remove_tree(services.runs().delete(run_id)):
                st.toast(
                    "Some of its files are still in use; they will be removed later.",
                    icon=":material/info:",
                )
        st.rerun()


def act(action: str, run_id: str) -> None:
    """Cancel or resume from a button."""
    from tl_core.jobs.dispatch import ensure_dispatcher

    with problems.caught():
        getattr(services.runs(), action)(run_id)
        ensure_dispatcher(services.settings())


for run in runs:
    title = run.dataset or RUN_KINDS[run.kind].title
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            place = f" · place {run.place}" if run.place else ""
            what = trained.way(run) if run.kind == "train" else RUN_KINDS[run.kind].title
            st.markdown(f"**{plain(title)}** · {plain(what)} · {run.id}{place}", width="stretch")
            st.markdown(f"{frame.badge(run.status)} :small[{ago(run.created)}]", width="content")
        if run.headline or run.reason:
            st.caption(plain(run.headline or (run.reason or {}).get("what", "")))
        with st.container(horizontal=True, vertical_alignment="center"):
            if run.kind == "train" and run.status == "done":
                st.page_link(
                    "pages/evaluate/report.py", label="Report", query_params={"run": run.id}
                )
                st.page_link(
                    "pages/use/playground.py", label="Predict", query_params={"run": run.id}
                )
                st.page_link("pages/use/bundle.py", label="Export", query_params={"run": run.id})
            else:
                st.page_link("pages/train/live.py", label="Watch", query_params={"run": run.id})
            if run.status in ACTIVE:
                st.button(
                    "Cancel",
                    key=f"cancel_{run.id}",
                    on_click=act,
                    args=("cancel", run.id),
                    type="tertiary",
                )
            else:
                if run.status != "done":
                    st.button(
                        "Resume",
                        key=f"resume_{run.id}",
                        on_click=act,
                        args=("resume", run.id),
                        type="tertiary",
                    )
                if st.button("Delete", key=f"delete_{run.id}", type="tertiary"):
                    confirm(run.id, title)
