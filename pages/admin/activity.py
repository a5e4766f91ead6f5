"""Who did what? The log of activity with its filters, and as a file."""

import streamlit as st

from pages.sections.admin import deeds
from pages.shell import frame, others, problems, services
from tl_core.access.activity_log import ActivityLog

SHOWN, TAKEN = 500, 100_000  # lines on the page, and in the file

frame.title("Activity", "Who did what, when, and from where?")
if not others.exist():
    st.info("Nobody signs in to this server, so the log knows one person alone.")
    st.stop()
with problems.caught():
    log = ActivityLog(services.database(), services.principal())
    actions, kinds = log.known()
people = others.everybody()
handles = {one: person.handle for one, person in people.items()}
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    whats = {"": "everything"} | {one: one for one in actions}
    which = {"": "all kinds"} | {one: one for one in kinds}
    names = {"": "Everybody"} | {one: others.called(person) for one, person in people.items()}
    who = st.selectbox(
        "Person", list(names), format_func=names.get, key="log_who", width=280,
        help="Only what this person did.",
    )  # fmt: skip
    action = st.selectbox(
        "What", list(whats), format_func=whats.get, key="log_action",
        width=200, help="Only this.",
    )  # fmt: skip
    kind = st.selectbox(
        "To which kind of thing", list(which), format_func=which.get,
        key="log_kind", width=200, help="Only what was done to things of this kind.",
    )  # fmt: skip
    wanted = {"who": who or "", "action": action or "", "kind": kind or ""}
    with problems.caught():
        done = log.everything(SHOWN, **wanted)
    st.download_button(
        "Download as CSV",
        lambda: deeds.csv(log.everything(TAKEN, **wanted), handles),
        "activity.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        help=f"All lines that the filters leave, up to {TAKEN:,}.",
    )
if not done:
    st.caption("The log holds nothing like this.")
    st.stop()
deeds.show(done, people=True, key="log")
if len(done) == SHOWN:
    st.caption(f"The newest {SHOWN:,}. The file has more.")
