"""A map of the items as the backbone sees them: points in a plane, picked with the lasso."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell.words import counted, label
from pages.widgets import charts
from tl_core.registry.datasets import DatasetRecord

_SHOWN = 24
_COLOURED = 7
_OTHERS = "#B8C0BC"
_PLACES = {"Neighbours": ("near_x", "near_y"), "Principal components": ("x", "y")}


@st.fragment
def show(record: DatasetRecord, table: pd.DataFrame) -> None:
    """Choices, the map, and the items that were drawn around."""
    row = st.container(horizontal=True, gap="large")
    layout = row.segmented_control(
        "Laid out by",
        list(_PLACES),
        default="Neighbours",
        key="layout",
        help=(
            "Neighbours (t-SNE) keeps similar items together, distances between clusters mean"
            " nothing; principal components (PCA) keeps distances as well as a plane can."
        ),
    )
    by = row.segmented_control(
        "Coloured by",
        ["Class", "Answer", "Split"],
        default="Class",
        key="colour",
        help="Answer: right or wrong when the item was held out (cross-validation).",
    )
    figure = _figure(table, _groups(table, by or "Class"), _PLACES[layout or "Neighbours"])
    place, beside = st.columns([3, 2], gap="large")
    with place:
        event = st.plotly_chart(
            figure,
            key="map",
            on_select="rerun",
            selection_mode=("lasso", "box"),
            config={"displaylogo": False},
        )
    rows = [_row_of(point["customdata"]) for point in event["selection"]["points"]] if event else []
    with beside:
        if rows:
            _show_picked(record, table, rows)
        else:
            st.caption("Draw around some points to see their items here.")


def _row_of(customdata: object) -> int:
    """The row of a picked point, which comes back alone or in a list."""
    return int(str(customdata[0] if isinstance(customdata, list) else customdata))


def _groups(table: pd.DataFrame, by: str) -> pd.Series:
    """What decides the colour of each row."""
    if by == "Answer":
        return pd.Series(np.where(table["class"] == table["said"], "right", "wrong"))
    return table[by.lower()]


def _figure(table: pd.DataFrame, groups: pd.Series, places: tuple[str, str]) -> go.Figure:
    """One colour for each of the commonest groups, grey for the others."""
    common = list(groups.value_counts().index[:_COLOURED])
    parts = [
        (label(value), table[groups.to_numpy() == value], charts.COLOURS[number])
        for number, value in enumerate(common)
    ]
    parts.append(("others", table[~groups.isin(common).to_numpy()], _OTHERS))
    figure = go.Figure()
    for name, rows, colour in parts:
        if len(rows):
            figure.add_scatter(
                x=rows[places[0]],
                y=rows[places[1]],
                mode="markers",
                name=name,
                customdata=rows["row"].tolist(),  # an array would come back as something else
                text=[label(text) for text in rows["class"]],
                marker={"size": 6, "opacity": 0.75, "color": colour},
                hovertemplate="%{text}<extra></extra>",
            )
    figure.update_layout(
        height=560,
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        dragmode="lasso",
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "itemsizing": "constant",
        },
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def _show_picked(record: DatasetRecord, table: pd.DataFrame, rows: list[int]) -> None:
    st.caption(
        f"{counted(len(rows), 'item')}" + (f", the first {_SHOWN}" if len(rows) > _SHOWN else "")
    )
    picked = table.set_index("row").loc[rows[:_SHOWN]]
    content = small_items(str(record.folder), tuple(rows[:_SHOWN]))
    pages_of(record.modality).draw_strip(
        [
            Card(item, {"true class": true, "predicted": said})
            for item, true, said in zip(content, picked["class"], picked["said"], strict=True)
        ],
        "picked",
    )
