"""Files that a run has made, as downloads: the browser gets them from the server itself, of any
size, and only while whoever asks may look at the run.
"""

from __future__ import annotations

import streamlit as st

from pages.shell.words import size
from tl_core.registry.run import Run
from tl_core.web.run_files import address_of, takeable


def offer(run: Run) -> None:
    """Draw the download of the file that a run was there for; nothing where it has gone."""
    name = str((run.summary or {})["file"]).rpartition("/")[2]
    link(run, name, f"Download {name}", primary=True)


def link(
    run: Run,
    name: str,
    words: str,
    *,
    primary: bool = False,
    icon: str = "download",
    help: str = "",
) -> None:
    """Draw the download of one file of a run by its name; nothing where it has gone."""
    path = takeable(run).get(name)
    if path is None:
        return
    st.link_button(
        f"{words} ({size(path.stat().st_size)})",
        address_of(run, name),
        type="primary" if primary else "secondary",
        icon=f":material/{icon}:",
        help=help or None,
    )
