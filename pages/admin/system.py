"""What is this machine doing? Machine, queue, disk, settings."""

import shutil

import streamlit as st

from pages.shell import frame, problems, services
from pages.shell.words import plain, size
from tl_core.jobs.monitor import read_machine
from tl_core.storage import folder_size, remove_expired

frame.title("System", "What is this machine doing?")


@st.fragment(run_every=3.0)
def show_machine() -> None:
    """Processor, memory, GPUs and the queue, as they are now."""
    machine = read_machine()
    active = services.runs().list(active=True)
    tiles = st.columns(4)
    tiles[0].metric(f"Processor ({machine['cores']} cores)", f"{machine['cpu']:.0f} %", border=True)
    tiles[1].metric(
        "Memory",
        size(machine["memory_used"]),
        border=True,
        help=f"of {size(machine['memory_total'])}",
    )
    tiles[2].metric("Running", sum(run.status == "running" for run in active), border=True)
    tiles[3].metric("Waiting", sum(run.status == "queued" for run in active), border=True)
    for gpu in machine["gpus"]:
        st.metric(
            plain(gpu["name"] or "GPU"),
            f"{gpu['use']} %" if gpu["use"] is not None else "not reported",
            border=True,
        )
    if not machine["gpus"]:
        st.caption("No GPU was found; training runs on the processor.")


with problems.caught():
    show_machine()

st.subheader("Disk")
home = services.settings().home_path


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def sizes(root: str) -> dict[str, int]:
    """Bytes by kind of content."""
    from pathlib import Path

    return {
        name: folder_size(Path(root) / name) for name in ("datasets", "features", "runs", "uploads")
    }


st.dataframe(
    [{"what": name, "size": size(count)} for name, count in sizes(str(home)).items()],
    hide_index=True,
)
st.caption(f"{size(shutil.disk_usage(home).free)} free on this disk")
if st.button(
    "Clean up unused caches",
    help=(
        "Removes feature caches and uploads that nobody has used for TL_KEEP_DAYS "
        "days. Datasets, runs and reports stay."
    ),
):
    with problems.caught():
        st.success(f"{remove_expired(services.settings())} folders removed.")
    sizes.clear()

st.subheader("Settings")
st.dataframe(
    [
        {
            "setting": spec.metadata["env"],
            "value": getattr(services.settings(), name) or "default",
            "meaning": spec.metadata["help"],
        }
        for name, spec in services.settings().__dataclass_fields__.items()
        if name != "database_url"
    ],
    hide_index=True,
)
