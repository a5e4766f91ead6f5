"""One new item for a trained model: brought as a file, photographed, or typed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shell import ask, problems
from pages.shell.words import plain
from tl_core.data.preparation import Preparation
from tl_core.errors import UserError
from tl_core.predict.picture_files import open_page

_MEGABYTES = 30
_SIGNS = 20_000


def picture(kept: Preparation, ask_about: Callable[[bytes, str], None]) -> None:
    """Upload or camera; a new picture is asked about once."""
    way = st.segmented_control(
        "From", ["File", "Camera"], default="File", label_visibility="collapsed"
    )
    taken = (
        st.camera_input("Take a photo")
        if way == "Camera"
        else st.file_uploader(
            "A photo",
            max_upload_size=_MEGABYTES,
            help=f"One picture, up to {_MEGABYTES} MB.",
        )
    )
    if taken is None:
        ask.forget("answer")
        return
    try:
        st.image(open_page(taken.getvalue(), 0, kept), width=220)
    except UserError as error:
        problems.show(error)
        ask.forget("answer")
        return
    if not ask.is_about("answer", taken.file_id):
        ask_about(taken.getvalue(), taken.file_id)


def text(kept: Preparation, key: str, ask_about: Callable[[str, str], None]) -> None:
    """A box for each column that the model reads; they are asked about when the button is
    pressed.
    """
    with st.form("one"):
        typed = _columns(kept, key) if kept.joined else _one_box(kept)
        if st.form_submit_button("Predict", type="primary"):
            if typed:
                ask_about(typed, "")
            else:
                st.warning("Write something first.")


def _one_box(kept: Preparation) -> str:
    return kept.one_text(
        st.text_area("A text", height=100, max_chars=_SIGNS, placeholder="Write or paste one here")
    )


def _columns(kept: Preparation, key: str) -> str:
    """A box for each column, joined as in training."""
    row = {
        name: st.text_area(
            plain(name),
            height=100 if name == kept.columns[-1] else 68,
            max_chars=_SIGNS,
            key=f"one {key} {name}",
        )
        for name in kept.columns
    }
    st.caption("The model was trained on these columns together.")
    return kept.text(row)
