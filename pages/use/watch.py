"""Is the model still asked what it learnt? What its servers noted, a second model beside it, and
items that it was unsure of.
"""

import streamlit as st

from pages.sections.use import canaries, drift, model_card, unsure_items
from pages.shell import frame, problems, services
from tl_core.watch.journal import journals
from tl_core.watch.pairs import all_pairs

frame.title("Watch", "Is the model still asked what it learnt?")
model, content = model_card.beside()
run_id = model.run.id

with content:
    root = services.settings().served_path
    with problems.caught():
        served = [one for one in journals(root) if one.about.run == run_id]
        pairs = [one for one in all_pairs(root) if one.rivals.run == run_id]
    st.markdown(
        "A served model keeps counts of its answers, how sure it was, and means of what it reads of"
        " the items: sums alone, no item. They are compared with how it answered rows of its"
        " dataset that it had not learnt from."
    )
    if not served and not pairs:
        st.info(
            "No server on this machine has been asked about this model yet.",
            icon=":material/info:",
        )
        st.page_link(
            "pages/use/server.py",
            label="How to serve it",
            icon=":material/dns:",
            query_params={"run": run_id},
        )
    for journal in served:
        drift.show(journal)
        unsure_items.show(model, journal)
    for pair in pairs:
        canaries.show(pair)
