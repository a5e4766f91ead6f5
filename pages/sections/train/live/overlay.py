"""Finished runs whose curves are laid over those of the run in hand."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shell import services
from pages.widgets import trained
from tl_core.jobs.events import RunView
from tl_core.registry.run import Run

_MOST = 4


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def _view(folder: str, finished_at: float) -> RunView:
    """What a finished run's events amount to; a resumed one has another end."""
    del finished_at
    return RunView().follow(Path(folder))


def choose(run: Run) -> dict[str, RunView]:
    """The views that somebody wants to see beside this run's, by name."""
    alike = {
        other.id: other
        for other in services.runs().of_dataset(run.dataset)
        if other.status == "done" and other.recipe == "finetune" and other.id != run.id
    }
    if not alike:
        return {}
    with st.popover("Overlay other runs", icon=":material/stacked_line_chart:"):
        names = {key: f"{trained.way(other)} · {key}" for key, other in alike.items()}
        picked = st.multiselect(
            "Overlay other runs",
            list(alike),
            format_func=names.get,
            max_selections=_MOST,
            help="Finished fine-tunings of the same dataset version, on the same axes.",
        )
    return {
        f"{trained.name(alike[key])[:24]} {key[:4]}": _view(
            str(alike[key].folder), alike[key].finished or 0.0
        )
        for key in picked
    }
