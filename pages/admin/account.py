"""Who am I here? Profile and ways out, access tokens, quotas, what I did, my data."""

import streamlit as st

from pages.sections.admin import deeds, me, my_data, my_tokens, use_limits
from pages.shell import frame, others, problems, services
from tl_core.access.activity_log import ActivityLog
from tl_core.access.people import People

SHOWN = 50  # lines of the log

frame.title("Account", "Who am I here, and what acts in my name?")
if not others.exist():
    st.info(
        "Nobody signs in to this server: whoever opens it is the same person, and there are no"
        " accounts. The guide says how a team signs in.",
        icon=":material/person:",
    )
    st.stop()
with problems.caught():
    person = People(services.database(), services.settings()).get(services.user())
    done = ActivityLog(services.database(), services.principal()).mine(SHOWN)
left, right = st.columns(2, gap="medium")
with left:
    me.show(person)
    me.password(person)
with right:
    my_tokens.show()
st.subheader("What I may use")
use_limits.show(person, "my_quotas")
st.subheader("What I did lately")
if done:
    deeds.show(done, people=False, key="my_deeds")
else:
    st.caption("Nothing that the log keeps.")
my_data.show(person)
