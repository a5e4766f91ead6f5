"""The guide "Which way for my data?" beside the strategies, as a dialog."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

_GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "which-way.md"
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")  # to other pages of the docs, which are not here


def offer() -> None:
    """The button that opens it; the guide is a page of the docs, too."""
    if st.button(
        "Which way for my data?",
        icon=":material/signpost:",
        type="tertiary",
        help="A table of what to take when, with what was measured.",
    ):
        _show()


@st.dialog("Which way for my data?", width="large", icon=":material/signpost:")
def _show() -> None:
    text = _GUIDE.read_text(encoding="utf-8")
    st.markdown(_LINK.sub(r"\1", text.partition("\n")[2]))
