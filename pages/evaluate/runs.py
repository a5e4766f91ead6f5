"""All runs in a table: filtered, sorted and ticked, to be opened, compared, put away or deleted."""

import streamlit as st

from pages.sections.runs import run_actions, run_table
from pages.shell import frame

frame.title("Runs", "All runs: which are there, and what can be done with them?")
project = str(st.session_state["dataset"]).partition("@")[0]
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    wanted = run_table.filters(project)
    runs = run_table.tagged(run_table.found(wanted))
    shown = run_table.columns(everywhere=not wanted.project)
    st.caption(f"{len(runs):,} run{'s' * (len(runs) != 1)}", width="content")
if not runs:
    st.caption(
        "No run is like this. Loosen the filters above, or train one: a sample takes a minute."
    )
    st.page_link("pages/home/home.py", label="Try a sample", icon=":material/home:")
    st.stop()
tools, table = st.container(), st.container()
with tools:
    left, right = st.columns([2, 5], gap="small", vertical_alignment="bottom")
    with left:
        picked = run_table.choose(runs)
    with right:
        run_actions.show(picked)
with table:
    run_table.show(runs, shown)
run_table.keep_fresh(runs)
