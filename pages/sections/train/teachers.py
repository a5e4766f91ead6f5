"""Whom a student may learn from: finished trainings of the project, or a model by its reference."""

from __future__ import annotations

import streamlit as st

from pages.sections.evaluate import test_score
from pages.sections.train import backbones
from pages.shell import problems, services
from pages.widgets.glossary import help_of
from tl_core.registry.datasets import DatasetRecord


class _Names(dict[str, str]):
    """What runs are called, by their references; any other reference is called as it is."""

    def __missing__(self, reference: str) -> str:
        return reference


def _knows(record: DatasetRecord, reference: str) -> bool:
    """Whether a run tells all classes of the dataset apart; others are refused once it begins."""
    run = services.runs().get(reference.removeprefix("run:"))
    known = {name.casefold() for name in test_score.report_of(run)["labels"]}
    return {name.casefold() for name in services.version_info(record.folder).labels} <= known


def choose(record: DatasetRecord) -> str:
    """The reference of the teacher in hand; empty while there is none."""
    with problems.caught():
        runs = _Names(
            {
                one["reference"]: f"{one['name']}: {one['size']}"
                for one in backbones.own_runs(record)
                if _knows(record, one["reference"])
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
