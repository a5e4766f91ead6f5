"""Rows of small pictures and lists of texts, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from tl_core.data.pictures.thumbnails import thumbnail

_WIDTH = 104
_ACROSS = 4
_LARGE = 480


def pictures(items: Sequence[str | bytes], captions: list[str] | None = None) -> None:
    """Square thumbnails side by side, wrapping; captions are shown as plain text."""
    with st.container(horizontal=True, gap="small"):
        for place, data in enumerate(items):
            with st.container(width=_WIDTH, gap=None):
                st.image(data, width=_WIDTH)
                if captions:
                    st.text(captions[place][:14])


def framed_pictures(pictures: Sequence[tuple[bytes, str]]) -> None:
    """Pictures in frames, four to a row, each with its caption in Markdown."""
    for start in range(0, len(pictures), _ACROSS):
        row = pictures[start : start + _ACROSS]
        for column, (data, caption) in zip(st.columns(_ACROSS), row, strict=False):
            with column.container(border=True):
                st.image(data, width="stretch")
                st.caption(caption)


@st.cache_data(max_entries=200, ttl=3600, show_spinner=False)
def whole_picture(encoded: bytes) -> bytes:
    """All of an encoded picture, upright and at most as large as a page needs it."""
    return thumbnail(encoded, _LARGE, whole=True)


def texts(rows: Sequence[Mapping[str, object]], key: str | None = None) -> None:
    """A table whose first column is the text."""
    st.dataframe(
        rows,
        hide_index=True,
        key=key,
        height="content",
        column_config={"text": st.column_config.TextColumn(width=400)},
    )
