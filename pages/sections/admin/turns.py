"""Everybody's runs that run or wait, in the order of their turns, and their priorities."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from pages.shell import problems, services
from pages.shell.words import ago
from tl_core.config import RUN_KINDS
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.registry.scheduling.oversight import HIGHEST, Oversight, QueuedRun

_EVERY = 3.0  # seconds between two looks
_LONG = 1000  # runs, from which on not all of them may be read


def oversight() -> Oversight:
    """Quotas and queue, as the acting person may see them."""
    return Oversight(services.database(), services.principal(), services.settings())


@st.fragment(run_every=_EVERY)
@problems.looking
def show() -> None:
    """The queue as it is now."""
    with problems.caught():
        queue = oversight().queue()
    if not queue:
        st.caption("Nothing runs or waits.")
        return
    st.dataframe(
        [_row(run) for run in queue],
        hide_index=True,
        key="turns",
        height="content" if len(queue) < 16 else 600,
        column_config={
            "done": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100),
            "priority": st.column_config.NumberColumn(
                help="Runs of a higher one go first; all others have 0."
            ),
            "lane": st.column_config.TextColumn(
                help="Trainings have a slot for each GPU, short jobs one of their own."
            ),
        },
        alt="Everybody's runs that run or wait",
    )
    waiting = [run for run in queue if run.status == "queued"]
    if len(waiting) >= _LONG:
        st.caption("Of a long queue the runs are shown whose turns come first.")
    if waiting:
        _prioritise(waiting)


def _row(run: QueuedRun) -> dict[str, object]:
    return {
        "who": run.owner,
        "kind": RUN_KINDS[run.kind].title,
        "lane": "trainings" if run.lane == "train" else "short jobs",
        "state": _state(run),
        "priority": run.priority,
        "done": 100 * run.progress,
        "since": ago(run.started or run.queued),
        "run": run.run,
    }


def _state(run: QueuedRun) -> str:
    if run.elsewhere:
        return f"waiting in {title_of(run.elsewhere)}"
    if run.status == "running":
        return "running"
    if run.starts is None:
        return f"place {run.place}"
    minutes = (run.starts - time.time()) / 60
    return f"place {run.place}, " + ("next" if minutes < 1 else f"in about {minutes:,.0f} min")


def _prioritise(waiting: Sequence[QueuedRun]) -> None:
    """Let one that waits go before others, or after them."""
    # A choice is known by its label, which must not change while the run waits: place and time,
    # which do, stand in the table.
    names = {run.run: f"{run.owner}: {RUN_KINDS[run.kind].title} · {run.run}" for run in waiting}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run = st.selectbox(
            "A run that waits",
            list(names),
            None,
            format_func=names.get,
            key="turn_run",
            placeholder="choose one",
            width=420,
            help="Whose turn is to come earlier or later.",
        )
        st.number_input(
            "Priority",
            -HIGHEST,
            HIGHEST,
            10,
            key="turn_priority",
            width=140,
            help="Fair shares decide among runs of the same priority; all others have 0.",
        )
        st.button(
            "Set the priority",
            icon=":material/low_priority:",
            key="turn_set",
            on_click=_set,
            args=(run,),
            disabled=run is None,
            help="It can be set again for as long as the run waits."
            if run
            else "Choose a run that waits first.",
        )


def _set(run: str) -> None:
    with problems.in_callback():
        oversight().prioritise(run, int(st.session_state["turn_priority"]))
