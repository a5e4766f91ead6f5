"""Plots in one style: no chart junk, units on hover, intervals as whiskers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TypedDict

import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import label
from pages.widgets.axes import score_range
from tl_core.evaluate.measures import Range, Score

ACCENT, SLATE, BLUE = "#009E73", "#7A8793", "#0072B2"
COLOURS = (ACCENT, BLUE, "#E69F00", "#CC79A7", "#56B4E9", "#D55E00", SLATE)  # Okabe-Ito
_CONFIG = {"displaylogo": False, "modeBarButtons": [["toImage"]]}


class Priced(TypedDict):
    """A strategy or run with its score and its price."""

    name: str
    title: str
    minutes: float
    accuracy: Score


def draw(figure: go.Figure, key: str, height: int = 260, *, legend: bool = False) -> None:
    """Show a figure in the common template."""
    put(styled(figure, height, legend=legend), key)


def put(figure: go.Figure, key: str) -> None:
    """Show a figure as it is."""
    st.plotly_chart(figure, key=key, config=_CONFIG)


def styled(figure: go.Figure, height: int = 260, *, legend: bool = False) -> go.Figure:
    """The figure in the common template. To make one takes longer than to show it: what many see
    or is drawn again unchanged is better kept.
    """
    inside = figure.layout.legend.y is not None and figure.layout.legend.y <= 1
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 44 if legend and not inside else 28, "b": 8},
        showlegend=legend,
        hoverlabel={"namelength": -1},
        xaxis={"fixedrange": True},
        yaxis={"fixedrange": True},
    )
    return figure


def cut(text: str, most: int = 22) -> str:
    """`text` as a label of a plot that has room for so many characters."""
    return label(text if len(text) <= most else text[: most - 1] + "…")


def legend_inside(figure: go.Figure, corner: str) -> None:
    """A slim legend in the corner where no curve runs: `bottom right` or `bottom left`."""
    _, side = corner.split()
    figure.update_layout(
        legend={
            "x": 0.99 if side == "right" else 0.01,
            "y": 0.02,
            "xanchor": side,
            "yanchor": "bottom",
            "bgcolor": "rgba(0, 0, 0, 0)",
            "font": {"size": 11},
            "tracegroupgap": 0,
        }
    )


def class_bars(class_splits: dict[str, dict[str, int]]) -> go.Figure:
    """Rows of each class, stacked by split."""
    names = list(class_splits)[:60]
    figure = go.Figure()
    for split, colour in (("train", ACCENT), ("validation", BLUE), ("test", "#E69F00")):
        figure.add_bar(
            y=[label(n) for n in names],
            x=[class_splits[n].get(split, 0) for n in names],
            orientation="h",
            name=split,
            marker_color=colour,
            hovertemplate="%{y}: %{x:,} for " + split + "<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    figure.update_yaxes(autorange="reversed", type="category")
    return styled(figure, max(190, 30 * len(names) + 90), legend=True)


def ink() -> str:
    """A colour that stands out against the page, light or dark."""
    return "#D5DCD8" if st.context.theme.type == "dark" else "#3E4843"


def score_bars(
    rows: list[tuple[str, Range, bool]], key: str, step: int = 46, score: str = "accuracy"
) -> None:
    """Scores in per cent with their intervals, each bar `step` pixels high; the marked one in the
    accent colour.
    """
    figure = go.Figure(
        go.Bar(
            y=[cut(name, 34) for name, _, _ in rows],
            x=[100 * s["value"] for _, s, _ in rows],
            orientation="h",
            marker_color=[ACCENT if own else SLATE for _, _, own in rows],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * (s["high"] - s["value"]) for _, s, _ in rows],
                "arrayminus": [100 * (s["value"] - s["low"]) for _, s, _ in rows],
                "color": ink(),
            },
            text=[f"{100 * s['value']:.0f}" for _, s, _ in rows],
            textposition="inside",
            insidetextanchor="start",
            hovertemplate=f"%{{y}}: {score} %{{x:.1f}} %<extra></extra>",
        )
    )
    figure.update_xaxes(
        range=[0, 103],
        title=f"{score} (%) with its 95 % interval",
        tickvals=[0, 25, 50, 75, 100],
    )
    figure.update_yaxes(autorange="reversed", type="category")
    draw(figure, key, step * len(rows) + 80)


def lr_curve(points: list[dict[str, float]], chosen: float, key: str) -> None:
    """Loss at each tried learning rate, and the one that was taken."""
    figure = go.Figure(
        go.Scatter(
            x=[p["lr"] for p in points],
            y=[p["loss"] for p in points],
            mode="lines",
            line={"color": ACCENT},
            hovertemplate="%{x:.2g}: loss %{y:.3f}<extra></extra>",
        )
    )
    figure.add_vline(x=chosen, line={"color": "#D55E00", "dash": "dot"})
    figure.update_xaxes(type="log", title="learning rate")
    figure.update_yaxes(title="loss")
    draw(figure, key, 220)


def cost_and_score(rows: Sequence[Priced], recommended: str, key: str) -> None:
    """Strategies by minutes and score, with their intervals; the recommended one in the accent
    colour.
    """
    figure = go.Figure()
    costs = [math.log10(60 * row["minutes"] + 1e-3) for row in rows]
    scores = [row["accuracy"] for row in rows]
    low, high = score_range([100 * end for one in scores for end in (one["low"], one["high"])])
    sides = _sides(costs, [(100 * one["value"] - low) / (high - low) for one in scores])
    for row, side in zip(rows, sides, strict=True):
        score = row["accuracy"]
        figure.add_scatter(
            x=[60 * row["minutes"]],
            y=[100 * score["value"]],
            mode="markers+text",
            text=[cut(row["title"], 30)],
            textposition=side,
            name=label(row["title"]),
            cliponaxis=False,
            marker={"size": 12, "color": ACCENT if row["name"] == recommended else SLATE},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * (score["high"] - score["value"])],
                "arrayminus": [100 * (score["value"] - score["low"])],
                "color": ink(),
                "thickness": 1,
            },
            hovertemplate="%{text}: accuracy %{y:.1f} %, %{x:.0f} seconds<extra></extra>",
        )
    room = 0.12 * (max(costs) - min(costs)) + 0.1
    figure.update_xaxes(
        type="log",
        title="seconds of training",
        dtick=1,
        range=[min(costs) - room, max(costs) + 4 * room],
    )  # so that no name is cut off
    figure.update_yaxes(title="accuracy (%)", range=[low, high])
    draw(figure, key, 360)


def _sides(across: Sequence[float], up: Sequence[float]) -> list[str]:
    """Where the name of each point stands: beside it, or above or below where another point or its
    name would be in the way. `across` in powers of ten, `up` as shares of the axis.
    """
    reach = 0.45 * max(max(across) - min(across), 0.5)
    order = sorted(range(len(across)), key=lambda place: (across[place], place))
    sides = ["middle right"] * len(across)
    for number, own in enumerate(order):

        def near(other: int, own: int = own) -> bool:
            return abs(across[own] - across[other]) < reach and abs(up[own] - up[other]) < 0.06

        taken = {sides[other] for other in order[:number] if near(other)}
        if any(near(other) for other in order[number + 1 :]):
            taken.add("middle right")
        free = ("middle right", "top right", "bottom right")
        sides[own] = next((side for side in free if side not in taken), "bottom right")
    return sides


def probabilities(
    pairs: list[tuple[str, float]], key: str, named: Collection[str] | None = None
) -> None:
    """What the model says about one item: the classes that it names, by default the first, in the
    accent colour.
    """
    named = [name for name, _ in pairs[:1]] if named is None else named
    pairs = pairs[:10]
    figure = go.Figure(
        go.Bar(
            y=[label(name) for name, _ in pairs],
            x=[100 * p for _, p in pairs],
            orientation="h",
            marker_color=[ACCENT if name in named else SLATE for name, _ in pairs],
            text=[f"{100 * p:.0f} %" for _, p in pairs],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 112], visible=False)
    figure.update_yaxes(autorange="reversed", type="category")
    draw(figure, key, 34 * len(pairs) + 60)
