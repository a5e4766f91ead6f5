"""How the items of a version are spread: classes by split, lengths or sizes, the same by class."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from pages.sections.data import viewer
from pages.shell import services
from pages.shell.words import label
from pages.widgets import charts
from tl_core.data.browse.distributions import Spread, ends, spread_of
from tl_core.data.browse.row_columns import MEASURES
from tl_core.data.versions.store import VersionInfo
from tl_core.registry.datasets import DatasetRecord

_CLASSES = 8  # bars of classes; of more, the largest and the smallest
_FEW = 6  # classes that one small chart can tell apart
_HEIGHT = 300
_LONGEST = 28  # characters of a class name


def show(record: DatasetRecord) -> None:
    """Small charts side by side."""
    drawn = _charts(str(record.folder))
    places = st.columns(max(2, len(drawn)), gap="medium")
    for number, (caption, figure) in enumerate(drawn):
        with places[number]:
            st.caption(caption)
            charts.put(figure, f"spread_{number}")


@st.cache_resource(max_entries=64, ttl=3600, show_spinner=False)
def _charts(folder: str) -> list[tuple[str, go.Figure]]:
    """The charts of a version, each with its caption; kept, as making them is half the time that
    the page takes.
    """
    info = services.version_info(Path(folder))
    drawn = [_classes(info)]
    columns = viewer.columns_of(folder)
    measure = next(iter(columns.measures), "")
    if measure:
        few = list(info.classes) if len(info.classes) <= _FEW else []
        spread = spread_of(columns, measure, info.sets, few)
        named = MEASURES[measure].capitalize()
        drawn.append((f"{named}, {spread.median:,.0f} in the middle", _histogram(spread)))
        if few:
            drawn.append((f"{named} by class, share of each class", _by_class(spread)))
    return drawn


def _classes(info: VersionInfo) -> tuple[str, go.Figure]:
    """The classes by split; of many, both ends."""
    largest, smallest, between = ends(info.classes, _CLASSES)
    caption = (
        f"Classes by split: the {len(largest)} largest and the {len(smallest)} smallest,"
        f" {between:,} lie between"
        if between
        else "Classes by split"
    )
    shown: dict[str, dict[str, int]] = {}
    for name in (*largest, *smallest):
        short = _cut(name)
        own = short if short not in shown else f"{short} ({len(shown) + 1})"
        shown[own] = info.class_splits.get(name, {})
    return caption, charts.class_bars(shown)


def _cut(name: str) -> str:
    """A class name that leaves room for its bar; names often differ at their end alone."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}…{name[-8:]}"


def _middles(spread: Spread) -> list[float]:
    return [(a + b - 1) / 2 for a, b in zip(spread.edges, spread.edges[1:], strict=False)]


def _names(spread: Spread) -> list[str]:
    """What each bin holds, in words; the last one also holds what is longer."""
    pairs = list(zip(spread.edges, spread.edges[1:], strict=False))
    names = [f"{a:,.0f}" if b - a == 1 else f"{a:,.0f} to {b - 1:,.0f}" for a, b in pairs]
    if spread.open_end:
        names[-1] = f"{pairs[-1][0]:,.0f} and more"
    return names


def _histogram(spread: Spread) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            x=_middles(spread),
            y=spread.counts,
            width=spread.edges[1] - spread.edges[0],
            marker_color=charts.ACCENT,
            customdata=_names(spread),
            hovertemplate="%{customdata}: %{y:,} items<extra></extra>",
        )
    )
    figure.update_layout(bargap=0.06)
    figure.update_yaxes(title="items")
    return charts.styled(figure, _HEIGHT)


def _by_class(spread: Spread) -> go.Figure:
    figure = go.Figure()
    for colour, (name, counts) in zip(charts.COLOURS, spread.by_class.items(), strict=False):
        whole = max(sum(counts), 1)
        figure.add_scatter(
            x=_middles(spread),
            y=[100 * count / whole for count in counts],
            mode="lines",
            name=label(_cut(name)),
            line={"color": colour, "width": 2},
            customdata=_names(spread),
            hovertemplate="%{customdata}: %{y:.1f} % of " + label(name) + "<extra></extra>",
        )
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_yaxes(title="% of the class", rangemode="tozero")
    return charts.styled(figure, _HEIGHT, legend=True)
