"""Who has access to a project or a run: a dialog in which its owner shares it, and the lines that
say how it is shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.sections.sharing import hand_over, report_links
from pages.shell import dialogs, others, problems, rights, services
from pages.shell.words import plain
from tl_core.access.people import Person
from tl_core.access.policy import EVERYBODY, PROJECT, RUN
from tl_core.access.sharing import Grant, Sharing
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

ACCESS = {"viewer": "may look", "editor": "may work on it"}
_MEANING = {
    PROJECT: "Looking is at items, reports and single predictions. Working is also to add and"
    " change items, to train, and to predict files. Only you delete, share and hand over.",
    RUN: "A single run is shared without the items that it was trained on: its report and its"
    " model. Working on it is also to note, cancel and resume. To share items, share the project.",
}
_NAMED = 2  # people that a line names


def sharing() -> Sharing:
    """What the acting person shares."""
    return Sharing(services.database(), services.principal())


def button(thing: DatasetRecord | Run, *, key: str, label: str = "Share") -> None:
    """The button that opens the dialog, for owners on a server with others."""
    if not others.exist() or rights.against(rights.OWN, thing):
        return
    if st.button(
        label,
        key=f"share_{key}",
        icon=":material/group_add:",
        help="Who may see it, and who may work on it.",
        on_click=dialogs.opened,
    ):
        show(thing)


def line(record: DatasetRecord) -> str:
    """How a project is shared, in a few words for its card: whose it is, or with whom it is
    shared; nothing where there is nobody else.
    """
    if not others.exist():
        return ""
    if whose := rights.whose(record):
        level = "editor" if not rights.against(rights.WORK, record) else "viewer"
        return f":material/group: {plain(whose)} shares it; you {ACCESS[level]}"
    with problems.caught():
        grants = sharing().of(PROJECT, record.called)
    if not grants:
        return ":material/lock: Only you see it"
    names = [plain(grant.name) for grant in sorted(grants, key=lambda one: one.grantee)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f":material/group: Shared with {', '.join(names[:_NAMED])}{more}"


@st.dialog("Who has access?", width="medium", icon=":material/group:", on_dismiss="rerun")
def show(thing: DatasetRecord | Run) -> None:
    """Who may look and who may work, to be changed; handing over, links to a report."""
    kind, reference = _named(thing)
    name = reference if kind == PROJECT else f"Run {reference}"
    dialogs.begin()
    with problems.caught():
        grants = sharing().of(kind, reference)
    known = others.everybody()
    st.markdown(
        f"**{plain(name)}** "
        + ("is shared with:" if grants else "is yours alone: nobody else sees it.")
    )
    for grant in grants:
        _line(kind, reference, grant, known)
    _add(kind, reference, grants, known)
    st.caption(_MEANING[kind])
    if isinstance(thing, Run):
        report_links.show(thing)
    else:
        hand_over.offer(thing)


def _named(thing: DatasetRecord | Run) -> tuple[str, str]:
    """The kind of a thing, and what stores call it."""
    return (RUN, thing.id) if isinstance(thing, Run) else (PROJECT, thing.called)


def _line(kind: str, reference: str, grant: Grant, known: Mapping[str, Person]) -> None:
    """One person's access, and the ways to change it and to take it away."""
    key = f"access_{grant.grantee}"

    def change() -> None:
        chosen = str(st.session_state[key])
        dialogs.act(lambda: sharing().share(kind, reference, grant.grantee, chosen))

    def take_away() -> None:
        dialogs.act(lambda: sharing().unshare(kind, reference, grant.grantee))

    person = known.get(grant.grantee)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(others.called(person) if person else grant.name), width="stretch")
        st.selectbox(
            f"What {grant.name} may do",
            list(ACCESS),
            list(ACCESS).index(grant.access),
            format_func=ACCESS.get,
            key=key,
            on_change=change,
            label_visibility="collapsed",
            width=190,
        )
        st.button(
            "Take away",
            key=f"unshare_{grant.grantee}",
            icon=":material/person_remove:",
            type="tertiary",
            on_click=take_away,
            help="From the next click on they do not see it any more.",
        )


def _add(kind: str, reference: str, grants: Sequence[Grant], known: Mapping[str, Person]) -> None:
    """Somebody else, or everybody here."""
    have = {grant.grantee for grant in grants}
    names = {EVERYBODY: "Everybody here"} | {
        person.id: others.called(person) + (" · viewer here" if person.role == "viewer" else "")
        for person in known.values()
        if not person.disabled and person.id != services.user()
    }
    choices = [one for one in names if one not in have]
    if not choices:
        return

    def share() -> None:
        whom, how = st.session_state["share_whom"], st.session_state["share_how"]
        if whom:
            dialogs.act(lambda: sharing().share(kind, reference, whom, how))

    with st.form("form_share", border=True, clear_on_submit=True):
        whom, how = st.columns([3, 2])
        whom.selectbox(
            "Share with",
            choices,
            None,
            format_func=names.get,
            key="share_whom",
            placeholder="type a name",
            help="People who have signed in here at least once, or everybody who ever does.",
        )
        how.selectbox("who", list(ACCESS), format_func=ACCESS.get, key="share_how")
        st.form_submit_button("Share", key="grant", icon=":material/group_add:", on_click=share)
