"""The head of the live page: state and time left, the buttons that end a run, and what came of
it.
"""

from __future__ import annotations

import streamlit as st

from pages.shell import frame, problems, rights, run_panel, services
from pages.shell.words import duration, plain
from pages.widgets import run_file, trained
from pages.widgets.glossary import help_of
from tl_core.config import RUN_KINDS
from tl_core.jobs.events import RunView
from tl_core.registry.elsewhere.executor_names import LOCAL, title_of
from tl_core.registry.run import ACTIVE, KEEPS_BEST, Run

_REFUSED = ("data", "ambiguous", "config")  # the same settings on the same data end so again

_LEARNT = "Stop now and keep what is learnt"
_WITHOUT_BEST = ("pretrain", "contrastive")  # which have no states to choose from


def which(dataset: str, asked: str, in_hand: str) -> str:
    """The run that the page is about: the one of the address; else one that is going, first that
    in hand, then the project's newest; else the one in hand, else the project's newest of all.

    Args:
        dataset: the dataset version in hand; empty before there is one.
        asked: the run that the address names.
        in_hand: the run that the session has.
    """
    if asked or not dataset:
        return asked or in_hand
    runs = services.runs().of_dataset(dataset.partition("@")[0])
    listed = [run for run in runs if RUN_KINDS[run.kind].listed]
    going = [run.id for run in listed if run.status in ACTIVE]
    if in_hand in going:
        return in_hand
    return next(iter(going), "") or in_hand or next((run.id for run in listed), "")


def sentence(run: Run, view: RunView) -> str:
    """State and time left, as one would say it."""
    if run.status == "queued":
        return f"Waiting for its turn: place {run.place} in the queue."
    if run.waits_elsewhere and not run.cancel_requested:
        return f"Waiting in {title_of(run.executor)}, which has it in its own queue…"
    if run.cancel_requested or run.stop_requested:
        return "Stopping, and keeping the best…" if run.stop_requested else "Stopping…"
    left = view.seconds_left()
    count = f" ({view.done:,} of {view.total:,})" if view.total else ""
    stage = view.stage or "Starting; loading the libraries takes some seconds"
    return f"{stage}{count}" + (f", {duration(left)} left in this step." if left else "…")


def where(run: Run) -> str:
    """Where a run is carried out, unless that is the machine where all runs are."""
    if run.executor in ("", LOCAL):
        return ""
    on = f" on {plain(run.host)}" if run.host and run.job else ""
    return f" · {title_of(run.executor)}{on}"


def show(run: Run, view: RunView) -> None:
    """What the run is, then how far it is or how it ended."""
    what = trained.way(run) if run.kind == "train" else RUN_KINDS[run.kind].title
    about = " · ".join(plain(part) for part in (run.dataset, what) if part)
    about += f" · run {run.id}{where(run)}"
    if run.status in ACTIVE:
        _progress(run, view, about)
    else:
        _end(run)
        st.caption(about)


def _progress(run: Run, view: RunView, about: str) -> None:
    """How far it is, what it is, and the buttons that end it."""
    why = rights.against(rights.WORK, run)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plain(sentence(run, view))}", width="stretch")
        if run.kind == "train" and run.recipe in KEEPS_BEST and run.status == "running":
            st.button(
                _LEARNT if run.recipe in _WITHOUT_BEST else "Stop now and keep the best",
                on_click=_stop,
                args=(run.id,),
                icon=":material/flag:",
                disabled=run.stop_requested
                or run.cancel_requested
                or not view.has_curves
                or bool(why),
                help=why or "Ends the training early; what is kept is evaluated like any other.",
            )
        st.button(
            "Cancel",
            on_click=_cancel,
            args=(run.id,),
            disabled=run.cancel_requested or bool(why),
            icon=":material/stop_circle:",
            help=why or "Ends the run without a result. It can be resumed.",
        )
    st.progress(run.progress, f"{run.progress:.0%} of the whole run  :gray[· {about}]")


def _end(run: Run) -> None:
    """What came of it, or why nothing did."""
    if run.status == "done":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(plain(run.headline), icon=":material/check_circle:", width="stretch")
            _next(run)
        return
    st.markdown(frame.badge(run.status))
    problems.show(run.reason or {"what": "It ended."}, predicts=run.kind == "predict")
    with st.container(horizontal=True, vertical_alignment="center"):
        refused = run.kind == "train" and (run.reason or {}).get("code") in _REFUSED
        if refused and st.button("Change the settings", type="primary", icon=":material/tune:"):
            st.switch_page("pages/train/design.py", query_params={"dataset": run.dataset})
        _offer_again(run, "The same again" if refused else "Resume", primary=not refused)


def _offer_again(run: Run, title: str, *, primary: bool) -> None:
    """Queue it again; what was refused is, as long as nothing around it has changed."""
    why = rights.against(rights.WORK, run)
    if st.button(
        title,
        type="primary" if primary else "tertiary",
        icon=":material/replay:",
        disabled=bool(why),
        help=why or "Goes on from what is finished.",
    ):
        with problems.caught():
            services.resume(run.id)
        st.rerun()  # the whole page, since its fragment has stopped looking


def _next(run: Run) -> None:
    """Where the result of a finished run is: its report, its dataset, or its file."""
    made = run.summary or {}
    if run.kind == "train":
        if st.button("Read the report", type="primary", icon=":material/fact_check:"):
            st.switch_page("pages/evaluate/report.py", query_params={"run": run.id})
        if run.recipe == "finetune" and not rights.against(rights.WORK, run.dataset):
            _train_longer(run)
    elif made.get("file"):
        run_file.offer(run)
    elif "dataset" in made and st.button(
        "Look at the data", type="primary", icon=":material/search:"
    ):
        reference = rights.within(run.dataset, str(made["dataset"]))
        st.switch_page("pages/data/items.py", query_params={"dataset": reference})


def _train_longer(run: Run) -> None:
    """Go on from the end of a finished training, as a run of its own."""
    with st.popover("Train longer", icon=":material/more_time:"):
        epochs = st.number_input(
            "Epochs more",
            1,
            100,
            2,
            help=help_of("epoch", "The new run begins with this one's model."),
        )
        if st.button("Go on", type="primary"):
            with problems.caught():
                longer = rights.anew(run).longer(run.id, epochs)
            started = run_panel.start(longer, "longer")
            st.switch_page("pages/train/live.py", query_params={"run": started.id})


def _cancel(run_id: str) -> None:
    """Ask the run to stop; one that has just ended stays as it is."""
    with problems.in_callback():
        services.runs().cancel(run_id)


def _stop(run_id: str) -> None:
    """Ask a training to end now with its best state."""
    with problems.in_callback():
        services.runs().stop(run_id)
