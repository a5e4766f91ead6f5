"""Which items shall it learn from next? Items without a class one by one, the most useful first, by
several people if there are several, and what it has brought.
"""

import streamlit as st

from pages.sections.data import findings
from pages.sections.labelling import alike_items, colleagues, desk, gains, proposing
from pages.shell import frame, problems, rights, run_panel, services, state
from pages.shell.words import counted, plain
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities import items_of
from tl_core.registry.run import Run
from tl_core.results import LABEL_ERRORS, LabelQueue
from tl_core.services.labelling import Labelling, order_of

frame.title("Labelling", "Which items shall it learn from next?")
name = state.current("dataset")
frame.need_dataset(name)
findings.watch()
with problems.caught():
    record = services.datasets().get(name)
    newest = desk.newer_than(record)
    info = services.version_info(record.folder)
    answers = services.answers().list(record.reference)
    labelling = desk.of(record)
    now, classes = labelling.standing, labelling.classes
noun, waiting = items_of(info.modality), info.splits.get("unlabelled", 0)
st.caption(
    f"{plain(record.reference)} · {waiting:,} {noun} without a class"
    + (f" · {plain(info.change)}" if info.change else "")
)
if newest:
    desk.lead_to(newest, record)
    st.stop()
suspects = run_panel.of_dataset(record.reference, "suspect")
SOURCES = {"waiting": f"{noun.capitalize()} without a class", "suspects": "Suspected wrong labels"}
source = "waiting"
if suspects and suspects.status == "done":
    source = st.segmented_control(
        "What to label",
        list(SOURCES),
        default="waiting" if waiting else "suspects",
        required=True,
        key="label_source",
        format_func=SOURCES.get,
        label_visibility="collapsed",
    )


def offer_version(labelling: Labelling) -> None:
    """What has come together, what a first test still needs, and the button that makes it a
    version.
    """
    now = labelling.standing
    with problems.caught():
        if lacking := labelling.test_outlook():
            st.caption(f":material/casino: {plain(lacking)}")
        new = labelling.changes
    if not new or rights.against(rights.WORK, record):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{counted(len(new), 'new label')} so far, saved; the version in use stays as it is."
            + (f" {len(now.disputes):,} wait to be settled." if now.disputes else "")
        )
        if st.button("Make the next version", type="primary", icon=":material/library_add_check:"):
            findings.apply_decisions(record.reference)
            st.rerun()


def suspected(run: Run) -> desk.Queue:
    """The labels that are probably wrong, looked at blindly."""
    with problems.caught():
        found = LABEL_ERRORS.load(run.folder)["rows"]
    return desk.Queue(
        {one["row"]: "suspect" for one in found},
        {one["row"]: desk.Hint(one["suggested"], one["confidence"]) for one in found},
    )


def show_waiting() -> None:
    """The items without a class in their order, the score, and several items at once."""
    with problems.caught():
        done, going = proposing.newest(record)
        order = order_of(DatasetVersion(record.folder))
        choice = proposing.read(str(done.folder)) if done else None
    asked = [*choice["rows"], *choice.get("earlier", [])] if choice else []
    hints = {
        one["row"]: desk.Hint(one["suggestion"], one["confidence"])
        for one in asked
        if one["suggestion"]
    }
    if bad := proposing.failed(record):
        problems.show(bad.reason or {"what": "It stopped."})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        proposing.choose_strategy(classes, done)
        if not going:
            proposing.offer(record, answers, first=not order)
    if order and not (done or going or bad):
        proposing.go_on(record, answers)
    if order:
        desk.show(record, desk.Queue(order, hints), offer_version)
    else:
        offer_version(labelling)
    if going and not order:
        run_panel.show(
            going,
            "Reading all items and choosing the first…",
            lambda _run: None,
            stoppable=True,
        )
    if choice:
        if not hints:
            st.caption(
                "What the model says of an item, the close calls and the suggestions of groups wait"
                " until two classes have labels."
            )
        since = sum(one.at > done.created for one in answers) if done else 0
        show_results(choice, since)


def show_results(choice: LabelQueue, since: int) -> None:
    """What the labels have brought when the newest choice was made, `since` answers ago, and groups
    of items.
    """
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("How good are the labels so far?")
        gains.show(choice)
        if since:
            st.caption(f"Told with the newest choice; {counted(since, 'answer')} came since.")
    with right:
        st.subheader("Several at once")
        alike_items.show(record, choice["clusters"])


if source == "suspects" and suspects:
    desk.show(record, suspected(suspects), offer_version)
elif waiting:
    show_waiting()
else:
    offer_version(labelling)
    st.info(f"All {noun} of this version have a class.", icon=":material/check_circle:")
    st.page_link(
        "pages/data/labels.py",
        label="Look for wrong labels",
        icon=":material/rule:",
        query_params={"dataset": record.reference},
    )
if answers:
    with st.expander("People", icon=":material/group:", expanded=bool(now.disputes)):
        colleagues.show(record)
