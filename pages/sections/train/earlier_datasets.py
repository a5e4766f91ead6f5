"""The earlier datasets from whose classes fast adaptation draws its episodes."""

from __future__ import annotations

import streamlit as st

from pages.shell import problems, services
from pages.shell.words import counted, plain
from tl_core.modalities import modality_of
from tl_core.registry.datasets import DatasetRecord


def choose(record: DatasetRecord) -> tuple[str, ...]:
    """Draw the choice; gives the names of those to learn from, none for all that there are."""
    with problems.caught():
        found = [
            one
            for one in services.datasets().list()
            if one.project != record.project
            and (one.modality, one.task) == (record.modality, record.task)
        ]
    noun = modality_of(record.modality).items
    if not found:
        st.warning(
            f"You have no other dataset of {noun}. Fast adaptation learns from earlier ones: add"
            " one first, or choose Probe."
        )
        return ()
    named = {
        one.reference: f"{plain(one.reference)} ({counted(one.classes, 'class', 'classes')})"
        for one in found
    }
    chosen = st.multiselect(
        "Earlier datasets to learn from",
        list(named),
        default=[],
        format_func=named.get,
        placeholder=f"All {len(found)}",
        key=f"earlier_{record.project}",
        help="Episodes are drawn from their classes: small tasks of a few classes with a few labels"
        " each. The more classes, the more there is to learn. None chosen takes all.",
    )
    return tuple(chosen)
