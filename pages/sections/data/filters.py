"""What of a version is shown: search, filters and order, all of them in the address."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.sections.data import similar
from pages.widgets.glossary import help_of
from tl_core.data.browse.query import BY_ANSWER, ORDERS, OUTCOMES, Found, Query
from tl_core.data.browse.row_columns import MEASURES, RowColumns
from tl_core.data.label_sets import NOTHING
from tl_core.data.versions.store import VersionInfo

NO_CLASS = "(no class)"
_NOTHING: dict[str, object] = {
    "q": "",
    "class": [],
    "split": [],
    "finding": None,
    "from": None,
    "to": None,
    "outcome": None,
    "sure": (0, 100),
}
_LIST_HEIGHT, _LIST_ROW, _CLASS_WIDTH, _COUNT_WIDTH = 280, 35, 110, 130  # pixels
VIEWS = ["Gallery", "Table"]


def _first_page() -> None:
    """Another choice begins with its first page."""
    st.session_state["page"] = 1


def clear() -> None:
    """Take every filter away."""
    for key, value in _NOTHING.items():
        st.session_state[key] = copy.copy(value)  # a list must be each session's own
    similar.forget()
    _first_page()


def only(finding: str) -> None:
    """Show the items of a finding alone."""
    clear()
    st.session_state["finding"] = finding.replace("_", " ")


def search(searches_texts: bool) -> str:
    """The box for words."""
    return st.text_input(
        "Search",
        key="q",
        type="search",
        live=True,
        placeholder="Words in the text" if searches_texts else "Part of a file name",
        help="All words must occur; capitals do not matter. Put a phrase between double quotes.",
        label_visibility="collapsed",
        on_change=_first_page,
        bind="query-params",
    )


def order(columns: RowColumns, *, answered: bool) -> str:
    """The order of the items."""
    names = {
        words: name
        for name, words in ORDERS.items()
        if (name not in BY_ANSWER or answered)
        and (name not in ("shortest", "longest") or columns.measures)
    }
    return names[
        st.selectbox(
            "Order",
            list(names),
            key="order",
            help="In which order the items are shown.",
            label_visibility="collapsed",
            width=230,
            on_change=_first_page,
            bind="query-params",
        )
    ]


def order_of_likeness() -> None:
    """In place of the order, while something similar is looked for."""
    st.selectbox(
        "Order",
        ["Most alike first"],
        key="order_of_likeness",
        label_visibility="collapsed",
        width=230,
        disabled=True,
        help="What is similar stands first. Leave the search to choose another order.",
    )


def view(first: str) -> str:
    """Gallery or table, as the address names them."""
    return str(
        st.segmented_control(
            "View",
            VIEWS,
            key="show",
            default=first,
            required=True,
            label_visibility="collapsed",
            bind="query-params",
        )
    )


def facets(
    info: VersionInfo, columns: RowColumns, *, answered: bool, closed: bool
) -> tuple[Query, DeltaGenerator]:
    """Class, split, finding, length and prediction as a query, and the place of the class list."""
    living = columns.labels[columns.splits != "removed"]
    empty = info.sets.several and bool(np.isin(living, info.sets.having([NOTHING])).any())
    classes = st.multiselect(
        "Class",
        [
            *info.labels,
            *([NOTHING] if empty else []),
            *([NO_CLASS] if (living < 0).any() else []),
        ],
        key="class",
        placeholder="Any class",
        help="Items of these classes. Type to search.",
        on_change=_first_page,
        bind="query-params",
    )
    place = st.container()
    splits = st.pills(
        "Split",
        [name for name in info.splits if info.splits[name] and name != "removed"],
        selection_mode="multi",
        key="split",
        help=help_of("split"),
        wrap=True,
        on_change=_first_page,
        bind="query-params",
    )
    query = Query(
        classes=tuple("" if name == NO_CLASS else name for name in classes), splits=tuple(splits)
    )
    if columns.findings:
        names = {name.replace("_", " "): name for name in columns.findings}
        finding = st.selectbox(
            "Finding",
            list(names),
            index=None,
            key="finding",
            placeholder="Any",
            help="Items that one of the findings is about.",
            on_change=_first_page,
            bind="query-params",
        )
        query = replace(query, finding=names.get(finding or "", ""))
    if columns.measures:
        query = _with_length(query, columns)
    return (_with_prediction(query, closed=closed) if answered else query), place


def _with_length(query: Query, columns: RowColumns) -> Query:
    """From where to where, of words or characters, or of a side or all pixels."""
    names = {MEASURES[name]: name for name in columns.measures}
    words = st.selectbox(
        "Length" if "words" in columns.measures else "Size",
        list(names),
        key="measure",
        help="What the two numbers below are about, and the order by length or size.",
        on_change=_first_page,
        bind="query-params",
    )
    first, last = st.columns(2)
    ends = [
        place.number_input(
            name,
            min_value=0,
            value=None,
            step=1,
            key=key,
            placeholder=name,
            label_visibility="collapsed",
            on_change=_first_page,
            bind="query-params",
        )
        for place, name, key in ((first, "From", "from"), (last, "To", "to"))
    ]
    return replace(query, measure=names[words], least=ends[0], most=ends[1])


def _with_prediction(query: Query, *, closed: bool) -> Query:
    """Right or wrong, and how sure, by the run in hand."""
    outcome = st.pills(
        "Prediction",
        OUTCOMES,
        wrap=True,
        key="outcome",
        help="What the model in hand said, "
        + ("of validation items: its test score is closed." if closed else "where it was asked.")
        + " Judged are all that it was asked about; it was trained on the others.",
        on_change=_first_page,
        bind="query-params",
    )
    low, high = st.slider(
        "Confidence (%)",
        0,
        100,
        (0, 100),
        key="sure",
        help=help_of("confidence"),
        on_change=_first_page,
        bind="query-params",
    )
    return replace(query, outcome=outcome or "", low=low / 100, high=high / 100)


def class_list(found: Found, chosen: Sequence[str]) -> None:
    """Classes with the items that the other filters leave, as bars; a click filters by one."""
    counts = pd.DataFrame(
        {
            "class": [_shown(name, chosen) for name in found.by_class],
            "items": list(found.by_class.values()),
        }
    )
    names = list(found.by_class)
    key = (
        f"classes {'|'.join(chosen)}"  # another one for each choice, so that no click is left over
    )
    st.dataframe(
        counts,
        hide_index=True,
        height=min(_LIST_HEIGHT, _LIST_ROW * (len(names) + 1) + 3),
        key=key,
        on_select=lambda: _toggle(key, names, chosen),
        selection_mode="single-cell",
        column_config={
            "class": st.column_config.TextColumn(
                "Class", width=_CLASS_WIDTH, help="Click one to see it alone."
            ),
            "items": st.column_config.ProgressColumn(
                "Items",
                width=_COUNT_WIDTH,
                format="localized",
                min_value=0,
                max_value=max([1, *found.by_class.values()]),
            ),
        },
    )


def _toggle(key: str, names: Sequence[str], chosen: Sequence[str]) -> None:
    """See the class of the clicked line alone, or all classes when it was alone already."""
    for row, _ in st.session_state[key]["selection"]["cells"]:
        name = names[row]
        st.session_state["class"] = [] if list(chosen) == [name] else [name or NO_CLASS]
        _first_page()


def _shown(name: str, chosen: Sequence[str]) -> str:
    """A class in the list, marked where it is filtered by."""
    return ("✓ " if name in chosen else "") + (name or NO_CLASS)
