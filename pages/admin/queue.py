"""Whose turn is it? Everybody's runs that run or wait, their priorities, and what each may use."""

import streamlit as st

from pages.sections.admin import turns, use_limits
from pages.shell import frame, others, problems, services
from tl_core.access.policy import Policy

frame.title("Queue", "Whose turn is it, and how much may each person use?")
if not others.exist():
    st.info("Nobody signs in to this server, so all runs are one person's. System shows them.")
    st.stop()
with problems.caught():
    Policy(services.database(), services.principal()).require_admin()
    people = others.everybody()
turns.show()
st.subheader("Quotas")
use_limits.choose(people)
