"""What was thrown away? Deleted datasets and runs, restored or removed for good."""

import streamlit as st

from pages.sections.admin import thrown_away
from pages.shell import frame, problems, services

frame.title("Trash", "What was thrown away?")
days = services.settings().number("trash_days")
with problems.caught():
    versions, runs = services.datasets().trash(), services.runs().trash()
if not versions and not runs:
    st.info(
        "The trash is empty. What is deleted on the pages lies here"
        f" for {days} days and can be restored.",
        icon=":material/delete:",
    )
    st.stop()
st.caption(
    f"Each thing goes for good {days} days after it was deleted. Until then it takes up space."
)
thrown_away.show(versions, runs)
