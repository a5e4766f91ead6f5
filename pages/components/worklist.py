"""Suspected labels one at a time: decided by key or click, saved at once, and made a version."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import streamlit as st

from pages.components import findings, gallery, problems
from pages.components.words import plain, sure
from tl_core.data.pictures.thumbnails import thumbnail
from tl_core.data.versions.edits import Decision, decide, decisions
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.registry.datasets import DatasetRecord


class Suspect(TypedDict):
    """A row whose label the others contradict, as `suspects.json` lists it."""

    row: int
    given: str
    suggested: str
    confidence: float
    neighbours: list[int]


@st.fragment
def show(record: DatasetRecord, info: VersionInfo, suspects: list[Suspect]) -> None:
    """One suspect at a time; a decision is saved before the next one is shown."""
    made = decisions(record.folder)
    open_ones = [one for one in suspects if one["row"] not in made]
    late = st.session_state["skipped"]
    open_ones.sort(key=lambda one: late.index(one["row"]) if one["row"] in late else -1)
    done = len(suspects) - len(open_ones)
    st.progress(done / len(suspects), f"{done:,} of {len(suspects):,} looked at")
    if open_ones:
        suspect = open_ones[0]
        left, right = st.columns(2, gap="large")
        with left:
            _show_item(record, suspect["row"])
        with right:
            _show_choices(record, info, suspect)
        _show_neighbours(record, info, suspect["neighbours"])
    last = next((row for row in reversed(made)), None)
    if last is not None:
        st.button(
            "Take the last decision back",
            on_click=_choose,
            args=(record, last, "undo"),
            icon=":material/undo:",
            shortcut="u",
            type="tertiary",
        )
    if not open_ones:
        st.success("All of them are looked at.", icon=":material/check_circle:")
    _offer_version(record, made)


def _choose(record: DatasetRecord, row: int, action: str, label: str = "") -> None:
    """Save one decision."""
    with problems.caught():
        decide(DatasetVersion(record.folder), row, action, label)
    st.session_state["skipped"] = [other for other in st.session_state["skipped"] if other != row]


def _skip(row: int) -> None:
    """Ask about it again after the others."""
    st.session_state["skipped"] = [
        *(other for other in st.session_state["skipped"] if other != row),
        row,
    ]


@st.cache_data(max_entries=400, ttl=3600, show_spinner=False)
def _item(folder: str, row: int, side: int, *, whole: bool = False) -> str | bytes:
    """A text, or a picture of at most `side` pixels."""
    version = DatasetVersion(folder)
    if version.info.modality == "text":
        return version.texts(np.array([row]))[0]
    return thumbnail(version.image_bytes(row), side, whole=whole)


def _show_item(record: DatasetRecord, row: int) -> None:
    content = _item(str(record.folder), row, 480, whole=True)
    if isinstance(content, str):
        with st.container(border=True):
            st.text(content)
    else:
        st.image(content, width=340)


def _show_choices(record: DatasetRecord, info: VersionInfo, suspect: Suspect) -> None:
    """What it is called, what the others say, and a button and a key for each decision."""
    row, given, suggested = suspect["row"], suspect["given"], suspect["suggested"]
    st.markdown(
        f"It is called **{plain(given)}**.  \nThe others say"
        f" **{plain(suggested)}**, {sure(suspect['confidence'])}."
    )
    st.button(
        f"Change to {plain(suggested)}",
        on_click=_choose,
        args=(record, row, "relabel", suggested),
        shortcut="m",
        type="primary",
        width="stretch",
    )
    st.button(
        f"Keep {plain(given)}",
        on_click=_choose,
        args=(record, row, "keep"),
        shortcut="k",
        width="stretch",
    )
    others = [label for label in info.labels if label not in (given, suggested)]
    if others:
        _offer_other(record, row, others)
    st.button(
        "Leave it out", on_click=_choose, args=(record, row, "drop"), shortcut="d", width="stretch"
    )
    st.button("Later", on_click=_skip, args=(row,), shortcut="l", width="stretch")


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
            on_click=_choose,
            args=(record, row, "relabel", other),
            width="stretch",
            key="to_other",
        )


def _show_neighbours(record: DatasetRecord, info: VersionInfo, rows: list[int]) -> None:
    """The items that look most alike, with their classes."""
    labels = DatasetVersion(record.folder).labels
    classes = [info.labels[labels[row]] for row in rows]
    alike = [_item(str(record.folder), row, 192) for row in rows]
    st.caption("The most alike ones, and what they are called")
    if record.modality == "text":
        gallery.texts(
            [
                {"text": str(text), "class": label}
                for text, label in zip(alike, classes, strict=True)
            ],
            "alike",
        )
    else:
        gallery.pictures(alike, classes)


def _offer_version(record: DatasetRecord, made: dict[int, Decision]) -> None:
    """What was changed so far, and the button that makes it a version."""
    changed, dropped = (
        sum(one.action == action for one in made.values()) for action in ("relabel", "drop")
    )
    if not changed + dropped:
        return
    st.caption(
        f"{changed} changed, {dropped} left out so far. They are saved; the version in use stays as"
        " it is."
    )
    if st.button(
        "Make a new version of it",
        type="primary" if changed + dropped else "secondary",
        icon=":material/library_add_check:",
    ):
        findings.apply_decisions(record.reference)
        st.rerun()
