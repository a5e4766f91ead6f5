"""A bundle to the Hugging Face Hub, from the page that made it."""

import streamlit as st

from pages.shell import rights, run_panel, services
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.export.push import is_name, token_of
from tl_core.registry.run import Run


def show(run: Run, export_id: str, folder: str) -> None:
    """Ask for a name, push the bundle `folder` of an export, and show where it went."""
    with st.expander("Put it on the Hugging Face Hub", expanded=bool(st.session_state["push_run"])):
        if not token_of(services.settings()):
            st.caption(
                "This program has no token for the Hub. Whoever runs this server can create one"
                " with write access at huggingface.co/settings/tokens and start it with"
                " `TL_HUB_TOKEN` set."
            )
            return
        run_panel.show(
            run_panel.in_hand("push_run"),
            "Verifying and uploading the bundle…",
            _show_address,
            lambda: _offer(run, export_id, folder),
            ended=_offer_another,
        )


def _offer(run: Run, export_id: str, folder: str) -> None:
    if why := rights.against(rights.WORK, run.dataset):
        st.caption(plain(why))
        return
    with st.form("push", border=False):
        name = st.text_input(
            "Owner/name",
            placeholder="my-team/my-classifier",
            max_chars=200,
            help="Your user name or team on the Hub, and what the repository shall be called.",
        )
        public = st.toggle(
            "Public repository",
            help="Off: only you and those to whom you give access on the Hub can see it.",
        )
        if not st.form_submit_button(
            "Upload",
            icon=":material/cloud_upload:",
            help="Verifies the bundle, then uploads it.",
        ):
            return
    if not is_name(name.strip()):
        st.warning("Write it as owner/name, with letters, digits, dots, dashes and underscores.")
        return
    options = {
        "run": export_id,
        "folder": folder,
        "repository": name.strip(),
        "public": public,
    }
    config = RunConfig("push", services.user(), run.dataset, options=options)
    st.session_state["push_run"] = run_panel.start(config, "push").id
    st.rerun()


def _show_address(job: Run) -> None:
    address = (job.summary or {})["address"]
    st.success(f"{plain(job.headline)}: {address}", icon=":material/check_circle:")
    _offer_another(job)


def _offer_another(job: Run) -> None:
    del job
    st.button(
        "Another name",
        on_click=lambda: st.session_state.update(push_run=""),
        help="Uploads it under another name, too.",
    )
