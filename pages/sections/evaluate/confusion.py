"""The confusion matrix as a heat map at any number of classes; a cell, or two boxes, choose whose
items are shown.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from pages.sections.evaluate.subject import Subject, without_items
from pages.sections.items import items
from pages.shell.words import label
from pages.widgets import charts
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.confusions import clustered, confused_pairs, most_confused
from tl_core.evaluate.measures import Confusion

_WAYS = {
    "counts": "Counts",
    "rows": "Share of row (recall)",
    "columns": "Share of column (precision)",
}
_WHICH = {"all": "All classes", "worst": "Most confused"}
_FEW = 15  # classes up to which every cell has its number, and the matrix needs no zoom
_ACROSS = 60  # characters of names that fit below a matrix side by side
_NEAR = 14  # width in pixels of the point of a cell that may be too small to be hit
_MOST_CELLS = 4000  # cells that can be pointed at; the fullest ones
_HOVER = (
    "true class %{customdata[2]}<br>predicted %{customdata[3]}<br>%{customdata[4]:,} items:"
    " %{customdata[5]:.0%} of the row, %{customdata[6]:.0%} of the column<extra></extra>"
)
_SCALE = [  # wrong in orange, right in the accent colour, by their share
    (0.0, "rgba(213, 94, 0, 0.85)"),
    (0.495, "rgba(213, 94, 0, 0.12)"),
    (0.505, "rgba(0, 158, 115, 0.12)"),
    (1.0, "rgba(0, 158, 115, 0.75)"),
]


def show(subject: Subject) -> None:
    """The heat map on the left; the worst pairs and the items of a chosen cell on the right."""
    st.subheader("Confusion matrix", help=help_of("confusion matrix"))
    confusion = subject.judged["confusion"]
    about = f"{subject.run.id} {subject.kind}"
    left, right = halves()
    with left:
        way, places = _controls(confusion, about)
        st.caption(
            "Rows: the true class. Columns: the predicted class. Click a cell to see its items."
            + (
                " Drag to zoom, double-click to see all; classes that are mixed up stand together."
                if len(places) > _FEW
                else ""
            )
        )
        _heat_map(confusion, places, way, about)
    with right:
        _cell(subject, about)
        _worst_pairs(confusion)


def _controls(confusion: Confusion, about: str) -> tuple[str, list[int]]:
    """What the cells show, and the classes in their order."""
    many = len(confusion["labels"]) > _FEW
    with st.container(horizontal=True):
        way = st.segmented_control(
            "Cells show",
            list(_WAYS),
            default="counts",
            required=True,
            format_func=_WAYS.get,
            key="cells_show",
            help="Counts of items; of each true class where its items went (the diagonal is the"
            " recall); of each prediction what it was indeed (the diagonal is the precision).",
        )
        which = (
            st.segmented_control(
                "Classes",
                list(_WHICH),
                default="all",
                required=True,
                format_func=_WHICH.get,
                key="cells_of",
                help=f"All of them, or the {_FEW} that are mixed up most.",
            )
            if many
            else "all"
        )
    if not many:
        return str(way), list(range(len(confusion["labels"])))
    if which == "worst":
        return str(way), _worst(about, confusion)
    return str(way), _order(about, confusion)


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def _order(about: str, _confusion: Confusion) -> list[int]:
    del about
    return clustered(_confusion["counts"])


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def _worst(about: str, _confusion: Confusion) -> list[int]:
    del about
    return most_confused(_confusion["counts"], _FEW) or list(range(_FEW))


def _heat_map(confusion: Confusion, places: list[int], way: str, about: str) -> None:
    """Colours by share, numbers while they can be read, and a point on every cell to click."""
    whole = np.asarray(confusion["counts"], dtype=np.float64)
    cells = np.ix_(places, places)
    counts = whole[cells]
    rows, columns = (
        (whole / np.maximum(whole.sum(axis=axis, keepdims=True), 1))[cells] for axis in (1, 0)
    )
    strength = {"counts": np.sqrt(counts / max(counts.max(), 1)), "rows": rows, "columns": columns}
    shade = np.where(counts > 0, strength[way], np.nan) * np.where(
        np.eye(len(places), dtype=bool), 1, -1
    )
    names = [f"class {place}" for place in places]
    figure = go.Figure(
        go.Heatmap(
            z=shade.astype(np.float32),
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale=_SCALE,
            showscale=False,
            hoverinfo="skip",
            xgap=2 if len(places) <= _FEW else 0,
            ygap=2 if len(places) <= _FEW else 0,
            **_numbers(counts, rows if way == "rows" else columns, way),
        )
    )
    zoomed = len(places) > _FEW
    pairs, about_pairs = _cells(confusion["labels"], places, counts, rows, columns)
    figure.add_scatter(
        x=[names[j] for _, j in pairs],
        y=[names[i] for i, _ in pairs],
        mode="markers",
        marker={
            "symbol": "square",
            "size": _NEAR if zoomed else min(40, 420 // len(places)),
            "opacity": 0,
        },
        **about_pairs,
    )
    _axes(figure, confusion["labels"], places, names)
    if zoomed:
        _whole_cells(figure, pairs, len(places), about_pairs)
    chart = f"confusion {about} {way} {len(places)}"
    st.plotly_chart(
        figure,
        key=chart,
        on_select=partial(_choose, chart, about, confusion["labels"]),
        selection_mode="points",
        config={
            "displaylogo": False,
            "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]]
            if zoomed
            else [["toImage"]],
            "scrollZoom": False,
        },
        alt="Confusion matrix: true classes by predicted classes",
    )


def _numbers(counts: NDArray[Any], shares: NDArray[Any], way: str) -> dict[str, object]:
    """What stands in the cells, while there is room for it."""
    if len(counts) > _FEW:
        return {}
    text = [
        [
            ("" if not count else f"{count:,.0f}" if way == "counts" else f"{100 * share:.0f} %")
            for count, share in zip(*both, strict=True)
        ]
        for both in zip(counts, shares, strict=True)
    ]
    return {"text": text, "texttemplate": "%{text}", "textfont": {"color": charts.ink()}}


def _cells(
    labels: list[str],
    places: list[int],
    counts: NDArray[Any],
    rows: NDArray[Any],
    columns: NDArray[Any],
) -> tuple[list[tuple[int, int]], dict[str, Any]]:
    """The cells that can be pointed at, all of them, of a large matrix those that hold items; and
    which each is, what is said of it, how it looks when it was clicked.

    The fullest cell is the last, which Plotly takes where several are equally near.
    """
    true, called = np.nonzero(counts if len(places) > _FEW else np.ones_like(counts))
    fullest = np.argsort(counts[true, called], kind="stable")[-_MOST_CELLS:]
    pairs = [(int(true[one]), int(called[one])) for one in fullest]
    return pairs, {
        "customdata": [
            [
                places[i],
                places[j],
                label(labels[places[i]]),
                label(labels[places[j]]),
                counts[i, j],
                rows[i, j],
                columns[i, j],
            ]
            for i, j in pairs
        ],
        "hovertemplate": _HOVER,
        "selected": {"marker": {"opacity": 0.35, "color": charts.BLUE}},
        "unselected": {"marker": {"opacity": 0}},
    }


def _whole_cells(
    figure: go.Figure, pairs: list[tuple[int, int]], size: int, about_pairs: dict[str, Any]
) -> None:
    """A bar over each cell, so that a cell is met wherever one points in it, and no empty one is
    taken for its neighbour, however far one zooms.

    A bar lies on numbers and not on names: on axes of its own, which nobody sees, and which a zoom
    moves together with those that are seen. To Plotly a bar below the pointer is at most half a
    pixel away, and a point at least 1 - 3 / its radius: the bar goes first.
    """
    figure.add_bar(
        x=[j for _, j in pairs],
        base=[i - 0.5 for i, _ in pairs],
        y=[1] * len(pairs),
        width=1,
        marker={"opacity": 0},
        xaxis="x2",
        yaxis="y2",
        **about_pairs,
    )
    unseen = {"type": "linear", "visible": False, "fixedrange": False}
    figure.update_layout(
        barmode="overlay",
        xaxis2={**unseen, "overlaying": "x", "range": [-0.5, size - 0.5]},
        yaxis2={**unseen, "overlaying": "y", "range": [size - 0.5, -0.5]},
    )


def _axes(figure: go.Figure, labels: list[str], places: list[int], names: list[str]) -> None:
    """Names of classes on both axes, as many as there is room for, the first row on top."""
    shown = {name: charts.cut(labels[place], 18) for name, place in zip(names, places, strict=True)}
    zoomed = len(places) > _FEW
    common = {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": names,
        "labelalias": shown,
        "fixedrange": not zoomed,
        "showgrid": False,
        "zeroline": False,
    }
    edge = len(places) - 0.5
    longest = max(map(len, shown.values()))
    angle = 0 if longest * len(places) < _ACROSS else -40
    figure.update_xaxes(**common, range=[-0.5, edge], title="predicted class", tickangle=angle)
    figure.update_yaxes(**common, range=[edge, -0.5], title="true class")
    if not zoomed:
        figure.update_xaxes(dtick=1)
        figure.update_yaxes(dtick=1)
    figure.update_layout(
        height=640 if zoomed else max(260, 36 * len(places) + 130),
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        showlegend=False,
        dragmode="zoom" if zoomed else False,
        hovermode="closest",
        hoverdistance=1 if zoomed else -1,  # -1: the nearest cell, as each has its point
        hoverlabel={"namelength": -1},
    )


def _choose(chart: str, about: str, labels: list[str]) -> None:
    """A click on a cell: its classes go into the boxes."""
    points = st.session_state[chart]["selection"]["points"]
    if points:
        true, called = points[0]["customdata"][:2]
        st.session_state[f"cell_true {about}"] = labels[int(true)]
        st.session_state[f"cell_called {about}"] = labels[int(called)]


def _cell(subject: Subject, about: str) -> None:
    """The boxes, which need no mouse, and the items of the cell that they name."""
    labels = subject.judged["confusion"]["labels"]
    first, second = st.columns(2)
    true = first.selectbox(
        "True class",
        labels,
        index=None,
        placeholder="any class",
        key=f"cell_true {about}",
        help="Shows the items that are of this class.",
    )
    called = second.selectbox(
        "Predicted class",
        labels,
        index=None,
        placeholder="any class",
        key=f"cell_called {about}",
        help="Shows the items that it called so.",
    )
    if true or called:
        _items(subject, subject.answers(), true, called)


def _items(subject: Subject, answers: pd.DataFrame, true: str | None, called: str | None) -> None:
    """The items of one cell, of a row, or of a column."""
    if true:
        answers = answers[answers["true"] == true]
    if called:
        answers = answers[answers["label"] == called]
    st.caption(f"{len(answers):,} {subject.noun}" if len(answers) else "No items here.")
    if len(answers) and not without_items(subject):
        key = f"cell {true} {called}"
        shown = items.page_of(answers.sort_values("confidence", ascending=False), key)
        items.strip(str(subject.folder), subject.report["modality"], shown, key)


def _worst_pairs(confusion: Confusion) -> None:
    """The ten pairs that are mixed up most often, both ways together."""
    names = confusion["labels"]
    pairs = confused_pairs(confusion["counts"], 10)
    if len(names) < 3 or not pairs:
        return
    st.markdown("**Most often confused**")
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "one": names[pair["one"]],
                    "other": names[pair["other"]],
                    "confused": pair["confused"],
                    "one predicted as other": pair["one_as_other"],
                    "other predicted as one": pair["other_as_one"],
                }
                for pair in pairs
            ]
        ),
        hide_index=True,
        alt="The pairs of classes that are confused most often",
    )
