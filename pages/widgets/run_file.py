"""The file that a run has made: as a download, or where it lies when it is too large for that."""

from __future__ import annotations

import streamlit as st

from pages.shell import services
from pages.shell.words import plain
from tl_core.registry.run import Run


def offer(run: Run) -> None:
    """Draw the download; nothing where the file has gone."""
    path = run.folder / str((run.summary or {})["file"])
    if not path.is_file():
        return
    if path.stat().st_size > services.settings().number("upload_mb") << 20:
        st.caption(f"It is too large for the browser. On the server it lies at {plain(str(path))}.")
        return
    st.download_button(
        f"Download {path.name}",
        path.read_bytes,
        path.name,
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )
