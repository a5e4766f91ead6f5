"""One item at a time: its class by key or click, skip, undo, a new class, and what the model says
when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.sections.labelling import proposing, ticks
from pages.shell import problems, rights, services, state
from pages.shell.words import counted, plain, sure
from tl_core.data.label_sets import called
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import AccessError
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.label_answers import LABEL, Answer
from tl_core.services.labelling import Labelling

_WIDTH = 560  # of a photo in pixels
# seconds for which an item must have been there before it can be answered: a key that is held, or
# struck twice, would answer about items that nobody has seen
GLANCE = 0.4
_SHOWN = "label_shown"


@dataclass(frozen=True)
class Hint:
    """What the model says of an item, and how sure it is."""

    label: str
    confidence: float


@dataclass(frozen=True)
class Queue:
    """What is to be labelled: why each row came up, in order, and what the model says of rows."""

    why: Mapping[int, str]
    hints: Mapping[int, Hint]


def of(record: DatasetRecord) -> Labelling:
    """The labelling of a version by the acting person."""
    return Labelling(services.answers(), record)


def words_of(cell: str, *, several: bool) -> str:
    """What people call what is kept of an answer: a class, or a list of them."""
    return called(cell) if several else cell


@st.fragment
def show(record: DatasetRecord, queue: Queue, below: Callable[[Labelling], None]) -> None:
    """The next item and what can be said of it; an answer is saved before the next one is shown.

    Args:
        record: the version.
        queue: what is to be labelled.
        below: draws what changes with each answer, below the choices.
    """
    with problems.caught():
        if newer_than(record):
            st.rerun()  # the whole page, which leads there
        labelling = of(record)
        now = labelling.standing
        row = _next(labelling, queue)
    if st.session_state.get(_SHOWN, (None,))[0] != row:
        st.session_state[_SHOWN] = (row, monotonic())
    left, right = st.columns([3, 2], gap="large")
    with right:
        done = sum(one in now.labels and one not in now.used for one in queue.why)
        st.progress(
            done / max(1, len(queue.why)),
            f"{done:,} of {counted(len(queue.why), 'chosen item')} labelled;"
            f" {counted(len(now.labels), 'label')} in all",
        )
        if why := rights.against(rights.WORK, record):
            st.caption(plain(why))
        elif row is None:
            _offer_undo(record)
            _nothing_left()
        else:
            _choices(record, labelling, queue, row)
        below(labelling)
    if row is not None:
        with left:
            _item(record, queue, row)
    _watch(record)


def newer_than(record: DatasetRecord) -> DatasetRecord | None:
    """The newest version of a dataset, where it is another one."""
    newest = services.datasets().find(record.called)
    return newest if newest.version > record.version else None


def lead_to(newest: DatasetRecord, record: DatasetRecord) -> None:
    """Somebody has made a newer version: what is said here would be in no later one."""
    st.info(
        f"{plain(newest.reference)} has been made meanwhile. Labels go on there."
        f" To go on from {plain(record.reference)} instead, restore it under *Versions*.",
        icon=":material/update:",
    )
    st.button(
        f"Label {plain(newest.reference)}",
        on_click=state.choose,
        args=("dataset", newest.reference),
        type="primary",
        icon=":material/arrow_forward:",
    )


def _next(labelling: Labelling, queue: Queue) -> int | None:
    """The row before the acting person; None where nothing waits, or they may only look."""
    try:
        return next(iter(labelling.next(queue.why)), None)
    except AccessError:
        return None


def _item(record: DatasetRecord, queue: Queue, row: int) -> None:
    own = pages_of(record.modality)
    with problems.caught():
        own.draw(own.value(DatasetVersion(record.folder), row), _WIDTH)
    st.caption(f"Row {row:,} · {plain(proposing.WHY.get(queue.why[row], queue.why[row]))}")


def _nothing_left() -> None:
    st.success("Nothing waits for you in this order.", icon=":material/check_circle:")


def _watch(record: DatasetRecord) -> None:
    """The choice that goes on in the background; the page draws itself anew when it is there."""
    with problems.caught():
        _, going = proposing.newest(record)
    if going:
        _look(record)


@st.fragment(run_every=2.0)
@problems.looking
def _look(record: DatasetRecord) -> None:
    with problems.caught():
        _, going = proposing.newest(record)
    if going is None:
        st.rerun()
    st.caption(":material/sync: Choosing what to ask next, with the labels so far…")


def _choices(record: DatasetRecord, labelling: Labelling, queue: Queue, row: int) -> None:
    """A button and a key for each class, and for what else can be said."""
    classes, several = labelling.classes, labelling.version.sets.several
    counts = labelling.version.info.classes
    if several:
        ticks.show(record, row, counts, classes, partial(_label, record, queue, row))
    else:
        _one(record, queue, row, counts, classes)
    _new_class(record, queue, row, several=several)
    _hint(labelling, queue, row)
    with st.container(horizontal=True):
        st.button(
            "Skip",
            on_click=_skip,
            args=(record, queue, row),
            shortcut="s",
            help="You cannot say. Others are asked about it.",
        )
        _offer_undo(record)


def _one(
    record: DatasetRecord,
    queue: Queue,
    row: int,
    counts: Mapping[str, int],
    classes: Sequence[str],
) -> None:
    """The commonest classes under the keys 1 to 9, the others in a list."""
    if not classes:
        ticks.without_names()
    keyed = ticks.commonest(classes, counts)
    for number, name in enumerate(keyed, 1):
        st.button(
            plain(name),
            on_click=_label,
            args=(record, queue, row, name),
            shortcut=str(number),
            width="stretch",
            key=f"class_{number}",
        )
    others = [name for name in classes if name not in keyed]
    if others:
        other = st.selectbox(
            "Another class",
            others,
            index=None,
            placeholder="Another class",
            key=ticks.key_of("other", record, row),
        )
        if other:
            st.button(
                f"Label as {plain(other)}",
                on_click=_label,
                args=(record, queue, row, other),
                width="stretch",
                key="to_other",
            )


def _new_class(record: DatasetRecord, queue: Queue, row: int, *, several: bool) -> None:
    """A class that the dataset does not have yet: the item's own, or one more of several."""
    with st.popover("New class", icon=":material/new_label:", width="stretch"):
        name = st.text_input("Name of the new class", key=ticks.key_of("new_class", record, row))
        name = name.strip()
        if several:
            st.button(
                "Add it to this item's labels",
                on_click=_name,
                args=(record, row, name),
                disabled=not name,
                key="to_new",
            )
            return
        st.button(
            "Label this item with it",
            on_click=_label,
            args=(record, queue, row, name),
            kwargs={"new": True},
            disabled=not name,
            key="to_new",
        )


def _name(record: DatasetRecord, row: int, name: str) -> None:
    """Tick a class that is new; nothing is saved before the labels are."""
    with problems.in_callback():
        ticks.tick_new(of(record), record, row, name)
        st.session_state[ticks.key_of("new_class", record, row)] = ""


def _hint(labelling: Labelling, queue: Queue, row: int) -> None:
    """What the model says, for those who ask: whoever sees it first is drawn towards it."""
    hint = queue.hints.get(row)
    if hint is None:
        return
    if st.session_state["hinted"] == row:
        said = words_of(hint.label, several=labelling.version.sets.several)
        st.info(f"The model says **{plain(said)}**, {sure(hint.confidence)}.")
        return
    st.button(
        "Show what the model says",
        on_click=_show_hint,
        args=(row,),
        shortcut="h",
        type="tertiary",
        icon=":material/lightbulb:",
        help="Hidden until you ask, as it would draw you towards it. Answers after a look are"
        " marked.",
    )


def _show_hint(row: int) -> None:
    st.session_state["hinted"] = row


def _offer_undo(record: DatasetRecord) -> None:
    st.button(
        "Undo",
        on_click=_undo,
        args=(record,),
        icon=":material/undo:",
        shortcut="u",
        help="Takes back what you answered last.",
    )


def _label(record: DatasetRecord, queue: Queue, row: int, label: str, *, new: bool = False) -> None:
    with problems.in_callback():
        labelling = of(record)
        if _may_answer(record, labelling, row):
            aided = st.session_state["hinted"] == row
            labelling.label([row], label, why=queue.why.get(row, ""), aided=aided, new=new)
            ticks.forget(record, row)
            _go_on(record, queue)


def _skip(record: DatasetRecord, queue: Queue, row: int) -> None:
    with problems.in_callback():
        labelling = of(record)
        if _may_answer(record, labelling, row):
            labelling.skip(row, why=queue.why)
            _go_on(record, queue)


def _may_answer(record: DatasetRecord, labelling: Labelling, row: int) -> bool:
    """Whether the item has been there long enough to be seen, and has no answer of the same person
    yet, from another window; else why not is told.
    """
    shown, since = st.session_state.get(_SHOWN, (None, 0.0))
    now = monotonic()
    if shown == row and now - since < GLANCE:
        st.session_state[_SHOWN] = (row, now)  # as long as a key is held
        st.toast("Too fast: the item had hardly come up, so it is not answered.")
        return False
    label = waiting_label(services.answers().list(record.reference), services.user(), row)
    if label is not None:
        said = words_of(label, several=labelling.version.sets.several)
        st.toast(
            f"You have labelled this item as {plain(said)} in another window. That stays; Undo"
            " takes it back."
        )
        return False
    return True


def waiting_label(answers: Sequence[Answer], person: str, row: int) -> str | None:
    """The label that a person has given a row since the version was made; None without one. What
    the version holds already may be looked at again, as where it is probably wrong.
    """
    given = [
        one.label
        for one in answers
        if (one.row, one.given_by, one.action, one.used) == (row, person, LABEL, False)
    ]
    return given[-1] if given else None


def _undo(record: DatasetRecord) -> None:
    with problems.in_callback():
        rows = of(record).undo()
    if not rows:
        st.toast("There is nothing of yours to take back.")
    if len(rows) > 1:
        st.rerun()  # the whole page: groups of items are drawn elsewhere


def _go_on(record: DatasetRecord, queue: Queue) -> None:
    """See to it that enough items wait; those of another page's list are not chosen anew."""
    answers = services.answers().list(record.reference)
    answered = {one.row for one in answers}
    if "suspect" not in queue.why.values():
        left = sum(row not in answered for row in queue.why)
        proposing.keep_up(record, answers, left)
