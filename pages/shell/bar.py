"""The bar on top of every page: project in hand, steps of the work, running work, the person's
menu; below it the tabs of the place.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shell import others, problems, rights, services, workspace
from pages.shell.frame import STATES
from pages.shell.navigation import HOME, PLACES, STUDIO, Place, Tab
from pages.shell.words import plain
from pages.widgets import glossary, trained
from tl_core.errors import NotFoundError, UserError
from tl_core.registry.projects import score_of

_STYLE = Path(__file__).with_name("style.css")
_SHOWN_RUNS = 2
_LONGEST = 24  # characters of a name in the bar
_ICONS = {"image": "image", "audio": "graphic_eq"}


def style() -> None:
    """Spacing and the bar itself: the only styles besides the theme."""
    st.html(_STYLE)


def show(place: Place, tab: Tab) -> None:
    """Draw bar and tabs; `place` and `tab` say where the page is."""
    try:
        work = workspace.in_hand()
    except UserError:  # the page itself says what is the matter
        work = workspace.Workspace("", None, frozenset())
    with st.container(key="bar", gap=None):
        with st.container(key="bar-row", horizontal=True, vertical_alignment="center", gap="small"):
            _home(place)
            _project(work)
            _steps(place, work)
            st.space("stretch")
            _model(work)
            with st.container(width="content"):
                _running()
            _person()
        _tabs(place, tab)


def _home(place: Place) -> None:
    with st.container(key=f"mark{'-here' * (place is HOME)}", width="content"):
        st.page_link(HOME.tabs[0].path, label="Graft Studio", icon=":material/psychiatry:")


def _project(work: workspace.Workspace) -> None:
    """The project in hand and its version, and the other ones to change to."""
    name = work.dataset or "No project yet"
    with st.container(key="project", width="content"):
        box = st.popover(
            plain(_shortened(name)),
            icon=":material/folder_open:",
            type="tertiary",
            key="projects",
            on_change="rerun",
            help=plain(name) if len(name) > _LONGEST else None,
        )
    if work.dataset and others.exist() and (whose := rights.whose(work.dataset)):
        with st.container(key="whose", width="content"):
            sign = "visibility" if rights.against(rights.WORK, work.dataset) else "edit"
            st.caption(f":material/{sign}: {plain(whose)}")
    if not box.open:
        return
    with box:
        for record in services.datasets().list():
            st.button(
                plain(record.reference),
                key=f"project_{record.id}",
                type="tertiary",
                icon=(
                    ":material/check:"
                    if record.called == work.project
                    else f":material/{_ICONS.get(record.modality, 'notes')}:"
                ),
                on_click=workspace.take,
                args=(record.reference,),
            )
        if not rights.against_making():
            st.page_link("pages/data/add.py", label="Add data", icon=":material/add:")


def _steps(here: Place, work: workspace.Workspace) -> None:
    """The places of the work: those that are done, where one is, and what comes next."""
    steps = [place for place in PLACES if place.step]
    coming = work.next_step([place.title for place in steps])
    with st.container(key="steps", horizontal=True, gap=None, width="content"):
        for place in steps:
            done = place.title in work.done
            how = "done" if done else "next" if place.title == coming else "later"
            with st.container(
                key=f"step-{how}{'-here' * (place is here)}-{place.address}", width="content"
            ):
                st.page_link(
                    place.tabs[0].path,
                    label=place.title,
                    icon=":material/check_circle:" if done else f":material/{place.icon}:",
                    help={"done": "Done", "next": "The next step", "later": None}[how],
                )


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _model(work: workspace.Workspace) -> None:
    """The trained model in hand, with its score."""
    score = score_of(work.run) if work.run else None
    if work.run and score:
        with st.container(key="model", width="content"):
            st.page_link(
                "pages/evaluate/report.py",
                label=f"{plain(_shortened(trained.name(work.run)))} · {100 * score.value:.0f} %",
                icon=":material/network_intelligence:",
                help=f"The model in hand, and its {score.name}",
                query_params={"run": work.run.id},
            )


def _tabs(place: Place, here: Tab) -> None:
    """The pages of a place, where it has several."""
    tabs = [tab for tab in place.tabs if tab is here or _is_offered(tab)]
    if len(tabs) < 2:
        return
    with st.container(key="tabs", horizontal=True, gap="small"):
        for tab in tabs:
            with st.container(key=f"tab{'-here' * (tab is here)}-{tab.address}", width="content"):
                st.page_link(tab.path, label=tab.title)


@st.fragment(run_every=5)
@problems.looking
def _running() -> None:
    """Chips of what is going, and a toast for what has ended."""
    try:
        me = services.user()
        active = [run for run in services.runs().list(active=True, limit=None) if run.owner == me]
        _announce([run.id for run in active])
    except UserError:
        return
    with st.container(key="running", horizontal=True, width="content", gap="small"):
        for run in active[:_SHOWN_RUNS]:
            what = run.dataset or run.kind
            st.page_link(
                "pages/train/live.py",
                label=f"{plain(_shortened(what))} · {run.progress:.0%}",
                icon=":material/progress_activity:",
                query_params={"run": run.id},
            )
        if len(active) > _SHOWN_RUNS:
            st.page_link("pages/evaluate/runs.py", label=f"{len(active) - _SHOWN_RUNS} more")


def _announce(active: list[str]) -> None:
    """A toast for each run that was going when this tab last looked and has ended since, other than
    the one that the page shows.
    """
    watched = st.session_state["watched"].split()
    st.session_state["watched"] = " ".join(active)
    for run_id in watched:
        if run_id in active or run_id == st.query_params.get("run"):
            continue
        try:
            run = services.runs().get(run_id)
        except NotFoundError:  # deleted, or no longer shared
            continue
        icon = ":material/check_circle:" if run.status == "done" else ":material/error:"
        st.toast(
            f"{plain(run.dataset or run.kind)} is {STATES[run.status][1]}. {plain(run.headline)}",
            icon=icon,
        )


def _person() -> None:
    """Who is here, and what is about the studio itself."""
    with (
        st.container(key="person", width="content"),
        st.popover(
            plain(services.principal().name),
            icon=":material/account_circle:",
            type="tertiary",
            key="menu",
            on_change="rerun",
        ),
    ):
        if others.exist():
            acting = services.principal()
            st.caption(f"**{plain(acting.name)}** · {others.ROLES[acting.role]}")
        for tab in STUDIO.tabs:
            if _is_offered(tab):
                st.page_link(tab.path, label=tab.title, icon=f":material/{tab.icon}:")
        asked = st.button(
            "Glossary",
            icon=":material/menu_book:",
            type="tertiary",
            key="open_glossary",
            on_click=_close_menu,
            help="What the terms on the pages mean",
        )
        if services.settings().sign_in in ("oidc", "accounts"):  # a proxy has its own way out
            st.html(others.SIGN_OUT)
    if asked:
        glossary.show()


def _is_offered(tab: Tab) -> bool:
    """Whether a page is for whoever is here."""
    if tab.offered_to == "admins":
        return others.administers()
    return tab.offered_to == "all" or others.exist()


def _close_menu() -> None:
    """The menu would lie over the drawer that it opens."""
    st.session_state["menu"] = False
