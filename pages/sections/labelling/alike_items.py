"""Several items that are alike, looked at and labelled at once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.sections.labelling import desk, proposing
from pages.shell import problems, rights, services
from pages.shell.words import counted, plain
from tl_core.data.cells.label_lists import LIST, parts_of
from tl_core.data.label_sets import as_cell
from tl_core.registry.datasets import DatasetRecord
from tl_core.results import LabelCluster
from tl_core.services.labelling import Labelling, order_of

_PLACE = "alike"
_CHOSEN, _TOLD = "label_cluster", "label_cluster_told"
_SURE = 0.9  # share of a group that the model takes for one class
_SHOWN = 24  # items that are labelled at once: as many as can be looked at


@st.fragment
def show(record: DatasetRecord, clusters: Sequence[LabelCluster]) -> None:
    """Choose a cluster, look at its items, take out what does not belong, label the rest."""
    problems.refused(_PLACE)
    if told := st.session_state.pop(_TOLD, ""):
        st.toast(told)
    if why := rights.against(rights.WORK, record):
        st.caption(plain(why))
        return
    with problems.caught():
        labelling = desk.of(record)
        answered = labelling.standing.answered
    open_ones = {
        one["number"]: rows
        for one in clusters
        if len(rows := [row for row in one["rows"] if row not in answered][:_SHOWN]) > 1
    }
    if not open_ones:
        st.caption("No several items that are alike wait for a class.")
        return
    by_number = {one["number"]: one for one in clusters}
    several = labelling.version.sets.several
    names = {
        one: _called(by_number[one], len(rows), several=several) for one, rows in open_ones.items()
    }
    numbers, before = list(open_ones), st.session_state.get(_CHOSEN)
    # with a key of its own for each wording: the browser would go on showing the old one
    number = st.selectbox(
        "Items that are alike",
        numbers,
        index=numbers.index(before) if before in open_ones else 0,
        format_func=names.get,
        key=f"label_cluster {' '.join(names.values())}",
        help="Items that the backbone sees as similar. Look at all of them before you label them.",
    )
    st.session_state[_CHOSEN] = number
    if number is not None:
        _label_them(record, labelling, by_number[number], open_ones[number])


def _called(cluster: LabelCluster, waiting: int, *, several: bool) -> str:
    size = f"Group {cluster['number'] + 1}: {waiting:,} shown of {cluster['size']:,}"
    if not cluster["suggestion"]:
        return size
    share = f"{100 * cluster['agreement']:.0f} %"
    said = desk.words_of(cluster["suggestion"], several=several)
    return f"{size}; the model takes {share} of them for {said}"


def _label_them(
    record: DatasetRecord, labelling: Labelling, cluster: LabelCluster, rows: list[int]
) -> None:
    with problems.caught():
        content = small_items(str(record.folder), tuple(rows))
    pages_of(record.modality).draw_strip(
        [Card(item, {"number": place}) for place, item in enumerate(content, 1)],
        f"alike_{cluster['number']}",
    )
    apart = st.pills(
        "Not these",
        range(1, len(rows) + 1),
        selection_mode="multi",
        key=f"apart_{cluster['number']}_{rows[0]}",
        wrap=True,
        help="Numbers of items that are of another class. They stay without a label.",
    )
    classes, several = labelling.classes, labelling.version.sets.several
    label, new = (_labels_of if several else _class_of)(cluster, classes)
    taken = [row for place, row in enumerate(rows, 1) if place not in (apart or [])]
    st.button(
        f"Label {'this' if len(taken) == 1 else 'these'} {counted(len(taken), 'item')}"
        + (f" as {plain(desk.words_of(label, several=several))}" if label else ""),
        on_click=_label,
        args=(record, taken, label, new),
        disabled=not (label and taken),
        icon=":material/done_all:",
        help="Only the items shown here. Undo takes all of them back.",
    )


def _mark(cluster: LabelCluster) -> str:
    """Tells a group from that of a later choice which has its number: what was chosen for one is
    nothing for the other.
    """
    return f"{cluster['number']} {cluster['rows'][0]} {cluster['size']} {cluster['suggestion']}"


def _sure(cluster: LabelCluster, classes: list[str]) -> bool:
    """Whether the model takes nearly all of a group for one class, so that it is chosen for a
    start.
    """
    return cluster["suggestion"] in classes and cluster["agreement"] >= _SURE


def _class_of(cluster: LabelCluster, classes: list[str]) -> tuple[str, bool]:
    """The class for a whole group, "" before one is chosen, and whether it is a new one."""
    label = st.selectbox(
        "Class of the others",
        classes,
        index=classes.index(cluster["suggestion"]) if _sure(cluster, classes) else None,
        placeholder="Choose a class, or type a new one",
        key=f"class_of_{_mark(cluster)}",
        accept_new_options=True,
    )
    label = label.strip() if label else ""
    return label, label not in classes


def _labels_of(cluster: LabelCluster, classes: list[str]) -> tuple[str, bool]:
    """The labels for a whole group, as they are kept, and whether there is a new one; none of them
    is an answer only where the model says so.
    """
    said = cluster["suggestion"] if cluster["agreement"] >= _SURE else ""
    labels = st.multiselect(
        "Labels of the others",
        classes,
        default=[name for name in parts_of(said, LIST) if name in classes] if said else [],
        placeholder="Choose labels, or type a new one",
        key=f"labels_of_{_mark(cluster)}",
        accept_new_options=True,
    )
    labels = [name.strip() for name in labels if name.strip()]
    nothing = said == as_cell([])
    return as_cell(labels) if labels or nothing else "", not {*labels} <= {*classes}


def _label(record: DatasetRecord, rows: list[int], label: str, new: bool) -> None:
    with problems.in_callback(_PLACE):
        labelling = desk.of(record)
        # the list may be older than an answer of another window, or of the item before them
        left = [row for row in rows if row not in labelling.standing.answered]
        if len(left) < len(rows):
            st.session_state[_TOLD] = (
                f"{counted(len(rows) - len(left), 'item')} had been labelled meanwhile. That stays."
            )
        labelling.label(left, label, why="cluster", aided=True, new=new)
        answers = services.answers().list(record.reference)
        waiting = len([*order_of(labelling.version).keys() - labelling.standing.labels.keys()])
        proposing.keep_up(record, answers, waiting)
    st.rerun()  # the whole page: one of them may be the item that is asked about
