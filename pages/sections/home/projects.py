"""Projects as cards: what is in them, how good the last model is, and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.sections.sharing import access
from pages.shell import problems, rights, services, workspace
from pages.shell.words import ago, counted, plain
from pages.widgets import spark
from pages.widgets.glossary import help_of
from tl_core.data.glance import rows_of_classes, typical_words
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.modalities import items_of
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.projects import READ, TRAIN, USE, WATCH, Standing, standing

_PAGE = 12
_NARROWEST = 370  # pixels of a card
_THUMBNAILS, _WORDS = 3, 8
_LONGEST_NAME, _LONGEST_WORD = 34, 18
_STEPS = {
    TRAIN: ("Train a first model", "pages/train/backbone.py", "model_training"),
    WATCH: ("Watch the training", "pages/train/live.py", "monitoring"),
    READ: ("Read the report", "pages/evaluate/report.py", "fact_check"),
    USE: ("Use it on new items", "pages/use/playground.py", "bolt"),
}
_LOOK = ("Look at its data", "pages/data/items.py", "grid_view")  # where one may not train


def show(records: Sequence[DatasetRecord]) -> None:
    """A card for each project, newest first, a page of them at a time."""
    slots: list[tuple[DeltaGenerator, DatasetRecord]] = []
    cards = st.container()
    page = 1
    if len(records) > _PAGE:
        page = st.pagination(-(-len(records) // _PAGE), key="projects_page")
    shown = records[(page - 1) * _PAGE : page * _PAGE]
    with cards, st.grid("auto", min_column_width=_NARROWEST):
        for record in shown:
            slots.append((_card(record), record))
    for slot, record in slots:  # the cards stand before their pictures are looked for
        with slot:
            _look(record)


def _card(record: DatasetRecord) -> DeltaGenerator:
    """One project; gives the place where its pictures or words go."""
    with problems.caught():
        state = standing(services.runs().of_dataset(record.called))
    name = record.called
    with st.container(border=True, height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{plain(name[:_LONGEST_NAME])}{'…' * (len(name) > _LONGEST_NAME)}**",
                width="stretch",
                help=plain(name) if len(name) > _LONGEST_NAME else None,
            )
            access.button(record, key=record.id)
            st.page_link(
                "pages/data/items.py",
                label="Open",
                help="Look at its data",
                query_params={"dataset": record.reference},
            )
        if shared := access.line(record):
            st.caption(shared)
        st.caption(
            f"{record.rows:,} {items_of(record.modality)} in"
            f" {counted(record.classes, 'class', 'classes')} · version {record.version} ·"
            f" {ago(record.created)}"
        )
        slot = st.container()
        _score(state)
        st.space("stretch")
        _next_step(record, state)
    return slot


def _score(state: Standing) -> None:
    """The last score with its interval, and how the best one went."""
    score = state.score
    if score is None:
        st.caption("No model yet.")
        return
    over = "version" if state.over_versions else "training"
    st.metric(
        "Last score on validation items" if score.closed else f"Last score ({score.name})",
        f"{100 * score.value:.0f} %",
        f"{100 * score.low:.0f} to {100 * score.high:.0f} is plausible",
        delta_color="off",
        delta_arrow="off",
        help=help_of(
            "validation items" if score.closed else score.name,
            "Of the newest model, with the interval that is plausible for items like these. The"
            f" line is the best score after each {over}; where the test score is closed, that of"
            " the validation items counts.",
        ),
    )
    spark.line([100 * value for value in state.course], " %")


def _next_step(record: DatasetRecord, state: Standing) -> None:
    title, page, icon = _STEPS[state.step]
    if state.step == TRAIN and rights.against(rights.WORK, record):
        title, page, icon = _LOOK
    if st.button(
        title,
        key=f"next_{record.id}",
        icon=f":material/{icon}:",
        width="stretch",
        help="The next step of this project",
        on_click=workspace.take,
        args=(record.reference,),
    ):
        about = {"run": state.run.id} if state.run else {"dataset": record.reference}
        st.switch_page(page, query_params=about)


def _look(record: DatasetRecord) -> None:
    """A few pictures, or the words that mark the classes of texts."""
    try:
        rows = _rows(str(record.folder))
        items = small_items(str(record.folder), rows) if rows else []
        if items and not isinstance(items[0], str):
            pages_of(record.modality).draw_strip([Card(item) for item in items])
        elif items:
            words = " ".join(
                f":gray-badge[{plain(word[:_LONGEST_WORD])}]" for word in _words(str(record.folder))
            )
            st.markdown(words)
    except DataError as error:  # one damaged project must not hide the others
        st.caption(f":material/error: {plain(error.what)}")


@st.cache_data(max_entries=100, ttl=3600, show_spinner=False)
def _rows(folder: str) -> tuple[int, ...]:
    """Rows of different classes; versions never change, so they are kept."""
    return tuple(rows_of_classes(DatasetVersion(Path(folder)), _THUMBNAILS))


@st.cache_data(max_entries=100, ttl=3600, show_spinner=False)
def _words(folder: str) -> list[str]:
    return typical_words(DatasetVersion(Path(folder)), _WORDS)
