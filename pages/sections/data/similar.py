"""Similar items: by an item of the dataset, by words, or by a file; what is looked for stands in
the address, with the backbone that compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.sections.items.item_pages import ItemPages, pages_of, small_items
from pages.sections.train import backbones
from pages.shell import ask, problems, rights, run_panel, services
from pages.shell.words import plain
from pages.widgets import at_once
from pages.widgets.glossary import help_of
from tl_core.config import RunConfig
from tl_core.data.browse.sought import FILE, LONGEST_WORDS, ROW, WORDS, Sought, sought_in
from tl_core.data.versions.store import VersionInfo
from tl_core.errors import UserError
from tl_core.modalities import modality_of
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import ACTIVE, Run
from tl_core.services.search_examples import example, keep_example

_TOPIC, _LIKE, _BY = "similar", "like", "by"
_BOX, _ASKED = "similar_box", "similar_asked"
_SIGNS, _WIDTH = 20_000, 180


@dataclass(frozen=True)
class Alike:
    """How much each row of a version (rows,) is like what is looked for, NaN for those that are not
    among the most alike, and what is looked for.
    """

    cosines: NDArray[np.float64]
    key: str


def looks() -> bool:
    """Whether the address asks for something."""
    return sought_in(str(st.query_params.get(_LIKE, ""))) is not None


def forget() -> None:
    """Look for nothing any more."""
    for name in (_LIKE, _BY):
        st.query_params.pop(name, None)


def look_for_row(row: int) -> None:
    """Have the viewer show what is like an item, in place of the drawer."""
    st.query_params.pop("row", None)
    _look_for(Sought(ROW, str(row)))


def _look_for(sought: Sought) -> None:
    st.query_params[_LIKE] = sought.as_address()
    st.session_state["page"] = 1


def box(info: VersionInfo) -> None:
    """Where words are written, or a file is brought."""
    own, words = pages_of(info.modality), modality_of(info.modality)
    if st.session_state.pop(_ASKED, False):
        st.session_state[_BOX] = False  # it would lie over what was found
    with st.popover("Similar items", icon=":material/image_search:", key=_BOX, on_change="rerun"):
        by_words = "" if own.searchable else ", or, with a CLIP or SigLIP backbone, by words"
        st.caption(
            f"Open one of the {words.items} and choose *Find similar items*, or search by one"
            f" that is not in the dataset{by_words}. The backbone in hand compares them."
        )
        with st.form("similar_form", border=False):
            written = st.text_area(
                "A text, or words" if own.searchable else "Words",
                key="similar_words",
                height=100,
                max_chars=_SIGNS if own.searchable else LONGEST_WORDS,
                help=help_of("similar items"),
            )
            brought = None if own.searchable else own.example()
            if st.form_submit_button("Search", type="primary"):
                with problems.caught():
                    sought = _given(written.strip(), brought)
                if sought is None:
                    st.warning("Write something, or bring a file.")
                else:
                    _look_for(sought)
                    st.session_state[_ASKED] = True
                    st.rerun()


def _given(words: str, brought: bytes | None) -> Sought | None:
    """What was asked for: the file, else the words, which are kept as a file where an address is
    too short for them.
    """
    if brought:
        return Sought(FILE, keep_example(services.settings(), brought))
    if len(words) > LONGEST_WORDS:
        return Sought(FILE, keep_example(services.settings(), words.encode()))
    return Sought(WORDS, words) if words else None


def found(record: DatasetRecord, info: VersionInfo) -> Alike | None:
    """What the address asks for and how alike the items are; None where it asks for nothing, and
    until there is an answer.
    """
    address = str(st.query_params.get(_LIKE, ""))
    sought = sought_in(address)
    if sought is None:
        return None
    try:
        reference = backbones.allowed(
            str(st.query_params.get(_BY, "")) or backbones.for_dataset(record)
        )
    except UserError as error:
        _head(record, info, sought, "")
        problems.show(error)
        return None
    st.query_params[_BY] = reference  # a link shows the same, whatever its reader has in hand
    _head(record, info, sought, reference)
    read = _reading(record, reference)
    if read is not None and read.status in ACTIVE:
        run_panel.show(read, "Reading the items…", lambda _run: None, stoppable=True)
        return None
    about = f"{record.folder} {sought.as_address()} {reference} {read.id if read else ''}"
    answer = ask.ask(
        _TOPIC,
        "search_items",
        about,
        "Comparing the items…",
        quiet=True,
        folder=str(record.folder),
        address=sought.as_address(),
        reference=reference,
    )
    if answer is None:
        return None
    if answer["missing"]:
        _offer(record, info, reference, answer["missing"], read)
        return None
    cosines = np.full(info.rows, np.nan)
    cosines[answer["rows"]] = answer["alike"]
    return Alike(cosines, about)


def _head(record: DatasetRecord, info: VersionInfo, sought: Sought, reference: str) -> None:
    """What is looked for, by which backbone, and the way back."""
    own = pages_of(info.modality)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="sought"):
        with st.container(width=_WIDTH + 20):
            _draw(record, info, own, sought)
        st.markdown(
            "**The most alike first**"
            + (f"  \n:small[compared by {plain(reference)}]" if reference else ""),
            width="stretch",
            help=help_of("similar items"),
        )
        st.button("Clear search", on_click=forget, icon=":material/close:", type="tertiary")


def _draw(record: DatasetRecord, info: VersionInfo, own: ItemPages, sought: Sought) -> None:
    if sought.by == WORDS:
        st.markdown(f"“{plain(sought.what)}”")
        return
    try:
        if sought.by == FILE:
            content = example(services.settings(), sought.what)
            own.draw(content.decode("utf-8", "replace") if own.searchable else content, _WIDTH)
        elif sought.row < info.rows:
            own.draw_tile(small_items(str(record.folder), (sought.row,))[0])
            st.caption(f"Item {sought.row:,}")
    except UserError as error:
        st.caption(plain(error.what))


def _reading(record: DatasetRecord, reference: str) -> Run | None:
    """The newest run that reads the items with this backbone."""
    with problems.caught():
        runs = services.runs().of_dataset(record.reference)
    return next((run for run in runs if run.kind == "index" and run.backbone == reference), None)


def _offer(
    record: DatasetRecord, info: VersionInfo, reference: str, missing: int, ended: Run | None
) -> None:
    """The button that has the items read, once, where they are too many to wait for."""
    if ended is not None and ended.status != "done":
        problems.show(ended.reason or {"what": "It stopped."})
    st.caption(
        f"{plain(reference)} has to read {missing:,} {modality_of(info.modality).items} once; then"
        " every search takes a moment."
    )
    processes = at_once.chosen("index_at_once")
    why = rights.against(rights.WORK, record)
    if st.button(
        "Read the items",
        type="primary",
        icon=":material/image_search:",
        disabled=bool(why),
        help=why or None,
    ):
        config = RunConfig(
            *("index", services.user(), record.reference, str(record.folder), reference),
            options={"processes": processes},
        )
        run_panel.start(config, "index")
        st.rerun()
