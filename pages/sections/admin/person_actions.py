"""What administrators do with one person: their role, access and sessions, and their erasure."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shell import dialogs, others, problems, services
from pages.shell.words import plain
from tl_core.access.people import Administration, Person
from tl_core.errors import StateError
from tl_core.services.personal_data import erase_person


def _administration() -> Administration:
    return Administration(services.database(), services.principal())


def show(person: Person) -> None:
    """Buttons for one person; what keeps somebody out asks once more."""
    key = f"role_{person.id}"
    st.session_state[key] = person.role  # as it is, whatever was chosen and refused
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            f"Role of {plain(person.name)}",
            list(others.ROLES),
            format_func=others.ROLES.get,
            key=key,
            width=190,
            on_change=_set_role,
            args=(person, key),
            help="A viewer looks at what others share; a member has projects; an administrator"
            " looks after people, too.",
        )
        if person.disabled:
            st.button(
                "Let in again",
                key="enable",
                icon=":material/lock_open:",
                on_click=_act,
                args=(lambda: _administration().enable(person.id),),
                help="They can sign in again, and find everything as it was.",
            )
            if st.button(
                "Erase for good",
                key="erase_person",
                icon=":material/delete_forever:",
                on_click=dialogs.opened,
                help="Asks once more, and for their handle.",
            ):
                _erase(person)
        elif st.button(
            "Keep out",
            key="disable",
            icon=":material/block:",
            on_click=dialogs.opened,
            help="Asks once more. What they own stays.",
        ):
            _keep_out(person)
        if services.settings().sign_in != "header" and st.button(
            "Sign out everywhere",
            key="sign_out",
            icon=":material/devices:",
            on_click=dialogs.opened,
            help="Asks once more. Ends their sessions on all computers.",
        ):
            _sign_out(person)


def _act(step: Callable[[], object]) -> None:
    with problems.in_callback():
        step()


def _set_role(person: Person, key: str) -> None:
    role = str(st.session_state[key])
    _act(lambda: _administration().set_role(person.id, role))


@st.dialog("Keep this person out?", icon=":material/block:")
def _keep_out(person: Person) -> None:
    dialogs.begin()
    st.markdown(
        f"**{plain(others.called(person))}** can do nothing any more from their next click on."
        " What they own stays, runs that are going go on, and what they share stays shared."
    )
    st.button(
        "Keep them out", type="primary", key="disable_sure", on_click=_disable, args=(person,)
    )


def _disable(person: Person) -> None:
    administration = _administration()
    dialogs.act(lambda: administration.disable(person.id), last=True)


@st.dialog("Erase this person?", icon=":material/delete_forever:")
def _erase(person: Person) -> None:
    dialogs.begin()
    st.markdown(
        f"Everything that **{plain(others.called(person))}** owns goes for good, past the trash:"
        " datasets, runs, models, what others made in their projects. The log of activity keeps an"
        " id that leads nowhere any more. **This cannot be undone.**"
    )
    with st.form("form_erase_person", border=False):
        st.text_input(f"Type {plain(person.handle)} to confirm", key="erase_person_typed")
        st.form_submit_button("Erase them for good", type="primary", on_click=_gone, args=(person,))


def _gone(person: Person) -> None:
    def step() -> None:
        if str(st.session_state["erase_person_typed"]).strip() != person.handle:
            raise StateError("Nothing was erased.", "What was typed is not their handle.")
        home = services.settings().home_path
        erase_person(services.database(), home, services.principal(), person.id)

    dialogs.act(step, last=True)


@st.dialog("Sign this person out?", icon=":material/devices:")
def _sign_out(person: Person) -> None:
    dialogs.begin()
    st.markdown(
        f"All sessions of **{plain(others.called(person))}** end at once; they can sign in again."
        " Their access tokens stay."
    )
    st.button("Sign them out", type="primary", key="sign_out_sure", on_click=_end, args=(person,))


def _end(person: Person) -> None:
    administration = _administration()
    dialogs.act(lambda: administration.sign_out(person.id), last=True)
