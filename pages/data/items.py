"""Is it good enough? One sentence, what to look at, classes, and examples."""

import numpy as np
import streamlit as st

from pages.sections.data import findings, import_plan, shortcuts
from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell import frame, problems, services, state
from pages.shell.words import plain
from pages.widgets import charts
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities import items_of

SHOWN = 24

frame.title("Look at data", "Is it good enough?")
with problems.caught():
    known = services.datasets().list()
names = [record.reference for record in known]
name = state.current("dataset") or (names[0] if names else "")
frame.need_dataset(name)
if len(names) > 1:
    choices = names if name in names else [name, *names]
    name = st.selectbox("Dataset", choices, index=choices.index(name))
    state.choose("dataset", name)

with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
noun = items_of(info.modality)
serious = [finding for finding in info.findings if finding["severity"] != "info"]
verdict = f"; {len(serious)} thing{'s' * (len(serious) > 1)} to look at." if serious else "."
trainable = all(finding["id"] != "too_small" for finding in info.findings)
st.markdown(
    f"#### {info.rows:,} {noun} in {len(info.classes)} classes, "
    f"{'ready to train' if trainable else 'too few to train on yet'}{verdict}"
)
st.caption(
    f"{plain(record.reference)} · "
    + " · ".join(f"{count:,} {split}" for split, count in info.splits.items())
)
if info.change:
    st.caption(f":material/history: {plain(info.change)}")
with st.container(horizontal=True):
    if st.button("Choose a backbone", type="primary", icon=":material/arrow_forward:"):
        st.switch_page("pages/train/backbone.py", query_params={"dataset": record.reference})
    if st.button("Versions and download", icon=":material/history:"):
        st.switch_page("pages/data/versions.py", query_params={"dataset": record.reference})

findings.show(record, info)
if info.plan:
    with st.expander("How it was read: format, columns, notes"):
        import_plan.show(info.plan, doubts=True)

shortcuts.show(record)

st.subheader("Classes")
charts.class_bars(info.class_splits, "classes")

st.subheader("Examples")
picked = st.pills(
    "Class",
    list(info.classes)[:40],
    default=next(iter(info.classes)),
    format_func=plain,
    label_visibility="collapsed",
)


if picked is not None:
    with problems.caught():
        version = DatasetVersion(record.folder)
        of_class = (version.labels == info.labels.index(picked)) & (version.splits != "removed")
        rows = np.flatnonzero(of_class)[:SHOWN].tolist()
        shown = small_items(str(record.folder), tuple(rows))
    pages_of(info.modality).draw_strip([Card(item) for item in shown])
