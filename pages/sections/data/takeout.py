"""A version as files that any other tool reads."""

from __future__ import annotations

import streamlit as st

from pages.shell import rights, run_panel, services
from pages.shell.words import plain, size
from pages.widgets import run_file
from tl_core.config import RunConfig
from tl_core.data.versions.export import formats_of
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

_NAMES = {"folders": "Zip of class folders", "csv": "CSV", "parquet": "Parquet"}


def show(record: DatasetRecord) -> None:
    """The choice of a format, the run that writes it, and the files."""
    st.subheader("Download the data")
    st.caption(f"Version {record.version} as files that any other tool reads.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            "Format",
            formats_of(record.modality),
            format_func=_NAMES.get,
            width=240,
            help="What the files are written as.",
        )
        why = rights.against(rights.WORK, record)
        if st.button(
            "Write the files",
            icon=":material/folder_zip:",
            disabled=bool(why),
            help=why or None,
        ):
            config = RunConfig(
                "takeout", services.user(), record.reference, options={"format": kind}
            )
            st.session_state["takeout_run"] = run_panel.start(config, "takeout").id
            st.rerun()
    run_panel.show(run_panel.in_hand("takeout_run"), "Writing the files…", _offer)


def _offer(run: Run) -> None:
    """The files in the browser, or where they lie when they are too large for it."""
    path = run.folder / str((run.summary or {})["file"])
    st.success(f"{plain(run.headline)}: {plain(path.name)}, {size(path.stat().st_size)}")
    run_file.offer(run)
