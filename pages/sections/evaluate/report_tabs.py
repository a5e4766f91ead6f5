"""The tabs of a report below its head; each reads what it shows, and only while it is open."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.sections.evaluate import (
    abstain,
    adaptation,
    company,
    confusion,
    episodes_view,
    evidence,
    level_view,
    mistakes,
    overview,
    stress,
    thresholds,
    training_view,
    without_labels,
)
from pages.sections.evaluate.subject import Subject, without_items
from pages.sections.items import items
from pages.sections.items.item_pages import pages_of
from pages.sections.train import search_board
from pages.shell import state
from pages.shell.following import view_of
from pages.widgets.halves import halves


def first(subject: Subject) -> None:
    """Scores, comparisons and classes; of several strategies or candidates which was taken, and
    why.
    """
    overview.show(subject)
    if subject.report.get("domains"):
        adaptation.show(subject.report["domains"])
    if subject.report.get("ladder"):
        training_view.ladder(subject.report["ladder"])
    if subject.report.get("episodes"):
        episodes_view.show(subject.report["episodes"])
    if subject.report.get("search"):
        search_board.report(subject.report["search"])


def errors(subject: Subject) -> None:
    """Which classes are mixed up, and the items that deserve a look."""
    if subject.several:
        company.show(subject)
    else:
        confusion.show(subject)
        level_view.show(subject)
    st.subheader("Items to look at")
    if without_items(subject):
        return

    def show_items(table: pd.DataFrame) -> None:
        items.show(str(subject.folder), subject.report["modality"], table, "mistakes")
        if not state.only_reads():
            items.closer(subject.run, str(subject.folder), subject.report, table)

    mistakes.show(subject.answers(), subject.rivals_answers(), show_items)
    if not state.only_reads():
        st.page_link(
            "pages/data/labels.py",
            label="Wrong labels? Look for them",
            icon=":material/rule:",
            query_params={"dataset": subject.run.dataset},
        )


def confidence(subject: Subject) -> None:
    """Whether its confidence can be trusted, and from which on it may decide alone."""
    if state.only_reads():
        evidence.confidence(subject.report, subject.judged)
    else:
        left, right = halves()
        with left:
            evidence.confidence(subject.report, subject.judged)
        with right:
            if subject.several:
                thresholds.show(subject)
            else:
                abstain.show(subject.report, subject.run)
    evidence.ranking(subject.judged)


def slices(subject: Subject) -> None:
    """Kinds of items on which it is worse."""
    evidence.weak_slices(subject.judged, subject.noun)


def robustness(subject: Subject) -> None:
    """How it does on worse items, and whether what somebody expects of it holds."""
    if subject.closed:
        st.subheader("Degraded items")
        st.caption(
            "They are made from the test items: open the test score first, when you have settled on"
            " this run."
        )
    else:
        stress.show(
            subject.run,
            lambda rows: (
                without_items(subject)
                or items.show(
                    str(subject.folder),
                    subject.report["modality"],
                    subject.answers()[subject.answers()["index"].isin(rows)],
                    "flipped",
                )
            ),
        )
    if (subject.run.folder / "model").is_dir() and not state.only_reads():
        pages_of(subject.report["modality"]).show_behaviour_tests(
            subject.run,
            [
                name
                for name in subject.report["labels"]
                if name not in subject.report["classes_without_training_rows"]
            ],
        )


def explain(subject: Subject) -> None:
    """Choose an item on the left; on the right what the model went by, and what it has learnt it
    from.
    """
    if without_items(subject):
        return
    left, right = halves()
    with left:
        st.subheader("Which item?")
        rows, key = mistakes.chosen(subject.answers(), subject.rivals_answers())
        shown = items.page_of(rows, key)
        if len(shown):
            items.strip(str(subject.folder), subject.report["modality"], shown, "explained")
        else:
            st.caption("None: no item is like this.")
    with right:
        st.subheader("Why did it say so?")
        if len(shown):
            items.closer(
                subject.run,
                str(subject.folder),
                subject.report,
                shown,
                ask=not state.only_reads(),
            )


def details(subject: Subject) -> None:
    """How it was trained, and with which settings."""
    report = subject.report
    if report.get("training"):
        training_view.training(report, view_of(subject.run))
    without_labels.show(report, view_of(subject.run))
    training_view.parts(report)


TABS = {
    "Overview": first,
    "Errors": errors,
    "Confidence": confidence,
    "Slices": slices,
    "Robustness": robustness,
    "Explain": explain,
    "Details": details,
}
