"""Several labels of one item: ticked by key or click, then saved together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pages.shell.words import plain
from tl_core.data.checks.class_names import check_new_name
from tl_core.data.label_sets import as_cell
from tl_core.registry.datasets import DatasetRecord
from tl_core.services.labelling import Labelling

_KEYS = 9


def key_of(of: str, record: DatasetRecord, row: int) -> str:
    """Where the session keeps what was chosen for an item; `named` are the classes that were named
    for one whose labels are not saved yet.
    """
    return f"{of}_{record.reference}_{row}"


def commonest(classes: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """The classes that have a key, in their order."""
    keyed = sorted(classes, key=lambda name: -counts.get(name, 0))[:_KEYS]
    return [name for name in classes if name in keyed]


def without_names() -> None:
    """How the first class gets a name."""
    st.caption(
        "No class has a name yet. Name this item's class with **New class**; from then on it"
        " stands here."
    )


def show(
    record: DatasetRecord,
    row: int,
    counts: Mapping[str, int],
    classes: Sequence[str],
    save: Callable[..., None],
) -> None:
    """Any of the classes, those that were just named for this item included; the commonest are
    ticked by the keys 1 to 9.

    Args:
        record: the version.
        row: of the item.
        counts: rows of each class in the version.
        classes: that an item may be given.
        save: saves the labels as they are kept; `new` says that one may be new.
    """
    named = st.session_state.get(key_of("named", record, row), [])
    offered = list(dict.fromkeys([*classes, *named]))
    if not offered:
        without_names()
    ticked = st.session_state.get(key_of("ticked", record, row), [])
    keyed = commonest(offered, counts)
    if keyed:
        st.caption("Its labels: all that apply")
    with st.container(horizontal=True, gap="small"):
        for number, name in enumerate(keyed, 1):
            st.button(
                plain(name),
                on_click=_tick,
                args=(record, row, name),
                shortcut=str(number),
                icon=f":material/check_box{'' if name in ticked else '_outline_blank'}:",
                type="primary" if name in ticked else "secondary",
                key=f"class_{number}",
            )
    others = [name for name in offered if name not in keyed]
    if others:
        further = key_of("further", record, row)
        st.session_state[further] = [name for name in ticked if name in others]
        st.multiselect(
            "Further labels",
            others,
            format_func=plain,
            key=further,
            on_change=_tick_further,
            args=(record, row, others),
        )
    _save(ticked, save, new=bool(named))


def _save(ticked: Sequence[str], save: Callable[..., None], *, new: bool) -> None:
    """What is ticked is the answer, or that nothing applies."""
    with st.container(horizontal=True):
        st.button(
            "Save these labels",
            on_click=save,
            args=(as_cell(ticked),),
            kwargs={"new": new},
            type="primary",
            shortcut="a",
            disabled=not ticked,
        )
        st.button(
            "None of them",
            on_click=save,
            args=(as_cell([]),),
            shortcut="0",
            disabled=bool(ticked),
            help="That is an answer, too.",
        )


def _tick(record: DatasetRecord, row: int, name: str) -> None:
    """Tick a label of an item, or take the tick away, and with it a name that nobody has used."""
    key, named = key_of("ticked", record, row), key_of("named", record, row)
    ticked = st.session_state.get(key, [])
    if name not in ticked:
        st.session_state[key] = [*ticked, name]
        return
    st.session_state[key] = [one for one in ticked if one != name]
    st.session_state[named] = [one for one in st.session_state.get(named, []) if one != name]


def _tick_further(record: DatasetRecord, row: int, others: Sequence[str]) -> None:
    """The same for those without a key."""
    key = key_of("ticked", record, row)
    kept = [one for one in st.session_state.get(key, []) if one not in others]
    st.session_state[key] = [*kept, *st.session_state[key_of("further", record, row)]]


def tick_new(labelling: Labelling, record: DatasetRecord, row: int, name: str) -> None:
    """Tick a class that may be new.

    Raises:
        DataError: for a name that no class can have.
    """
    state, ticked = st.session_state, key_of("ticked", record, row)
    named = state.get(key_of("named", record, row), [])
    if name not in [*labelling.classes, *named]:
        check_new_name(name, [*labelling.classes, *named])
        state[key_of("named", record, row)] = [*named, name]
    state[ticked] = list(dict.fromkeys([*state.get(ticked, []), name]))


def forget(record: DatasetRecord, row: int) -> None:
    """An item has got its labels: nothing of it is ticked any more."""
    st.session_state.pop(key_of("ticked", record, row), None)
