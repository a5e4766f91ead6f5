"""How the store of artifacts stands: what is in it, what is kept here, what was collected last."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import streamlit as st

from pages.shell.words import ago, plain, size
from tl_core.json_files import find_object
from tl_core.registry.stored.collection import read_collected
from tl_core.settings import Settings


def show(settings: Settings) -> None:
    """The store that TL_STORE names, as the dispatcher last wrote it down; nobody waits for a
    network here.
    """
    st.subheader("Store")
    state = find_object(Path(settings.home_path) / "store" / "state.json")
    st.caption(plain(settings.store))
    if not state:
        st.caption("Nothing is known of it yet; the dispatcher looks when it starts.")
        return
    collected = read_collected(state.get("collection"))
    rows = [
        ("kept on this machine", size(_number(state, "kept_bytes")), _limit(settings)),
        ("folders of this machine that are stored", f"{_number(state, 'folders'):,}", ""),
    ]
    if collected:
        rows += [
            ("in the store", size(collected.bytes), f"{collected.folders:,} folders"),
            (
                "last collection",
                ago(collected.at),
                f"{size(collected.removed_bytes)} removed that nobody referred to",
            ),
        ]
    st.dataframe(
        [{"what": what, "value": value, "about": about} for what, value, about in rows],
        hide_index=True,
        key="store_state",
        height="content",
        alt="The store of artifacts",
    )
    st.caption(f"As of {ago(float(_number(state, 'at')))}.")
    for trouble in cast("list[str]", state.get("troubles", [])):
        st.markdown(f":material/warning: {plain(trouble)}")


def _number(state: dict[str, object], name: str) -> int:
    value = state.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0


def _limit(settings: Settings) -> str:
    most = settings.limit("store_cache_mb")
    return f"of at most {size(most << 20)}" if most else "without a limit"
