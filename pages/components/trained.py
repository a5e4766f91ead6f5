"""Which trained model a page is about."""

from __future__ import annotations

import streamlit as st

from pages.components import problems, services, state
from tl_core.registry.runs import Run


def pick() -> Run:
    """Choose among the finished runs with a model, the one of the address first; without any the page ends here."""
    with problems.caught():
        usable = {run.id: run for run in services.runs().list(kind="train")
                  if run.status == "done" and (run.folder / "model" / "config.json").exists()}
    if not usable:
        st.info("There is no trained model yet.", icon=":material/info:")
        st.page_link("pages/start/home.py", label="Try a sample", icon=":material/home:")
        st.stop()
    wanted = state.current("run")
    chosen = st.selectbox("Model", list(usable), index=list(usable).index(wanted) if wanted in usable else 0,
                          format_func={key: f"{run.dataset} · {run.backbone} · {key}"
                                       for key, run in usable.items()}.get, help="Finished runs, newest first.")
    state.choose("run", chosen)
    return usable[chosen]
