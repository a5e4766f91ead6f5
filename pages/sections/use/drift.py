"""Whether what a served model is asked is like its training data: window by window, with what
chance would show.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.shell import problems
from pages.shell.words import ago, plain
from pages.widgets import charts
from pages.widgets.glossary import help_of
from tl_core.watch.journal import Journal
from tl_core.watch.verdict import LEVEL, PastWindow, WindowFacts, verdict

_CLASSES = 30  # in the table of shares


def show(journal: Journal) -> None:
    """The newest reading, the windows as a chart, and the classes then and now."""
    with problems.caught():
        past, now = journal.past, verdict(journal.reference, journal.open_window).as_dict()
    st.subheader(f"Served as {plain(journal.about.name)}")
    newest = past[-1] if past else now
    _badge(newest)
    st.markdown(plain(newest["sentence"]))
    if past:
        drifted = sum(one["drifted"] for one in past)
        st.caption(
            f"{drifted} of {len(past)} windows differ; about {100 * LEVEL:.0f} in 100 would without"
            f" any drift. The last was full {ago(past[-1]['ended'])};"
            f" {now['items']:,} items have come since."
        )
        charts.draw(_figure(past), f"drift_{journal.folder.name}", 300, legend=True)
        st.caption(
            "Each value is divided by what chance stays below: above 1 is more than chance."
            " Something that differs is not yet a worse model: look at the items, label some of"
            " them, and see what the honest score says.",
            help=help_of("population stability index"),
        )
    with st.expander("Which classes it names, then and now"):
        st.dataframe(_shares(journal, past), hide_index=True, alt="Shares of the classes")


def _badge(window: WindowFacts) -> None:
    if not window["comparisons"]:
        st.markdown(":gray-badge[:material/hourglass_empty: too few items yet]")
    elif window["drifted"]:
        st.markdown(":orange-badge[:material/warning: differs from the training]")
    else:
        st.markdown(":green-badge[:material/check: like the training]")


def _figure(past: Sequence[PastWindow]) -> go.Figure:
    """The three measures by window, as multiples of their thresholds."""
    figure = go.Figure()
    names = dict.fromkeys(one["what"] for window in past for one in window["comparisons"])
    for name, colour in zip(names, charts.COLOURS, strict=False):
        points = [
            (number, one["value"] / one["threshold"])
            for number, window in enumerate(past, 1)
            for one in window["comparisons"]
            if one["what"] == name and one["threshold"] > 0
        ]
        figure.add_scatter(
            x=[number for number, _ in points],
            y=[value for _, value in points],
            mode="lines+markers",
            name=name,
            line={"color": colour},
            hovertemplate=f"window %{{x}}, {name}: %{{y:.2f}} times chance<extra></extra>",
        )
    figure.add_hline(y=1, line_dash="dot", line_color=charts.SLATE)
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_xaxes(title="window", dtick=1 if len(past) < 12 else None)
    figure.update_yaxes(title="times what chance shows", rangemode="tozero")
    return figure


def _shares(journal: Journal, past: Sequence[PastWindow]) -> list[dict[str, object]]:
    """The classes that moved most, with their shares in the reference and in the newest window."""
    counts = past[-1]["classes"] if past else journal.open_window.classes.tolist()
    before, items = journal.reference.classes, max(sum(counts), 1)
    rows = [
        (name, 100 * int(was) / journal.reference.rows, 100 * count / items)
        for name, was, count in zip(journal.reference.labels, before, counts, strict=True)
    ]
    rows.sort(key=lambda row: -abs(row[2] - row[1]))
    return [
        {"class": name, "held-out rows, %": round(was, 1), "served, %": round(now, 1)}
        for name, was, now in rows[:_CLASSES]
    ]
