"""Which labels come together, and which are named in the place of others: what a confusion matrix
is for items with one class.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.sections.evaluate.subject import Subject
from pages.widgets import charts
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.confusions import clustered
from tl_core.evaluate.measures import Company

_FEW = 15  # labels up to which every cell has its number
_SHOWN = 12  # lines of a list
_WAYS = {
    "true": "Come together",
    "said": "Named together",
    "swapped": "Named instead",
}


def show(subject: Subject) -> None:
    """The heat map on the left; what is missed, added and mixed up most on the right."""
    st.subheader("Labels together", help=help_of("co-occurrence"))
    found = subject.judged.get("company")
    if not found:
        return
    left, right = halves()
    with left:
        way = st.segmented_control(
            "Cells show",
            list(_WAYS),
            default="swapped",
            required=True,
            format_func=_WAYS.get,
            key="company_shows",
            help="Items that have both labels; items of which both are named; items in which the"
            " label of the row was missed and that of the column named without being there.",
        )
        _heat_map(found, str(way))
    with right:
        _errors(subject)
        _swapped(found)


def _heat_map(found: Company, way: str) -> None:
    """Counts of items by two labels."""
    counts = np.asarray({**found}[way], dtype=np.float64)
    places = clustered(found["swapped"]) if len(counts) > _FEW else list(range(len(counts)))
    cells = counts[np.ix_(places, places)]
    alone = cells.copy()
    if way != "swapped":  # a label always comes with itself
        np.fill_diagonal(alone, 0)
    names = [charts.cut(found["labels"][place], 18) for place in places]
    text = [[f"{value:,.0f}" if value else "" for value in row] for row in alone]
    figure = go.Figure(
        go.Heatmap(
            z=np.sqrt(alone / max(alone.max(), 1)),
            x=[f"{number} {name}" for number, name in enumerate(names)],
            y=[f"{number} {name}" for number, name in enumerate(names)],
            customdata=alone,
            colorscale=[[0, "rgba(213, 94, 0, 0)"], [1, "rgba(213, 94, 0, 0.85)"]],
            showscale=False,
            hovertemplate="%{y}<br>%{x}<br>%{customdata:,} items<extra></extra>",
            **(
                {"text": text, "texttemplate": "%{text}", "textfont": {"color": charts.ink()}}
                if len(places) <= _FEW
                else {}
            ),
        )
    )
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    figure.update_xaxes(**ticks, title="named" if way == "swapped" else "", tickangle=-40)
    figure.update_yaxes(**ticks, title="missed" if way == "swapped" else "", autorange="reversed")
    charts.draw(figure, "company", max(280, 24 * len(places) + 140))


def _errors(subject: Subject) -> None:
    """How often each label is missed, and how often it is added."""
    rows = []
    for part in subject.judged["per_class"]:
        hits = round(part["recall"]["value"] * part["support"])
        precise = part["precision"]["value"]
        rows.append(
            {
                "label": part["label"],
                "missed": part["support"] - hits,
                "added": round(hits / precise) - hits if precise else 0,
                "found": hits,
            }
        )
    st.markdown("**Missed and added**")
    st.dataframe(
        pd.DataFrame(rows).sort_values("missed", ascending=False),
        hide_index=True,
        height="content" if len(rows) < _SHOWN else 320,
        alt="How often each label is missed and added",
        column_config={
            "missed": st.column_config.NumberColumn(help="Items that have it, and it is not named"),
            "added": st.column_config.NumberColumn(
                help="Items that do not have it, and it is named"
            ),
        },
    )


def _swapped(found: Company) -> None:
    """The pairs of labels of which one is named in the place of the other most often."""
    counts, names = np.asarray(found["swapped"]), found["labels"]
    order = np.argsort(-counts, axis=None, kind="stable")[:_SHOWN]
    pairs = [divmod(int(place), len(names)) for place in order]
    rows = [
        {"missed": names[i], "named instead": names[j], "items": int(counts[i, j])}
        for i, j in pairs
        if counts[i, j]
    ]
    if rows:
        st.markdown("**Most often named instead**")
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            alt="Labels that are named in the place of others",
        )
