"""How did it change? Versions of a dataset: history, comparison, restoring, taking it away,
deleting.
"""

import streamlit as st

from pages.sections.data import findings, takeout, timeline
from pages.sections.sharing import access
from pages.shell import frame, problems, services, state
from pages.shell.words import plain
from tl_core.registry.datasets import DatasetRecord

frame.title("Versions", "How did it change?")
with problems.caught():
    everything = services.datasets().list(all_versions=True)
name = state.current("dataset") or (everything[0].reference if everything else "")
frame.need_dataset(name)
with problems.caught():
    current = services.datasets().get(name)
state.choose("dataset", current.reference)
versions = [record for record in everything if record.project == current.project]
findings.watch()


@st.dialog("Delete this version?")
def confirm_delete(record: DatasetRecord) -> None:
    """Asked for once, with everything that goes along."""
    runs = services.runs().of_dataset(record.reference)
    st.markdown(
        f"**{plain(record.reference)}** goes into the trash"
        + (
            f", with the {len(runs)} run(s) that depend on it, their models and reports."
            if runs
            else "."
        )
        + f" It can be restored for {services.settings().number('trash_days')} days, and takes up"
        " space as long."
    )
    if st.button("Delete it", type="primary"):
        with problems.caught():
            services.runs().delete([run.id for run in runs])
            services.datasets().delete(record.reference)
        state.choose("dataset", "")
        st.query_params.pop("dataset", None)
        st.rerun()


left, right = st.columns([5, 3], gap="large")
with left:
    timeline.show(versions, current.reference, confirm_delete)
with right:
    if shared := access.line(current):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(shared, width="stretch")
            access.button(current, key="project")
    with st.container(border=True):
        takeout.show(current)
    if len(versions) > 1:
        timeline.compare(versions)
