"""Where trainings are carried out: whether that can work now, and what there is."""

from __future__ import annotations

import streamlit as st

from pages.shell import services
from pages.shell.words import plain, size
from tl_core.errors import UserError
from tl_core.jobs.executors.tell import ExecutorFacts, facts_of
from tl_core.settings import Settings

_KEPT = 30  # seconds that an answer is shown


def show() -> None:
    """The executor that TL_EXECUTOR names; the plain one is this machine itself."""
    st.subheader("Trainings")
    try:
        facts = _facts(services.settings())
    except UserError as error:  # no executor has that name: all else on the page stands
        st.markdown(f":material/warning: Trainings cannot start: {plain(str(error))}")
        return
    where = facts["title"]
    if facts["problem"]:
        st.markdown(
            f":material/warning: Trainings go to **{where}**, which cannot take them now: "
            f"{plain(facts['problem'])}"
        )
    else:
        count = facts["slots"]
        st.markdown(
            f":material/check: Trainings go to **{where}**, "
            f"{count} at the same time; all other runs stay on this machine."
        )
    nodes = facts["nodes"] if facts["name"] != "local" else []
    if nodes:
        st.dataframe(
            [
                {
                    "machine": node["name"],
                    "processors": node["processors"],
                    "memory": size(node["memory"]) if node["memory"] else "",
                    "GPUs": node["gpus"],
                    "state": node["state"],
                }
                for node in nodes
            ],
            hide_index=True,
            key="executor_machines",
            height="content",
            alt="Machines of the executor",
        )


@st.cache_data(ttl=_KEPT, max_entries=4, show_spinner="Asking where trainings go…")
def _facts(settings: Settings) -> ExecutorFacts:
    return facts_of(settings.executor, settings)
