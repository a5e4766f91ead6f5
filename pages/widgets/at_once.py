"""How many parts of a run are done at the same time, asked where a cluster can do that."""

from __future__ import annotations

import streamlit as st

from pages.shell import services
from tl_core.registry.elsewhere.executor_names import SPREADING

MOST = 64


def chosen(key: str, most: int = MOST, usual: int = 1) -> int:
    """A number from 1 to `most`; 1, and nothing is asked, where no cluster spreads runs."""
    if services.settings().executor not in SPREADING or most < 2:
        return 1
    return int(
        st.number_input(
            "At the same time",
            1,
            most,
            min(usual, most),
            key=key,
            width=150,
            help="Each on a GPU, or processors, of its own in the cluster. They count as what you"
            " use meanwhile.",
        )
    )
