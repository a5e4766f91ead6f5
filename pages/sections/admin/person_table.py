"""Everybody on this server in a table, one of them picked; what each has, by number and size."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import others, services
from pages.shell.words import size
from tl_core.access.people import Person
from tl_core.registry.holdings import Holding, holdings
from tl_core.services.personal_data import path_size

_PICKED = "person_in_hand"
_NOTHING = Holding(0, 0, ())


def choose(people: Mapping[str, Person]) -> Person | None:
    """The person to act on, by name; a tick in the table does the same."""
    if st.session_state.get(_PICKED) not in people:
        st.session_state[_PICKED] = None
    picked = st.selectbox(
        "Person",
        list(people),
        None,
        format_func={one: others.called(person) for one, person in people.items()}.get,
        key=_PICKED,
        placeholder="type a name, or tick a line below",
        help="Whose role or access is to be changed.",
    )
    return people[picked] if picked else None


def show(people: Mapping[str, Person], place: DeltaGenerator) -> None:
    """The table into its place; measuring what everybody has can take a moment, so this is drawn
    last.
    """
    having = found()
    ids = list(people)
    table = pd.DataFrame(
        [_row(person, having.get(one, _NOTHING)) for one, person in people.items()]
    )
    place.dataframe(
        table,
        hide_index=True,
        key="people",
        on_select=lambda: _tick(ids),
        selection_mode="single-row",
        height="content" if len(ids) < 16 else 600,
        placeholder="",
        column_config={
            "last seen": st.column_config.DatetimeColumn(format="distance"),
            "here since": st.column_config.DatetimeColumn(format="distance"),
            "projects": st.column_config.NumberColumn(help="Not counting the trash."),
            "runs": st.column_config.NumberColumn(help="That they started, without the trash."),
            "disk": st.column_config.TextColumn(help="Of all that is theirs, the trash included."),
        },
        alt="Everybody on this server, a line each",
    )


def _row(person: Person, having: Holding) -> dict[str, object]:
    return {
        "name": person.name,
        "handle": person.handle,
        "e-mail": person.email,
        "role": others.ROLES[person.role],
        "access": "disabled" if person.disabled else "",
        "last seen": datetime.fromtimestamp(person.seen, UTC),
        "projects": having.projects,
        "runs": having.runs,
        "disk": size(sum(_size(str(folder)) for folder in having.folders)),
        "here since": datetime.fromtimestamp(person.created, UTC),
    }


def _tick(ids: list[str]) -> None:
    """The ticked line's person is the one in hand."""
    rows = st.session_state["people"]["selection"]["rows"]
    st.session_state[_PICKED] = ids[rows[0]] if rows else None


def found() -> Mapping[str, Holding]:
    """What everybody has."""
    return holdings(services.database(), services.principal(), services.settings().home_path)


@st.cache_data(max_entries=20_000, ttl=600, show_spinner=False)
def _size(folder: str) -> int:
    return path_size(Path(folder))
