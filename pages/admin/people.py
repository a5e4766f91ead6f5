"""Who is on this server? Everybody with their role, what they have by number and size, ways in."""

import streamlit as st

from pages.sections.admin import coming_in, person_actions, person_table
from pages.shell import frame, others, problems, services
from tl_core.access.policy import Policy

frame.title("People", "Who is on this server, and what may they do?")
if not others.exist():
    st.info("Nobody signs in to this server, so there are no people to look after.")
    st.stop()
with problems.caught():
    Policy(services.database(), services.principal()).require_admin()
    people = others.everybody()
left, right = st.columns([3, 2], gap="medium")
with left:
    person = person_table.choose(people)
    if person:
        person_actions.show(person)
with right:
    coming_in.show()
place = st.empty()
place.skeleton(height=200)
with problems.caught():
    person_table.show(people, place)
