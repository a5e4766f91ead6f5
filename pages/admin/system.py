"""What is this machine doing? Machine, queue, disk, settings."""

import shutil

import streamlit as st

from pages.sections.admin import machine
from pages.shell import frame, problems, services
from pages.shell.words import size
from tl_core.storage import remove_expired

frame.title("System", "What is this machine doing?")
home = services.settings().home_path
left, right = st.columns(2, gap="medium")
with left, problems.caught():
    st.subheader("Machine")
    machine.show()
with right:
    st.subheader("Disk")
    disk = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{size(shutil.disk_usage(home).free)} free on this disk")
        clean = st.button(
            "Clean up unused caches",
            icon=":material/mop:",
            help=(
                "Removes feature caches and uploads that nobody has used for TL_KEEP_DAYS "
                "days. Datasets, runs and reports stay."
            ),
        )
    if clean:
        with problems.caught():
            st.success(f"{remove_expired(services.settings())} folders removed.")
        machine.sizes.clear()

st.subheader("Settings")
st.dataframe(
    [
        {
            "setting": spec.metadata["env"],
            "value": services.settings().shown(name),
            "meaning": spec.metadata["help"],
        }
        for name, spec in services.settings().__dataclass_fields__.items()
    ],
    hide_index=True,
    height="content",
    column_config={"meaning": st.column_config.TextColumn(width="large")},
    alt="Settings of this server",
)
with disk, problems.caught():  # measured last, so that the page stands before it
    machine.show_disk(home)
