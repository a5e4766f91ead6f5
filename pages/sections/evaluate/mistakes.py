"""The test items that deserve a look: confident mistakes, surprises, near ties, and where another
run differs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.items import items
from tl_core.evaluate.scores.metrics import CLIP

_ORDERS = {
    "confident": "Most confident mistakes",
    "loss": "Largest loss",
    "unsure": "Least confident answers",
    "other": "Different from the best other run",
}


def ordered(table: pd.DataFrame, order: str, rival: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rows of a predictions table that `order` is about, those to look at first in front.

    Args:
        table: `predictions.csv` of a run.
        order: confident, loss, unsure or other.
        rival: the same of another run on the same items, for `other`.
    """
    if order == "confident":
        return table[table["true"] != table["label"]].sort_values(
            "confidence", ascending=False, kind="stable"
        )
    if order == "unsure":
        return table.sort_values("confidence", kind="stable")
    if order == "other" and rival is not None:
        return table[(table["label"] != rival["label"]).to_numpy()].sort_values(
            "confidence", ascending=False, kind="stable"
        )
    names = [name for name in table.columns if name.startswith("p:")]
    places = np.array([names.index(f"p:{true}") for true in table["true"]])
    own = table[names].to_numpy()[np.arange(len(table)), places]
    return table.assign(loss=-np.log(np.clip(own, CLIP, 1))).sort_values(
        "loss", ascending=False, kind="stable"
    )


def show(
    table: pd.DataFrame, rival: pd.DataFrame | None, show_items: Callable[[pd.DataFrame], None]
) -> None:
    """Choose an order and a class; `show_items` draws a page of them."""
    rows, key = chosen(table, rival)
    if len(rows):
        show_items(items.page_of(rows, key))
    else:
        st.caption("None: no item is like this.")


def chosen(table: pd.DataFrame, rival: pd.DataFrame | None) -> tuple[pd.DataFrame, str]:
    """Boxes for an order and a class: the items in question, and a name for this choice."""
    orders = [order for order in _ORDERS if order != "other" or rival is not None]
    left, right = st.columns(2)
    order = left.selectbox(
        "In order of",
        orders,
        format_func=_ORDERS.get,
        key="mistake_order",
        persist_state="session",
        help="Confident mistakes are often wrong labels; least confident answers are near ties.",
    )
    wanted = right.selectbox(
        "Of class",
        sorted(table["true"].unique()),
        index=None,
        placeholder="any class",
        key="mistake_class",
        help="Only items that are of this class.",
    )
    rows = ordered(table, str(order), rival)
    return (rows[rows["true"] == wanted] if wanted else rows), f"{order} {wanted}"
