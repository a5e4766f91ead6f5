"""Rows of small pictures and lists of texts, the same on every page."""

from __future__ import annotations

import streamlit as st

_WIDTH = 104


def pictures(items: list[bytes], captions: list[str] | None = None) -> None:
    """Square thumbnails side by side, wrapping; captions are shown as plain text."""
    with st.container(horizontal=True, gap="small"):
        for place, data in enumerate(items):
            with st.container(width=_WIDTH, gap=None):
                st.image(data, width=_WIDTH)
                if captions:
                    st.text(captions[place][:14])


def texts(rows: list[dict[str, str]], key: str | None = None) -> None:
    """A table whose first column is the text."""
    st.dataframe(rows, hide_index=True, key=key, column_config={"text": st.column_config.TextColumn(width=400)})
