"""Which run is best? Runs on the same test items: scores, price, paired tests, settings that
differ.
"""

import streamlit as st

from pages.sections.evaluate import comparison
from pages.sections.runs.run_actions import MOST_COMPARED
from pages.shell import frame, problems, services, state
from pages.shell.words import plain
from pages.widgets import trained
from pages.widgets.halves import halves

frame.title("Compare", "Which run is best?")
hand = st.query_params.get("run") or st.session_state["run"]
named = [one for one in st.query_params.get("with", "").split(",") if one]
project = state.current("dataset").partition("@")[0]
frame.need_dataset(project)
with problems.caught():
    alike = {
        run.id: run
        for run in services.runs().of_dataset(project)
        if run.kind == "train" and run.status == "done" and run.summary
    }
if len(alike) < 2:
    st.caption(
        "There is only one finished run on these data so far: train another to compare it with."
        if alike
        else "No run on these data has finished yet."
    )
    st.page_link("pages/train/design.py", label="Train another", icon=":material/tune:")
    st.stop()
elsewhere = [one for one in named if one not in alike]
if elsewhere:
    st.warning(
        f"Left out: {plain(', '.join(elsewhere))}. Only finished trainings on {plain(project)} can"
        " be compared here.",
        icon=":material/warning:",
    )
first = [key for key in dict.fromkeys((hand, *named)) if key in alike][:MOST_COMPARED]
filled = [*first, *(key for key in alike if key not in first and not alike[key].archived)]
names = {key: trained.full_name(run) for key, run in alike.items()}
picked = st.multiselect(
    "Runs",
    list(alike),
    first if len(first) > 1 else filled[:4],
    format_func=names.get,
    max_selections=MOST_COMPARED,
    key="compared",
    help=f"Two to {MOST_COMPARED} runs on the same items.",
)
if len(picked) < 2:
    st.caption("Pick at least two.")
    st.stop()
same = comparison.gather({key: alike[key] for key in picked})
left, right = halves()
with left:
    comparison.chart(same)
with right:
    comparison.tests(same)
comparison.table(same)
left, right = halves()
with left:
    comparison.differences(same)
with right:
    comparison.agreements(same)
comparison.training_curves(same)
