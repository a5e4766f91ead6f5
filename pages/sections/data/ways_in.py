"""The ways in for data: upload, files class by class, webcam, microphone, paste, a folder of this
server, the Hub.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.sections.data import collect
from pages.shell import ask, problems, services, uploads
from pages.shell.words import plain
from pages.widgets import uploader
from tl_core.data.limits import limits_table
from tl_core.data.sources.hub_datasets import KNOWN
from tl_core.errors import DataError
from tl_core.services.datasets import limits_of

WAYS = {
    "upload": "Upload",
    "files": "Files by class",
    "webcam": "Webcam",
    "record": "Record",
    "paste": "Paste",
    "server": "This server",
    "hub": "Hugging Face Hub",
}
_FOLDERS = """my-photos.zip
├── ripe/      1.jpg  2.jpg  …
└── unripe/    7.jpg  8.jpg  …"""
_TABLE = """text                      class
Where is my parcel?       delivery
I want my money back.     refund"""


def choose() -> None:
    """Show the chosen way; each puts its path or reference into `upload`."""
    way = st.segmented_control(
        "Where the data is",
        list(WAYS),
        format_func=WAYS.get,
        key="way",
        label_visibility="collapsed",
        required=True,
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        {
            "upload": _upload,
            "files": collect.show_files,
            "webcam": collect.show_webcam,
            "record": collect.show_microphone,
            "paste": _paste,
            "server": _server,
            "hub": _hub,
        }[way or "upload"]()
    with right:
        _layouts()
        with st.expander("Limits of this server"):
            st.dataframe(
                pd.DataFrame(limits_table(limits_of(services.settings()))), hide_index=True
            )


def _layouts() -> None:
    """What photos, recordings and texts may look like, drawn."""
    with st.container(border=True):
        st.markdown("**Photos or recordings:** a folder, or a zip, with one folder for each class")
        st.code(_FOLDERS, language=None)
        st.markdown("**Texts:** a table with a text and a class in each row")
        st.code(_TABLE, language=None)
        st.caption(
            "Splits of your own are taken from folders or a column named train, validation and"
            " test. Much else is recognised, too: the guide lists it."
        )


def _upload() -> None:
    st.caption(
        "Photos or recordings: a zip with one folder for each class, or with a table of file names"
        " and classes. Texts: a table (CSV, TSV, XLSX, JSON, JSONL, Parquet) with a text and a"
        " class in each row, or a zip of tables named train and test."
    )
    words = "Larger data: a server folder, or the command line."
    if path := uploader.brought("dataset", "Your file", words, several=True):
        st.session_state["upload"] = str(path)
        st.rerun()


def _paste() -> None:
    st.caption(
        "Copy the cells from a spreadsheet, the row with the column names included, and paste them"
        " here."
    )
    with st.form("paste", border=False):
        text = st.text_area(
            "Rows of a table", height=220, placeholder="text\tclass\nWhere is my parcel?\tdelivery"
        )
        if st.form_submit_button("Look inside", type="primary"):
            with problems.caught():
                if len(text.strip().splitlines()) < 3:
                    raise DataError(
                        "There are too few rows.",
                        "The first row names the columns; at least two more are needed.",
                        "Paste the whole table.",
                    )
                st.session_state["upload"] = str(uploads.keep_text(text))
            st.rerun()


def _server() -> None:
    roots = services.settings().data_folders
    if not roots:
        st.info(
            "No server folder is open. Whoever runs this server can open some with TL_DATA_DIRS."
        )
    else:
        st.caption("Open folders: " + ", ".join(plain(str(root)) for root in roots))
    with st.form("server", border=False):
        path = st.text_input(
            "Folder or file on this server",
            help="Class folders, a zip, or a table.",
            placeholder=str(roots[0]) if roots else "",
            disabled=not roots,
        )
        if st.form_submit_button("Look inside", disabled=not roots, type="primary") and path:
            with problems.caught():
                st.session_state["upload"] = str(uploads.allowed_folder(path))
            st.rerun()


def _hub() -> None:
    st.caption(
        "Any dataset of the Hugging Face Hub with pictures, recordings or texts and a class column."
        " It is downloaded to this server; nothing of yours is sent."
    )
    with st.form("hub", border=False):
        name = st.text_input(
            "Name of the dataset", placeholder="owner/name", help="As on the dataset's page."
        )
        if st.form_submit_button("Look inside", type="primary") and name.strip():
            st.session_state["upload"] = "hub:" + name.strip().removeprefix("hub:")
            st.rerun()
    reachable = ask.ask(
        "hub",
        "hub_reachable",
        "",
        "Asking whether the Hub can be reached…",
        quiet=True,
        failed=ask.ignore,
    )
    if reachable is not None:
        _known(reachable)


def _known(reachable: bool) -> None:
    """Well-known sets, where the Hub answers."""
    if not reachable:
        st.info("The Hub cannot be reached from this server just now.", icon=":material/cloud_off:")
        return
    st.markdown("**Well-known sets to try**")
    for reference, text in KNOWN.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{plain(text)}  \n:small[{plain(reference)}]", width="stretch")
            if st.button("Take this", key=reference):
                st.session_state["upload"] = reference
                st.rerun()
