"""More data, or another model? A learning curve with its trend, and a map of the items as the
backbone sees them.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components import (
    backbones,
    charts,
    chrome,
    gallery,
    growth,
    problems,
    services,
    state,
    waiting,
)
from pages.components.words import label, plain
from tl_core.config import RunConfig
from tl_core.registry.runs import ACTIVE

_SHOWN = 24
_COLOURED = 7

st.title("More data, or another model?")
name = state.current("dataset")
chrome.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    searches = [
        run for run in services.runs().of_dataset(record.reference) if run.kind == "explore"
    ]
st.caption(plain(" · ".join([record.reference, *(run.backbone for run in searches[:1])])))


def start() -> None:
    """Queue the work on the backbone in hand."""
    backbone = backbones.for_dataset(record)
    with problems.caught():
        services.submit(
            RunConfig(
                "explore", services.user(), record.reference, str(record.folder), backbone, "probe"
            ),
            f"{state.new_draft()}-explore",
        )
    state.draft_used()


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def read(folder: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """The curve and the map of a finished run."""
    with open(f"{folder}/explore.json", encoding="utf-8") as handle:
        return json.load(handle), pd.read_parquet(f"{folder}/map.parquet")


@st.fragment
def show_map(table: pd.DataFrame) -> None:
    """Points to be looked at, picked with the lasso."""
    left, right = st.columns(2)
    way = left.segmented_control(
        "Laid out by",
        ["Neighbours", "Main directions"],
        default="Neighbours",
        key="layout",
        help=(
            "Neighbours (t-SNE) keeps alike items together, distances between islands mean "
            "nothing; main directions (PCA) keeps distances as well as a plane can."
        ),
    )
    by = right.segmented_control(
        "Coloured by",
        ["Class", "Answer", "Split"],
        default="Class",
        key="colour",
        help="Answer: right or wrong when the item was kept apart.",
    )
    across, up = ("x", "y") if way == "Main directions" else ("near_x", "near_y")
    groups = (
        table["split"]
        if by == "Split"
        else (
            table["class"]
            if by != "Answer"
            else pd.Series(np.where(table["class"] == table["said"], "right", "wrong"))
        )
    )
    common = list(groups.value_counts().index[:_COLOURED])
    figure = go.Figure()
    for number, value in enumerate([*common, None]):
        some = (
            table[groups.to_numpy() == value]
            if value is not None
            else table[~groups.isin(common).to_numpy()]
        )
        if len(some):
            colour = charts.COLOURS[number] if value is not None else "#B8C0BC"
            figure.add_scatter(
                x=some[across],
                y=some[up],
                mode="markers",
                name=label(value) if value is not None else "others",
                customdata=some[["row"]].to_numpy(),
                text=[label(text) for text in some["class"]],
                marker={"size": 6, "opacity": 0.75, "color": colour},
                hovertemplate="%{text}<extra></extra>",
            )
    figure.update_layout(
        height=480,
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
    event = st.plotly_chart(
        figure,
        key="map",
        on_select="rerun",
        selection_mode=("lasso", "box"),
        config={"displaylogo": False},
    )
    rows = [int(point["customdata"][0]) for point in event["selection"]["points"]] if event else []
    if not rows:
        st.caption("Draw around some points to see them.")
        return
    st.caption(f"{len(rows):,} items" + (f", the first {_SHOWN}" if len(rows) > _SHOWN else ""))
    picked = table.set_index("row").loc[rows[:_SHOWN]]
    content = gallery.items(str(record.folder), tuple(rows[:_SHOWN]))
    if record.modality == "text":
        gallery.texts(
            [
                {"text": text, "is": true, "was called": said}
                for text, true, said in zip(content, picked["class"], picked["said"], strict=True)
            ],
            "picked",
        )
    else:
        gallery.pictures(content, list(picked["class"]))


if not searches or searches[0].status not in (*ACTIVE, "done"):
    if searches:
        problems.show(searches[0].reason or {"what": "It stopped."})
    st.markdown(
        "A probe is trained on more and more of your items to see whether its score is still"
        " rising, and the items are laid out on a map as the backbone sees them."
    )
    if st.button("Find out", type="primary", icon=":material/trending_up:"):
        start()
        st.rerun()
elif searches[0].status in ACTIVE:
    waiting.watch_run(searches[0].id, "Training on more and more items…")
else:
    with problems.caught():
        result, layout = read(str(searches[0].folder))
    st.markdown(f"#### {plain(result['advice'])}")
    growth.curve(result, "growth", "The band holds the spread of five repetitions of a probe")
    growth.of_training(record)
    st.subheader("A map of the items")
    show_map(layout)
