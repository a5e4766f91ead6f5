"""Several people on one queue: how far they agree, and the last word where they do not."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.sections.labelling import desk
from pages.shell import others, problems, rights, services
from pages.shell.words import plain
from pages.widgets.glossary import help_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.labelling.agreement import Agreement
from tl_core.registry.datasets import DatasetRecord
from tl_core.services.labelling import Dispute, Labelling, Standing

_PLACE = "people"
_WIDTH = 320
_SHOWN = 10  # disputes at once


@st.fragment
def show(record: DatasetRecord) -> None:
    """Who has labelled how many, how far they agree, and what is to be settled."""
    problems.refused(_PLACE)
    with problems.caught():
        labelling = desk.of(record)
        now = labelling.standing
    _share(record)
    if now.said:
        _people(now)
    if labelling.agreement.pairs:
        _agreement(labelling.agreement)
    if now.disputes:
        _disputes(record, labelling, now)


def _share(record: DatasetRecord) -> None:
    """How many items two people are asked."""
    with problems.caught():
        share = services.answers().twice(record.reference)
    st.slider(
        "Items that two people are asked (%)",
        0,
        100,
        share,
        5,
        key=f"twice_{record.id}_{share}",
        disabled=bool(rights.against(rights.WORK, record)),
        help="Nobody is shown what somebody else has before them or has labelled, but for this"
        " share of the items: from it follows how far people agree.",
        on_change=_ask_twice,
        args=(record, f"twice_{record.id}_{share}"),
    )


def _ask_twice(record: DatasetRecord, key: str) -> None:
    with problems.in_callback(_PLACE):
        services.answers().ask_twice(record.reference, st.session_state[key])


def _people(now: Standing) -> None:
    counts = {_name(person): len(said) for person, said in now.said.items()}
    st.dataframe(
        pd.DataFrame(counts.items(), columns=["person", "labels"]),
        hide_index=True,
        height="content",
    )


def _agreement(found: Agreement) -> None:
    """Cohen's kappa of each pair."""
    rows = [
        {
            "first": _name(pair.first),
            "second": _name(pair.second),
            "items of both": pair.items,
            "alike": pair.agreed,
            "kappa": pair.kappa,
        }
        for pair in found.pairs
    ]
    st.markdown("**How far they agree**")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={
            "kappa": st.column_config.NumberColumn(
                "Cohen's kappa", format="%.2f", help=help_of("Cohen's kappa")
            )
        },
    )


def _disputes(record: DatasetRecord, labelling: Labelling, now: Standing) -> None:
    """The items on which people differ, each with what they said and a button for each class."""
    count = len(now.disputes)
    st.markdown(f"**To be settled: {count:,}**")
    st.caption("People differ about these. They stay out of the next version until one is settled.")
    for one in now.disputes[:_SHOWN]:
        with st.container(border=True):
            _dispute(record, labelling, one)
    if count > _SHOWN:
        st.caption(f"The first {_SHOWN} of {count:,}.")


def _dispute(record: DatasetRecord, labelling: Labelling, one: Dispute) -> None:
    several = labelling.version.sets.several
    own = pages_of(record.modality)
    left, right = st.columns([2, 3])
    with left, problems.caught():
        own.draw(own.value(DatasetVersion(record.folder), one.row), _WIDTH)
    with right:
        st.caption(f"Row {one.row:,}")
        for person, cell in one.said.items():
            said = desk.words_of(cell, several=several)
            st.markdown(f"{plain(_name(person))}: **{plain(said)}**")
        why = rights.against(rights.WORK, record)
        with st.container(horizontal=True):
            for place, cell in enumerate(dict.fromkeys(one.said.values())):
                st.button(
                    plain(desk.words_of(cell, several=several)),
                    on_click=_settle,
                    args=(record, one.row, cell),
                    key=f"settle_{one.row}_{place}",
                    disabled=bool(why),
                    help=why or "This class counts.",
                )


def _settle(record: DatasetRecord, row: int, cell: str) -> None:
    with problems.in_callback(_PLACE):
        desk.of(record).settle({row: cell})


def _name(person: str) -> str:
    return others.name_of(person) if others.exist() else "you"
