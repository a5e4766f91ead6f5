"""Two columns on a wide screen, one below the other on a tablet."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_NARROWEST = 430  # pixels of a column; below it they are stacked


def halves() -> tuple[DeltaGenerator, DeltaGenerator]:
    """The left and the right one."""
    grid = st.grid(2, min_column_width=_NARROWEST, gap="medium")
    return grid.cell(), grid.cell()
