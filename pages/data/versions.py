"""How did it change? Versions of a dataset: history, comparison, restoring, taking it away,
deleting.
"""

from typing import Any

import streamlit as st

from pages.sections.data import findings
from pages.shell import frame, problems, run_panel, services, state
from pages.shell.words import ago, plain, size
from tl_core.config import RunConfig
from tl_core.data.versions.diff import compare_versions
from tl_core.data.versions.export import formats_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.registry.runs import Run
from tl_core.storage import remove_tree

NAMES = {"folders": "Zip of class folders", "csv": "CSV", "parquet": "Parquet"}
KINDS = {"added": "Added", "removed": "Left out", "relabelled": "New class", "moved": "Other split"}

frame.title("Versions", "How did it change?")
with problems.caught():
    everything = services.datasets().list(all_versions=True)
name = state.current("dataset") or (everything[0].reference if everything else "")
frame.need_dataset(name)
with problems.caught():
    current = services.datasets().get(name)
state.choose("dataset", current.reference)
versions = [record for record in everything if record.name == current.name]
names = list(dict.fromkeys(record.name for record in everything))
if len(names) > 1:
    picked = st.selectbox("Dataset", names, index=names.index(current.name))
    if picked != current.name:
        state.choose(
            "dataset", next(record.reference for record in everything if record.name == picked)
        )
        st.rerun()
findings.watch()


@st.dialog("Delete this version?")
def confirm_delete(reference: str) -> None:
    """Deleting cannot be undone, so it is asked for once, with everything that goes along."""
    runs = services.runs().of_dataset(reference)
    st.markdown(
        f"**{plain(reference)}** will be deleted for good"
        + (
            f", with the {len(runs)} run(s) that depend on it, their models and reports."
            if runs
            else "."
        )
    )
    if st.button("Delete it", type="primary"):
        with problems.caught():
            folders = [
                *services.runs().delete_all([run.id for run in runs]),
                *services.datasets().delete(reference),
            ]
            stayed = [folder for folder in folders if not remove_tree(folder)]
        if stayed:
            st.toast(
                f"{len(stayed)} folder(s) are still in use and will be removed later.",
                icon=":material/info:",
            )
        state.choose("dataset", "")
        st.query_params.pop("dataset", None)
        st.rerun()


for record in versions:
    info = services.version_info(record.folder)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        newest = " :green-badge[newest]" if record == versions[0] else ""
        st.markdown(
            f"**Version {record.version}**{newest} · {record.rows:,} items, {record.classes}"
            f" classes  \n{plain(info.change or 'Read from ' + info.source + '.')}"
            f" :small[{ago(record.created)}]",
            width="stretch",
        )
        if st.button("Open", key=f"open_{record.id}", type="tertiary"):
            st.switch_page("pages/data/items.py", query_params={"dataset": record.reference})
        if record != versions[0]:
            st.button(
                "Restore",
                key=f"restore_{record.id}",
                type="tertiary",
                on_click=findings.restore,
                args=(record.reference,),
                disabled=bool(st.session_state["fix_run"]),
                help="Makes a new version with this content; nothing is lost.",
            )
        if st.button("Delete", key=f"delete_{record.id}", type="tertiary"):
            confirm_delete(record.reference)

if len(versions) > 1:
    st.subheader("What differs")
    numbers = [record.version for record in versions]
    left, right = st.columns(2)
    old = left.selectbox("From version", numbers, index=1)
    new = right.selectbox("To version", numbers, index=0)
    chosen = {record.version: record for record in versions}

    @st.cache_data(max_entries=20, ttl=3600, show_spinner="Comparing…")
    def compared(first: str, second: str) -> dict[str, Any]:
        """Versions never change, so a comparison is made once."""
        return compare_versions(DatasetVersion(first), DatasetVersion(second))

    with problems.caught():
        changes = compared(str(chosen[old].folder), str(chosen[new].folder))
    for column, (kind, title) in zip(st.columns(4), KINDS.items(), strict=True):
        column.metric(title, f"{changes[kind]['count']:,}")
    for kind, title in KINDS.items():
        if changes[kind]["count"]:
            with st.expander(f"{title}: {changes[kind]['count']:,}"):
                st.dataframe(changes[kind]["items"], hide_index=True)

st.subheader("Download the data")
st.caption(f"Version {current.version} as files that any other tool reads.")


def offer_download(run: Run) -> None:
    """The files in the browser, or where they lie when they are too large for it."""
    path = run.folder / str((run.summary or {})["file"])
    limit = services.settings().number("upload_mb") << 20
    st.success(f"{plain(run.headline)}: {plain(path.name)}, {size(path.stat().st_size)}")
    if path.stat().st_size > limit:
        st.info(f"It is too large for the browser. On the server it lies at {plain(str(path))}.")
        return
    st.download_button(
        f"Download {path.name}",
        path.read_bytes,
        path.name,
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )


with st.container(horizontal=True, vertical_alignment="bottom"):
    kind = st.selectbox("Format", formats_of(current.modality), format_func=NAMES.get, width=240)
    if st.button("Write the files", icon=":material/folder_zip:"):
        config = RunConfig("takeout", services.user(), current.reference, options={"format": kind})
        st.session_state["takeout_run"] = run_panel.start(config, "takeout").id
        st.rerun()
run_panel.show(run_panel.in_hand("takeout_run"), "Writing the files…", offer_download)
