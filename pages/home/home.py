"""What can I teach it? Projects with their scores, what goes on, and samples for the first time."""

import streamlit as st

from pages.sections.home import going_on, projects, samples, tour
from pages.shell import frame, problems, rights, services

frame.title("Graft Studio", "What can I teach it?")
with problems.caught():
    records = services.datasets().list()
    active = services.runs().list(active=True)
    trainings = [run for run in services.runs().list(kind="train", limit=40) if not run.archived]

if not records and (why := rights.against_making()):
    st.info(f"Nobody shares a project with you yet. {why}", icon=":material/group:")
elif not records:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Bring a few hundred labelled photos, recordings or texts. A pretrained network turns"
            " each item into features, a classifier is trained on them, and the result is measured"
            " on items that it has not seen. Nothing leaves this server.",
            width="stretch",
        )
        tour.offer()
    going_on.where_you_were(active, trainings)
    samples.cards()
    samples.ways_in()
    going_on.queue(active)
    going_on.recent(trainings)
else:
    main, side = st.columns([7, 3], gap="medium")
    with main:
        going_on.where_you_were(active, trainings)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.subheader("Projects", width="stretch")
            if not rights.against_making():
                st.page_link("pages/data/add.py", label="Add data", icon=":material/add:")
        projects.show(records)
        if not rights.against_making():
            with st.expander("Try a sample", icon=":material/science:"):
                samples.cards(border=False)
                tour.offer()
    with side:
        going_on.queue(active)
        going_on.recent(trainings)
