"""Rows of small pictures and lists of texts, the same on every page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import streamlit as st

from tl_core.data.pictures.thumbnails import thumbnail

_WIDTH = 104
_NARROWEST = 200  # pixels of a framed picture
_LARGE = 480
_ROWS, _TABLE = 12, 440  # of a table that is not cut, and the height of one that is, in pixels
_EXCERPT = 220  # characters of a text in a tile


def pictures(items: Sequence[str | bytes], captions: list[str] | None = None) -> None:
    """Square thumbnails side by side, wrapping; captions are shown as plain text."""
    with st.container(horizontal=True, gap="small"):
        for place, data in enumerate(items):
            with st.container(width=_WIDTH, gap=None):
                st.image(data, width=_WIDTH, alt=captions[place] if captions else "A photo")
                if captions:
                    st.text(captions[place][:14])


def framed_pictures(pictures: Sequence[tuple[bytes, str]]) -> None:
    """Pictures in frames, as many to a row as fit, each with its caption in Markdown."""
    with st.grid(min_column_width=_NARROWEST):
        for data, caption in pictures:
            with st.container(border=True, height="stretch"):
                st.image(data, width="stretch", alt="A photo")
                st.caption(caption)


def data_url(thumbnail: bytes) -> str:
    """A small JPEG as text that stands in a page itself."""
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail).decode()


def tile(thumbnail: bytes) -> None:
    """A small JPEG, as wide as its place: lighter to draw than `st.image`, of which each has a bar
    of its own, and with no address from which others could fetch it.
    """
    st.html(
        f'<img alt="A photo" src="{data_url(thumbnail)}"'
        ' style="display: block; width: 100%; border-radius: 0.5rem">'
    )


def excerpt(text: str) -> None:
    """The beginning of a text, as it is written."""
    st.text(text if len(text) <= _EXCERPT else f"{text[:_EXCERPT].rstrip()}…")


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
        height="content" if len(rows) <= _ROWS else _TABLE,
        column_config={"text": st.column_config.TextColumn(width=400)},
    )
