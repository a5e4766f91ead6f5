"""Which items come next: the strategies in words, the run that chooses, when it chooses anew."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.sections.train import backbones
from pages.shell import problems, rights, run_panel, services
from pages.widgets.glossary import help_of
from tl_core.config import RunConfig
from tl_core.config.specs import ProposeSpec
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.label_answers import Answer
from tl_core.registry.run import ACTIVE, Run
from tl_core.results import LABEL_QUEUE, LabelQueue
from tl_core.services.labelling import standing
from tl_core.services.labelling_contract import CHOICE, newest_choices, proposal

STRATEGIES = {
    "auto": "What helps most now",
    "typical": "Typical items of each kind",
    "margin": "Where it is a close call",
    "entropy": "Where the model is least sure",
    "diversity": "Unlike what has a label",
    "class": "Probably of one class",
    "random": "At random",
}
WHY = {
    "typical": "typical of many others",
    "margin": "a close call",
    "entropy": "the model is unsure",
    "diversity": "unlike what has a label",
    "class": "probably of the class you look for",
    "random": "drawn at random, for the honest score",
    "suspect": "its label is probably wrong",
    "cluster": "alike",
}
_EACH = ProposeSpec.batch // 2  # answers after which the order is made anew


def newest(record: DatasetRecord) -> tuple[Run | None, Run | None]:
    """The newest choice that is done, and one that is waiting or running."""
    return newest_choices(services.runs().of_dataset(record.reference))


def failed(record: DatasetRecord) -> Run | None:
    """The newest choice, if it ended badly."""
    run = run_panel.of_dataset(record.reference, CHOICE)
    return run if run and run.status not in (*ACTIVE, "done") else None


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def read(folder: str) -> LabelQueue:
    """What a finished choice has found."""
    return LABEL_QUEUE.load(Path(folder))


def choose_strategy(classes: list[str], done: Run | None) -> None:
    """Which items come first, and whether that is chosen anew meanwhile; until somebody says, as in
    the newest choice.
    """
    with problems.caught():
        before = RunConfig.read(done.folder).options if done else {}
    strategies = [name for name in STRATEGIES if name != "class" or classes]
    st.session_state.setdefault("label_strategy", before.get("strategy", "auto"))
    if st.session_state["label_strategy"] not in strategies:
        st.session_state["label_strategy"] = "auto"
    if before.get("wanted") in classes:
        st.session_state.setdefault("label_wanted", before["wanted"])
    st.selectbox(
        "Which items come first",
        strategies,
        key="label_strategy",
        format_func=STRATEGIES.get,
        persist_state="session",
        width=280,
        help=help_of(
            "active learning",
            "About one item in seven is drawn at random whatever you choose (half, as long as data"
            " that began without classes has no test): these alone tell how good the model is.",
        ),
    )
    if st.session_state["label_strategy"] == "class":
        st.selectbox(
            "The class you look for",
            classes,
            key="label_wanted",
            persist_state="session",
            width=200,
            help="Items that the model takes for this class come first.",
        )
    st.toggle(
        "Choose anew as I label",
        key="label_again",
        value=True,
        persist_state="session",
        help=f"After every {_EACH} labels a quick model learns from all of them, in the background,"
        " and chooses what to ask next.",
    )


def offer(record: DatasetRecord, answers: list[Answer], *, first: bool) -> None:
    """The button that has the next items chosen."""
    why = rights.against(rights.WORK, record)
    st.button(
        "Choose the first items" if first else "Choose anew now",
        type="primary" if first else "secondary",
        icon=":material/low_priority:",
        disabled=bool(why),
        help=why or None,
        on_click=_start,
        args=(record, answers),
    )


def go_on(record: DatasetRecord, answers: list[Answer]) -> None:
    """Have the next items chosen in a version that goes on in the order of its predecessor: what is
    read of the items is there already.
    """
    if st.session_state["label_again"] and not rights.against(rights.WORK, record):
        with problems.caught():
            _submit(record, answers)
        st.rerun()


def _start(record: DatasetRecord, answers: list[Answer]) -> None:
    with problems.in_callback():
        if newest(record)[1] is None:
            _submit(record, answers)


def _submit(record: DatasetRecord, answers: list[Answer]) -> None:
    strategy = st.session_state.get("label_strategy") or "auto"
    wanted = st.session_state.get("label_wanted") or ""
    wishes = {"strategy": strategy, "wanted": wanted if strategy == "class" else ""}
    now, reads = standing(answers), backbones.for_dataset(record)
    config = proposal(now, record, services.user(), services.settings(), wishes, reads)
    run_panel.submit(config, CHOICE)


def keep_up(record: DatasetRecord, answers: list[Answer], left: int) -> None:
    """Have the next items chosen in the background, once enough answers have come since the last
    time (or since the version was made, which goes on in its predecessor's order) or hardly an item
    is left; for callbacks.

    Args:
        record: the version.
        answers: all about it.
        left: items that still wait in the order there is.
    """
    done, going = newest(record)
    if going or not st.session_state.get("label_again", True):
        return
    begun = done.created if done else record.created
    since = sum(one.at > begun for one in answers)
    if since >= _EACH or (left < 2 and since):
        _submit(record, answers)
