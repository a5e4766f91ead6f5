"""What the scheduler that carries a run out says of its job, and what the worker printed there."""

from __future__ import annotations

import streamlit as st

from pages.shell import services
from tl_core.jobs.executors.tell import log_of
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.registry.run import Run
from tl_core.settings import Settings

_KEPT = 5  # seconds that an answer is shown


def show(run: Run) -> None:
    """Below the run's own log."""
    st.markdown(f"**{title_of(run.executor)} and its worker**")
    told = _told(run.executor, run.job or run.id, services.settings())
    st.code(told or "Nothing yet.", language=None, wrap_lines=True)


@st.cache_data(ttl=_KEPT, max_entries=32, show_spinner="Asking the scheduler…")
def _told(executor: str, job: str, settings: Settings) -> str:
    return log_of(executor, job, settings)
