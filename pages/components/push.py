"""A bundle to the Hugging Face Hub, from the page that made it."""

import streamlit as st

from pages.components import problems, services, state, waiting
from pages.components.words import plain
from tl_core.config import RunConfig
from tl_core.export.push import is_name, token_of
from tl_core.registry.runs import ACTIVE, Run


def show(run: Run, export_id: str, folder: str) -> None:
    """Ask for a name, push the bundle `folder` of an export, and show where it went."""
    with st.expander("Put it on the Hugging Face Hub", expanded=bool(st.session_state["push_run"])):
        if not token_of(services.settings()):
            st.caption(
                "This program has no token for the Hub. Who runs it can make one that may write at "
                "huggingface.co/settings/tokens and start it with `TL_HUB_TOKEN` set."
            )
            return
        if st.session_state["push_run"]:
            _watch(st.session_state["push_run"])
        else:
            _ask(run, export_id, folder)


def _ask(run: Run, export_id: str, folder: str) -> None:
    with st.form("push", border=False):
        name = st.text_input("Owner/name", placeholder="my-team/my-classifier", max_chars=200)
        public = st.toggle(
            "Everybody may read it", help="Off, only you and those whom you let in on the Hub."
        )
        if not st.form_submit_button("Upload", icon=":material/cloud_upload:"):
            return
    if not is_name(name.strip()):
        st.warning("Write it as owner/name, with letters, digits, dots, dashes and underscores.")
        return
    with problems.caught():
        config = RunConfig(
            "push",
            services.user(),
            run.dataset,
            options={
                "run": export_id,
                "folder": folder,
                "repository": name.strip(),
                "public": public,
            },
        )
        job = services.submit(config, f"{state.new_draft()}-push")
    state.draft_used()
    st.session_state["push_run"] = job.id
    st.rerun()


def _watch(job_id: str) -> None:
    with problems.caught():
        job = services.runs().get(job_id)
    if job.status in ACTIVE:
        waiting.watch_run(job.id, "Proving and uploading the bundle…")
        return
    if job.status == "done":
        st.success(
            f"{plain(job.headline)}: {job.summary['address']}", icon=":material/check_circle:"
        )
    else:
        problems.show(job.reason or {"what": "It stopped."})
    st.button("Another name", on_click=lambda: st.session_state.update(push_run=""))
