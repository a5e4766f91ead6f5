"""The run behind a part of a page: started, found, watched while it goes, shown once it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from pages.shell import problems, rights, services, state
from tl_core.config import RunConfig
from tl_core.errors import NotFoundError
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.registry.run import ACTIVE, Run

_Result = TypeVar("_Result")
Waiting = str | Callable[[Run], str]


def show(
    run: Run | None,
    waiting: Waiting,
    result: Callable[[Run], _Result],
    offer: Callable[[], object] | None = None,
    *,
    ended: Callable[[Run], object] | None = None,
    stoppable: bool = False,
) -> _Result | None:
    """Draw what belongs to the state of a run; gives what `result` gives.

    Args:
        run: the run, or None before there is one.
        waiting: the words beside its progress.
        result: draws a run that is done.
        offer: draws the button that starts one, before the first and after one that ended badly.
        ended: draws what is offered after one that ended badly, in place of `offer`.
        stoppable: whether a button to cancel it stands below its progress.
    """
    if run is None:
        if offer:
            offer()
    elif run.status in ACTIVE:
        _watch(run.id, waiting, stoppable=stoppable)
    elif run.status == "done":
        with problems.caught():
            return result(run)
    else:
        problems.show(run.reason or {"what": "It stopped."}, predicts=run.kind == "predict")
        if ended:
            ended(run)
        elif offer:
            offer()
    return None


def start(config: RunConfig, mark: str) -> Run:
    """Queue a run; `mark` tells it from others of the same draft, so that a second click starts
    nothing.
    """
    with problems.caught():
        run = submit(config, mark)
    return run


def submit(config: RunConfig, mark: str) -> Run:
    """The same for callbacks.

    Raises:
        UserError: when it is refused.
    """
    run = services.submit(config, f"{state.new_draft()}-{mark}")
    state.draft_used()
    return run


def of_dataset(reference: str, kind: str) -> Run | None:
    """The newest run of a kind on a dataset version."""
    with problems.caught():
        runs = services.runs().of_dataset(reference)
    return next((run for run in runs if run.kind == kind), None)


def of_run(run_id: str, kind: str, status: str = "") -> Run | None:
    """The newest run of a kind that looks at the run `run_id`, or the newest with a status."""
    with problems.caught():
        runs = services.runs().children(run_id, kind)
    return next((run for run in runs if status in ("", run.status)), None)


def in_hand(key: str) -> Run | None:
    """The run whose id the session keeps under `key`, unless it has been deleted since."""
    if not st.session_state[key]:
        return None
    with problems.caught():
        try:
            return services.runs().get(st.session_state[key])
        except NotFoundError:
            st.session_state[key] = ""
            return None


@st.fragment(run_every=1.0)
@problems.looking
def _watch(run_id: str, waiting: Waiting, *, stoppable: bool) -> None:
    """Progress of a run; the whole page runs again once it has ended."""
    with problems.caught():
        run = services.runs().get(run_id)
    if run.status not in ACTIVE:
        st.rerun()
    if run.status == "queued":
        text = f"Waiting for its turn: place {run.place} in the queue"
    elif run.waits_elsewhere:
        text = f"Waiting in {title_of(run.executor)}, which has it in its own queue"
    else:
        text = waiting if isinstance(waiting, str) else waiting(run)
    st.progress(run.progress, text)
    if stoppable and not rights.against(rights.WORK, run):
        st.button(
            "Stop",
            key=f"stop_{run_id}",
            on_click=_cancel,
            args=(run_id,),
            icon=":material/stop:",
            type="tertiary",
        )


def _cancel(run_id: str) -> None:
    """Cancel it; what it has finished is kept."""
    with problems.in_callback():
        services.runs().cancel(run_id)
