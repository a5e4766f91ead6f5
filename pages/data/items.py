"""Is it good enough? The facts in a line, what was found, and every item to be looked through."""

import streamlit as st

from pages.sections.data import distributions, health, import_plan, shortcuts, viewer
from pages.shell import frame, problems, rights, services, state
from pages.shell.words import counted, plain
from tl_core.data.browse.health import health_of
from tl_core.modalities import items_of

frame.title("Items", "Is it good enough?")
name = state.current("dataset")
frame.need_dataset(name)

with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
noun, found = items_of(info.modality), health_of(info)
serious = [one for one in info.findings if one["severity"] != "info"]
verdict = f"; {len(serious)} thing{'s' * (len(serious) > 1)} to look at." if serious else "."
trainable = all(one["id"] != "too_small" for one in info.findings)
step, icon, page = (
    ("Label items", "new_label", "pages/data/label.py")
    if info.labelled_here and not info.classes
    else ("Choose a backbone", "arrow_forward", "pages/train/backbone.py")
)
splits = " · ".join(f"{count:,} {split}" for split, count in info.splits.items())
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(
        f"**{info.rows:,} {noun} in {counted(len(info.classes), 'class', 'classes')}, "
        f"{'ready to train' if trainable else 'too few to train on yet'}{verdict}**"
        f"  \n:small[{plain(record.reference)} · {splits} · health {found.score} of 100]"
        + (f"  \n:small[:material/history: {plain(info.change)}]" if info.change else ""),
        width="stretch",
    )
    if not rights.against(rights.WORK, record) and st.button(
        step, type="primary", icon=f":material/{icon}:"
    ):
        st.switch_page(page, query_params={"dataset": record.reference})
    if st.button("Versions and download", icon=":material/history:"):
        st.switch_page("pages/data/versions.py", query_params={"dataset": record.reference})

health.show(record, info, found)
viewer.show(record, info)
st.subheader("How they are spread")
distributions.show(record)
left, right = st.columns(2, gap="large")
with left:
    shortcuts.show(record)
with right:
    st.subheader("Source")
    st.caption(f"Read from {plain(info.source)}.")
    if info.plan:
        with st.expander("How it was read: format, columns, notes"):
            import_plan.show(info.plan, doubts=True)
