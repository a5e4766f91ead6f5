"""What a person may use and has used of it, and how administrators change that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.sections.admin.turns import oversight
from pages.shell import others, problems, services
from pages.shell.words import ahead, plain
from tl_core.access.people import Person
from tl_core.registry.quotas import QUOTAS, Standing
from tl_core.registry.scheduling.oversight import Oversight


@st.cache_data(max_entries=200, ttl=60, show_spinner="Adding up what is used…")
def _standing(_desk: Oversight, person: str, database: str) -> Sequence[Standing]:
    del database  # in which the person is
    return _desk.standing(person)  # looks at all their files


def _standing_of(person: str) -> Sequence[Standing]:
    return _standing(oversight(), person, services.settings().database)


def show(person: Person, key: str) -> Sequence[Standing]:
    """The quotas of a person in a table; gives them."""
    with problems.caught():
        standings = _standing_of(person.id)
    st.dataframe(
        [_row(standing) for standing in standings],
        hide_index=True,
        key=key,
        height="content",
        column_config={
            "held": st.column_config.TextColumn(
                help="What runs that wait or run are expected to take; settled when they end."
            )
        },
        alt=f"What {plain(person.name)} may use",
    )
    return standings


def _row(standing: Standing) -> dict[str, str]:
    limited = standing.limit is not None
    return {
        "of what": QUOTAS[standing.name],
        "at most": f"{standing.limit:,}" if limited else "no limit",
        "used": "" if standing.used is None else f"{standing.used:,.0f}",
        "held": f"{standing.held:,.0f}" if standing.held else "",
        "begins anew": ahead(standing.resets) if standing.resets and limited else "",
        "set by": "an administrator" if standing.own else "the server's settings",
    }


def choose(people: Mapping[str, Person]) -> None:
    """The quotas of one of these people, and a way to set each."""
    picked = st.selectbox(
        "Person",
        list(people),
        None,
        format_func={one: others.called(person) for one, person in people.items()}.get,
        key="quota_person",
        placeholder="type a name",
        width=420,
        help="Whose quotas are shown and changed.",
    )
    if not picked:
        st.caption("TL_QUOTAS says what everybody has; exceptions are set here.")
        return
    standings = {one.name: one for one in show(people[picked], "quotas")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            "Quota",
            list(QUOTAS),
            format_func=QUOTAS.get,
            key="quota_name",
            width=420,
            help="Which one is changed.",
        )
        most = f"quota_most_{picked}_{name}"
        st.session_state.setdefault(most, standings[name].limit or 0)
        st.number_input(
            "At most",
            0,
            key=most,
            width=160,
            help="0: no limit.",
        )
        st.button(
            "Set it",
            icon=":material/check:",
            key="quota_set",
            on_click=_set,
            args=(picked, name),
            help="For this person, from now on.",
        )
        st.button(
            "As for everybody",
            icon=":material/undo:",
            key="quota_default",
            disabled=not standings[name].own,
            on_click=_set,
            args=(picked, name, True),
            help="Takes the exception away."
            if standings[name].own
            else "It is as for everybody: nothing was set for this person.",
        )


def _set(person: str, name: str, default: bool = False) -> None:
    key = f"quota_most_{person}_{name}"
    with problems.in_callback():
        most = None if default else int(st.session_state[key])
        oversight().set_quota(person, name, most)
        _standing.clear(oversight(), person, services.settings().database)
        if default:
            held = {one.name: one.limit for one in _standing_of(person)}
            st.session_state[key] = held[name] or 0
