"""The table of runs: which of them are shown, in which order, and which are ticked."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.sections.runs import run_rows
from pages.shell import problems, services
from pages.shell.frame import STATES
from tl_core.config import RUN_KINDS
from tl_core.registry.run import ACTIVE, Run

PICKED = "picked_runs"  # ids of the runs to act on, ticked or chosen by name
_MOST = 1000  # runs that are looked through, the newest
_PAGE = 50
_ORDERS: dict[str, Callable[[Run], object]] = {
    "Newest first": lambda run: -run.created,
    "Best score first": lambda run: -run_rows.score_of(run),
    "Longest first": lambda run: -(run_rows.minutes_of(run) or 0.0),
    "By backbone": lambda run: (run.backbone, -run.created),
}
_ALWAYS = ["run", "state"]
_COLUMNS = [
    "score (%)",
    "95 % interval",
    "gain (points)",
    "course",
    "backbone",
    "strategy",
    "minutes",
    "when",
    "tags",
    "note",
]
_MORE = ["gain, 95 % interval", "scored on", "data", "kind", "what it says"]


@dataclass(frozen=True)
class Wanted:
    """Which runs are shown; an empty set of states or tags lets all through."""

    project: str
    kind: str
    states: frozenset[str]
    archived: bool
    order: str


def filters(project: str) -> Wanted:
    """Boxes above the table; `project` is the one in hand, empty without one."""
    everywhere = (
        st.segmented_control(
            "Projects",
            ["This project", "All"],
            default="This project",
            required=True,
            key="runs_of",
            help="Only runs on the data in hand, or all that you have.",
            persist_state="session",
        )
        if project
        else "All"
    )
    kind = st.selectbox(
        "Kind",
        ["train", "", *(name for name in RUN_KINDS if name != "train")],
        format_func=_kind_title,
        key="runs_kind",
        width=200,
        help="Trainings, or what else was carried out: imports, predictions, exports.",
        persist_state="session",
    )
    states = st.multiselect(
        "State",
        list(STATES),
        format_func={name: word for name, (_, word) in STATES.items()}.get,
        key="runs_states",
        placeholder="any",
        width=180,
        help="How the run stands.",
        persist_state="session",
    )
    order = st.selectbox(
        "Order",
        list(_ORDERS),
        key="runs_order",
        width=170,
        help="Of all runs; a click on a column's head sorts the page that is shown.",
        persist_state="session",
    )
    archived = st.toggle(
        "Archived, too",
        key="runs_archived",
        help="Runs that were put away are hidden until you ask for them.",
        persist_state="session",
    )
    return Wanted(
        "" if everywhere == "All" else project,
        str(kind),
        frozenset(states),
        bool(archived),
        str(order),
    )


def _kind_title(name: str) -> str:
    """What a kind is called among the choices."""
    if not name:
        return "All kinds"
    title = "trainings" if name == "train" else RUN_KINDS[name].title
    return title[:1].upper() + title[1:]


def found(wanted: Wanted) -> list[Run]:
    """The runs that are wanted, in order; of very many the newest."""
    one_state = next(iter(wanted.states)) if len(wanted.states) == 1 else ""
    with problems.caught():
        if wanted.project:
            runs = services.runs().of_dataset(wanted.project)
        else:
            runs = services.runs().list(kind=wanted.kind or None, status=one_state, limit=_MOST)
    kept = [
        run
        for run in runs
        if (run.kind == wanted.kind if wanted.kind else RUN_KINDS[run.kind].listed)
        and (not wanted.states or run.status in wanted.states)
        and (wanted.archived or not run.archived)
    ][:_MOST]
    return sorted(kept, key=_ORDERS[wanted.order])


def tagged(runs: list[Run]) -> list[Run]:
    """Those of `runs` that bear a chosen tag; asks only where any run has one."""
    known = sorted({tag for run in runs for tag in run.tags})
    if not known:
        return runs
    tags = st.multiselect(
        "Tags",
        known,
        key="runs_tags",
        placeholder="any",
        help="Only runs that bear one of these.",
        width=180,
    )
    return [run for run in runs if not tags or set(tags) & set(run.tags)]


def columns(*, everywhere: bool) -> list[str]:
    """The columns that somebody wants to see; among runs on many data always which data."""
    with st.popover(
        "Columns", icon=":material/view_column:", help="Which columns are shown.", width="content"
    ):
        chosen = st.multiselect(
            "Columns",
            [*_COLUMNS, *_MORE],
            _COLUMNS,
            key="runs_columns",
            persist_state="session",
            help="Run and state are always there.",
        )
    first = [*_ALWAYS, *(["data"] if everywhere else [])]
    return [*first, *(name for name in chosen if name not in first)]


def show(runs: list[Run], shown: list[str]) -> None:
    """A page of the table; ticking a row picks its run."""
    pages = -(-len(runs) // _PAGE)
    page = runs[:_PAGE]
    slot = st.container()
    if pages > 1:
        number = st.pagination(pages, key=f"runs_page {len(runs)}")
        page = runs[(number - 1) * _PAGE : number * _PAGE]
    ids = [run.id for run in page]
    picked = st.session_state.get(PICKED, [])
    mark = zlib.crc32(",".join(ids).encode())
    key = f"runs {mark} {st.session_state.get('runs_drawn', 0)}"
    table = run_rows.rows(page, run_rows.courses(runs))
    with slot:
        st.dataframe(
            table,
            hide_index=True,
            key=key,
            on_select=lambda: _tick(key, ids),
            selection_mode="multi-row",
            selection_default={
                "selection": {"rows": [place for place, one in enumerate(ids) if one in picked]}
            },
            column_order=[*shown[:1], *(["who"] if table["who"].any() else []), *shown[1:]],
            column_config=run_rows.column_config(table),
            height="content" if len(page) < 14 else 540,
            placeholder="-",
            alt="Runs, a line each",
        )


def keep_fresh(runs: list[Run]) -> None:
    """The page runs again once one of `runs` that is going has ended."""
    going = [run.id for run in runs if run.status in ACTIVE and RUN_KINDS[run.kind].listed]
    if going:
        _wait(going)


@st.fragment(run_every=5)
@problems.looking
def _wait(going: list[str]) -> None:
    with problems.caught():
        still = {run.id for run in services.runs().list(active=True, limit=None)}
    if not still.issuperset(going):
        st.rerun()


def _tick(key: str, ids: list[str]) -> None:
    """What is ticked on this page, beside what was picked on other pages."""
    ticked = [ids[place] for place in st.session_state[key]["selection"]["rows"]]
    others = [one for one in st.session_state.get(PICKED, []) if one not in ids]
    st.session_state[PICKED] = others + ticked


def choose(runs: list[Run]) -> list[Run]:
    """The same by name, for those who have no mouse: the picked runs."""
    by_id = {run.id: run for run in runs}
    st.session_state[PICKED] = [
        one for one in st.session_state.get(PICKED, []) if one in by_id
    ]  # filters may have taken one away

    def draw_anew() -> None:
        st.session_state["runs_drawn"] = st.session_state.get("runs_drawn", 0) + 1

    picked = st.multiselect(
        "Runs in hand",
        list(by_id),
        format_func={one: run_rows.title(run) for one, run in by_id.items()}.get,
        key=PICKED,
        on_change=draw_anew,
        placeholder="tick runs in the table, or type a name",
        help="One run can be opened, used or put away; several can be compared.",
    )
    return [by_id[one] for one in picked]
