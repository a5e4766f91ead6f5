"""How good a model of the labels is: the honest score, its curve, and what choosing was worth."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import counted, interval, plain
from pages.widgets import charts
from pages.widgets.glossary import help_of
from tl_core.evaluate.measures import Score
from tl_core.results import LabellingPoint, LabelQueue


def show(queue: LabelQueue) -> None:
    """The score of now, its curve against labels, and the same with labels drawn at random."""
    st.markdown(f"**{plain(queue['sentence'])}**")
    if queue["note"]:
        st.caption(plain(queue["note"]))
    scored = [(one["labels"], one["score"]) for one in queue["curve"] if one["score"]]
    if scored:
        labels, score = scored[-1]
        st.metric(
            "Right, of the items drawn at random",
            f"{100 * score['value']:.0f} %",
            help=help_of("honest score", f"After {counted(labels, 'label')}."),
        )
        st.caption(f"95 % interval: {interval(score)} %.")
    gains = [one["gain"] for one in queue["curve"] if one["gain"]]
    if len(scored) + len(gains) < 2:
        st.caption("The curve begins with the second look at the labels.")
        return
    charts.draw(_figure(queue["curve"]), "labelling_curve", 340, legend=True)
    if gains:
        st.caption(
            "At equal numbers of labels, those that the queue chose against those drawn at random,"
            f" both judged on the random items: {plain(gains[-1]['paired']['sentence'])}"
        )


def _figure(curve: Sequence[LabellingPoint]) -> go.Figure:
    """Lines with their intervals by number of labels."""
    figure = go.Figure()
    own = [(one["labels"], one["score"]) for one in curve if one["score"]]
    gains = [one["gain"] for one in curve if one["gain"]]
    lines: list[tuple[str, list[tuple[int, Score]], str]] = [
        ("all labels so far", own, charts.ACCENT),
        ("chosen by the queue", [(one["labels"], one["queue"]) for one in gains], charts.BLUE),
        ("as many at random", [(one["labels"], one["random"]) for one in gains], charts.SLATE),
    ]
    for name, points, colour in lines:
        figure.add_scatter(
            x=[labels for labels, _ in points],
            y=[100 * score["value"] for _, score in points],
            mode="lines+markers",
            name=name,
            line={"color": colour},
            error_y={
                "type": "data",
                "symmetric": False,
                "thickness": 1,
                "array": [100 * (score["high"] - score["value"]) for _, score in points],
                "arrayminus": [100 * (score["value"] - score["low"]) for _, score in points],
            },
            hovertemplate=f"%{{x:,}} labels, {name}: %{{y:.1f}} %<extra></extra>",
        )
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_xaxes(title="labels", rangemode="tozero")
    figure.update_yaxes(title="right on items drawn at random (%)")
    return figure
