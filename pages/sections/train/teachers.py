"""Whom a student may learn from: finished trainings of the project, or a model by its reference."""

from __future__ import annotations

import streamlit as st

from pages.sections.train import backbones
from pages.shell import problems
from pages.widgets.glossary import help_of
from tl_core.registry.datasets import DatasetRecord


class _Names(dict[str, str]):
    """What runs are called, by their references; any other reference is called as it is."""

    def __missing__(self, reference: str) -> str:
        return reference


def choose(record: DatasetRecord) -> str:
    """The reference of the teacher in hand; empty while there is none."""
    with problems.caught():
        runs = _Names(
            {
                one["reference"]: f"{one['name']}: {one['size']}"
                for one in backbones.own_runs(record)
            }
        )
    chosen = st.selectbox(
        "Teacher",
        list(runs),
        index=0 if runs else None,
        format_func=runs.__getitem__,
        key="teacher",
        accept_new_options=True,
        placeholder="run:<id> or hub:<owner>/<name>",
        help=help_of(
            "distillation",
            "A finished training on these classes, or a model that already tells them apart.",
        ),
    )
    if not chosen:
        st.caption(
            "Nothing has been trained yet that could teach: train the large model first, or name"
            " one of the Hub that has the same classes."
        )
    return str(chosen or "")
