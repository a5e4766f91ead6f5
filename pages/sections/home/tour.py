"""The guided tour on a sample: a strip below the bar that says what to look at, place by place."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from pages.sections.home import samples
from pages.shell import rights, services
from pages.shell.navigation import Tab
from tl_core.errors import UserError
from tl_core.registry.run import ACTIVE

_SAMPLE = "digits"
_NOT_BEGUN, _LEFT = 0, -1  # of the session's `tour`; else the number of the step, from 1


class Step(NamedTuple):
    """A stop of the tour: the tab's address and script, what it is called, and what to look at."""

    address: str
    page: str
    title: str
    text: str


STEPS = (
    Step(
        "home",
        "pages/home/home.py",
        "Home",
        "Everything begins with labelled examples. The sample holds 1,797 small pictures of"
        " handwritten digits; *Next* trains a first model on it. Each set of data becomes a"
        " project here, with its last score.",
    ),
    Step(
        "live",
        "pages/train/live.py",
        "Live run",
        "A pretrained network reads each picture once, then a small classifier is fitted on what"
        " it saw: transfer learning. Look at the sentence on top, the progress, and the score"
        " beside that of a model without transfer. It takes about a minute.",
    ),
    Step(
        "report",
        "pages/evaluate/report.py",
        "Report",
        "The first sentence says how often the model is right on pictures that it had not seen,"
        " and which range is plausible. Look at the bar without transfer, at the weakest class,"
        " and at the mistakes: some of them are hard for people, too.",
    ),
    Step(
        "predict",
        "pages/use/playground.py",
        "Predict",
        "Give the model something new: drop a picture or photograph a digit. It says what it sees"
        " and how sure it is; *Why?* marks what speaks for it. Batch answers whole files, Bundle"
        " takes the model away, Server answers other programs. This is the end of the tour.",
    ),
)


def offer() -> None:
    """The button that begins the tour, which trains on a sample."""
    if rights.against_making():
        return
    st.button(
        "Take the tour",
        key="tour_start",
        icon=":material/tour:",
        on_click=_go_to,
        args=(1,),
        help="Four short stops, from a sample to a prediction; you can leave at any of them.",
    )


def show(tab: Tab) -> None:
    """The strip, on every page while the tour is on; whoever left it is not shown it again."""
    number = int(st.session_state.get("tour", _NOT_BEGUN))
    if number < 1:
        return
    here = next((at for at, step in enumerate(STEPS, 1) if step.address == tab.address), 0)
    if here > number:  # somebody went ahead
        number = here
        _go_to(number)
    step = STEPS[number - 1]
    at_its_place = here == number
    said = step.text if at_its_place else f"The tour goes on at {step.title}."
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="tour_strip"):
        with st.container(width="stretch", gap=None):
            st.markdown(f":material/tour: **The tour, {number} of {len(STEPS)}: {step.title}**")
            st.caption(said)
        if not at_its_place:
            if st.button("Go there", key="tour_there", type="primary"):
                st.switch_page(step.page)
        elif number < len(STEPS):
            _next(number)
        st.button(
            "Leave the tour" if number < len(STEPS) else "Done",
            key="tour_leave",
            type="tertiary" if number < len(STEPS) else "primary",
            on_click=_go_to,
            args=(_LEFT,),
            help="It does not come back by itself; Home offers it again.",
        )


def _next(number: int) -> None:
    """The button to the next stop; from the run on only once that has ended."""
    waits = STEPS[number - 1].address == "live" and _goes_on()
    pressed = st.button(
        "Next",
        key="tour_next",
        type="primary",
        icon=":material/arrow_forward:",
        disabled=waits,
        help="As soon as the training has ended" if waits else "To the next stop",
    )
    if pressed:
        _go_to(number + 1)
        if number == 1:
            samples.start(_SAMPLE)
        st.switch_page(STEPS[number].page)


def _goes_on() -> bool:
    """Whether the run in hand still trains."""
    run_id = st.query_params.get("run") or st.session_state["run"]
    try:
        return bool(run_id) and services.runs().get(run_id).status in ACTIVE
    except UserError:
        return False


def _go_to(number: int) -> None:
    st.session_state["tour"] = number
