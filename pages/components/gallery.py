"""Rows of small pictures and lists of texts, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from tl_core.data.pictures.thumbnails import thumbnail
from tl_core.data.versions.store import DatasetVersion

_WIDTH = 104


@st.cache_data(max_entries=400, ttl=3600, show_spinner=False)
def items(folder: str, rows: tuple[int, ...]) -> list[str | bytes]:
    """Texts or small pictures of some rows of a dataset version."""
    version = DatasetVersion(folder)
    if version.info.modality == "text":
        return list(version.texts(np.array(rows, dtype=np.int64)))
    return [thumbnail(version.image_bytes(row)) for row in rows]


def pictures(items: Sequence[str | bytes], captions: list[str] | None = None) -> None:
    """Square thumbnails side by side, wrapping; captions are shown as plain text."""
    with st.container(horizontal=True, gap="small"):
        for place, data in enumerate(items):
            with st.container(width=_WIDTH, gap=None):
                st.image(data, width=_WIDTH)
                if captions:
                    st.text(captions[place][:14])


def texts(rows: Sequence[Mapping[str, object]], key: str | None = None) -> None:
    """A table whose first column is the text."""
    st.dataframe(
        rows,
        hide_index=True,
        key=key,
        height="content",
        column_config={"text": st.column_config.TextColumn(width=400)},
    )
