"""Suspected labels one at a time: decided by key or click, saved at once, and made a version."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st

from pages.sections.data import findings
from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell import problems, rights, services
from pages.shell.words import plain, sure
from tl_core.data.label_sets import as_cell, called
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.registry.datasets import DatasetRecord
from tl_core.results import LabelError
from tl_core.services.labelling import decide_one

_WIDTH = 480  # of a photo in pixels


@st.fragment
def show(record: DatasetRecord, info: VersionInfo, suspects: list[LabelError]) -> None:
    """One suspect at a time; a decision is saved before the next one is shown."""
    made = decisions(record.folder)
    open_ones = [one for one in suspects if one["row"] not in made]
    late = st.session_state["skipped"]
    open_ones.sort(key=lambda one: late.index(one["row"]) if one["row"] in late else -1)
    done = len(suspects) - len(open_ones)
    left, right = st.columns(2, gap="large")
    with right:
        st.progress(done / len(suspects), f"{done:,} of {len(suspects):,} reviewed")
        if open_ones:
            _show_choices(record, info, open_ones[0])
        else:
            st.success("All of them are reviewed.", icon=":material/check_circle:")
        last = next((row for row in reversed(made)), None)
        if last is not None and not rights.against(rights.WORK, record):
            st.button(
                "Undo the last decision",
                on_click=choose,
                args=(record, last, "undo"),
                icon=":material/undo:",
                shortcut="u",
                type="tertiary",
            )
        offer_version(record, made)
    if open_ones:
        with left:
            _show_item(record, open_ones[0]["row"])
            _show_neighbours(record, open_ones[0]["neighbours"])


def choose(record: DatasetRecord, row: int, action: str, label: str = "") -> None:
    """Save one decision."""
    with problems.in_callback():
        rights.require(rights.WORK, record)
        decide_one(services.datasets(), record, row, action, label)
        others = st.session_state["skipped"]
        st.session_state["skipped"] = [other for other in others if other != row]


def _skip(row: int) -> None:
    """Ask about it again after the others."""
    st.session_state["skipped"] = [
        *(other for other in st.session_state["skipped"] if other != row),
        row,
    ]


def _show_item(record: DatasetRecord, row: int) -> None:
    own = pages_of(record.modality)
    with problems.caught():
        own.draw(own.value(DatasetVersion(record.folder), row), _WIDTH)


def _show_choices(record: DatasetRecord, info: VersionInfo, suspect: LabelError) -> None:
    """What it is called, what the others say, and a button and a key for each decision."""
    row, given, suggested = suspect["row"], suspect["given"], suspect["suggested"]
    several = info.sets.several
    before, after = (plain(shown(label, several=several)) for label in (given, suggested))
    st.markdown(
        f"Its {'labels are' if several else 'label is'} **{before}**.  \nA model of the other items"
        f" predicts **{after}**, {sure(suspect['confidence'])}."
    )
    if why := rights.against(rights.WORK, record):
        st.caption(plain(why))
        st.button("Next", on_click=_skip, args=(row,), shortcut="l", width="stretch")
        return
    st.button(
        f"Change to {after}",
        on_click=choose,
        args=(record, row, "relabel", suggested),
        shortcut="m",
        type="primary",
        width="stretch",
    )
    st.button(
        f"Keep {before}",
        on_click=choose,
        args=(record, row, "keep"),
        shortcut="k",
        width="stretch",
    )
    others = [label for label in info.labels if label not in (given, suggested)]
    if several:
        _offer_set(record, row, info.labels, suggested)
    elif others:
        _offer_other(record, row, others)
    st.button(
        "Leave it out", on_click=choose, args=(record, row, "drop"), shortcut="d", width="stretch"
    )
    st.button("Later", on_click=_skip, args=(row,), shortcut="l", width="stretch")


def shown(label: str, *, several: bool) -> str:
    """A class, or where an item may have several, those of a decision about it; "" stays."""
    return called(label) if several and label else label


def _offer_set(record: DatasetRecord, row: int, classes: list[str], suggested: str) -> None:
    """Any other classes, where an item may have several."""
    chosen = st.multiselect(
        "Its labels",
        classes,
        default=json.loads(suggested),
        placeholder="None of them",
        key=f"set_{row}",
    )
    wanted = as_cell(name for name in classes if name in chosen)
    if wanted != suggested:
        st.button(
            f"Change to {plain(called(wanted))}",
            on_click=choose,
            args=(record, row, "relabel", wanted),
            width="stretch",
            key="to_set",
        )


def _offer_other(record: DatasetRecord, row: int, others: list[str]) -> None:
    """A class that neither the label nor the others name."""
    other = st.selectbox(
        "Another class",
        others,
        index=None,
        placeholder="Another class",
        label_visibility="collapsed",
        key=f"other_{row}",
    )
    if other:
        st.button(
            f"Change to {plain(other)}",
            on_click=choose,
            args=(record, row, "relabel", other),
            width="stretch",
            key="to_other",
        )


def _show_neighbours(record: DatasetRecord, rows: list[int]) -> None:
    """The items that look most alike, with their classes."""
    classes = DatasetVersion(record.folder).label_names(np.array(rows, dtype=np.int64))
    with problems.caught():
        alike = small_items(str(record.folder), tuple(rows))
    st.caption("The most similar items and their labels")
    pages_of(record.modality).draw_strip(
        [Card(item, {"class": label}) for item, label in zip(alike, classes, strict=True)], "alike"
    )


def offer_version(record: DatasetRecord, made: dict[int, Decision]) -> None:
    """What was changed so far, and the button that makes it a version."""
    changed, dropped = (
        sum(one.action == action for one in made.values()) for action in ("relabel", "drop")
    )
    if not changed + dropped or rights.against(rights.WORK, record):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{changed} changed, {dropped} left out so far. They are saved; the version in use"
            " stays as it is."
        )
        if st.button(
            "Make a new version of it", type="primary", icon=":material/library_add_check:"
        ):
            findings.apply_decisions(record.reference)
            st.rerun()
