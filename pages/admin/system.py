"""What is this machine doing? Machine, queue, executor, disk, versions, sandbox, settings."""

import shutil

import streamlit as st

from pages.sections.admin import executor, machine, software, store_state
from pages.shell import frame, others, problems, services
from pages.shell.words import size
from tl_core.storage import remove_expired

frame.title("System", "What is this machine doing?")
home = services.settings().home_path
theirs = not others.exist() or others.administers()  # who looks after this server
left, right = st.columns(2, gap="medium")
with left, problems.caught():
    st.subheader("Machine")
    machine.show()
with right, problems.caught():
    executor.show()
with right:
    st.subheader("Disk")
    disk = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{size(shutil.disk_usage(home).free)} free on this disk")
        clean = theirs and st.button(
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
if theirs:
    left, right = st.columns(2, gap="medium")
    with left:
        software.show_versions()
    with right, problems.caught():
        software.show_sandbox()
    if services.settings().store:
        with problems.caught():
            store_state.show(services.settings())
    software.show_settings()
with disk, problems.caught():  # measured last, so that the page stands before it
    machine.show_disk(home)
