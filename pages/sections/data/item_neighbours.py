"""Items that are like one item: copies that the import found, and the nearest on the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.data import filters, similar
from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell import problems, run_panel
from tl_core.data.browse.item_details import alike
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.registry.datasets import DatasetRecord
from tl_core.results import MAP_FILE

_SHOWN = 6


def show(record: DatasetRecord, info: VersionInfo, version: DatasetVersion, row: int) -> None:
    """Copies and near-duplicates, then what a backbone sees as similar where a map was made."""
    copies = alike(version, row)
    if copies:
        st.markdown(f"**Copies and near-duplicates** ({len(copies):,})")
        _strip(record, info, version, copies[:_SHOWN], "copies")
    st.button(
        "Find similar items",
        on_click=similar.look_for_row,
        args=(row,),
        icon=":material/image_search:",
        help="All items of the dataset, the most alike to this one first.",
    )
    explored = run_panel.of_dataset(record.reference, "explore")
    if explored is None or explored.status != "done":
        st.page_link(
            "pages/data/growth.py",
            label="Make a map of the items to see similar ones here",
            icon=":material/scatter_plot:",
            query_params={"dataset": record.reference},
        )
        return
    with problems.caught():
        near = nearest(_map(str(explored.folder)), row)
    if near:
        st.markdown("**Similar items**")
        st.caption("As the backbone sees them: the nearest on the map of the items.")
        _strip(record, info, version, near, "near")


@st.cache_data(max_entries=8, ttl=3600, show_spinner=False)
def _map(folder: str) -> pd.DataFrame:
    """The places on the map of an exploration."""
    return pd.read_parquet(Path(folder) / MAP_FILE, columns=["row", "near_x", "near_y"])


def nearest(layout: pd.DataFrame, row: int) -> list[int]:
    """The rows nearest to one on a map, the nearest first; none where it is not on it."""
    rows = layout["row"].to_numpy()
    here = np.flatnonzero(rows == row)
    if not len(here):
        return []
    places = layout[["near_x", "near_y"]].to_numpy(dtype=np.float64)
    away = np.square(places - places[here[0]]).sum(axis=1)
    away[here[0]] = np.inf
    return [int(one) for one in rows[np.argsort(away, kind="stable")[: min(_SHOWN, len(rows) - 1)]]]


def _strip(
    record: DatasetRecord, info: VersionInfo, version: DatasetVersion, rows: list[int], key: str
) -> None:
    names = [*version.sets.names, filters.NO_CLASS]
    with problems.caught():
        content = small_items(str(record.folder), tuple(rows))
    pages_of(info.modality).draw_strip(
        [
            Card(item, {"class": names[version.labels[one]], "split": str(version.splits[one])})
            for item, one in zip(content, rows, strict=True)
        ],
        f"alike_{key}",
    )
