"""What a run's events amount to, kept in the session so that each turn of the clock reads only what
is new.
"""

from __future__ import annotations

import streamlit as st

from tl_core.jobs.events import RunView
from tl_core.registry.run import Run

_KEPT = 4  # views of as many runs; older ones are read again when somebody comes back


def view_of(run: Run) -> RunView:
    """The view of a run, with everything that it has written by now."""
    views: dict[str, RunView] = st.session_state["followed"]
    view = views.pop(run.id, None) or RunView()
    views[run.id] = view  # the newest last
    while len(views) > _KEPT:
        views.pop(next(iter(views)))
    return view.follow(run.folder)
