"""What an import would take and why, before it is saved: questions that only a person can answer,
guesses to check.
"""

from __future__ import annotations

import json
from typing import TypedDict

import pandas as pd
import streamlit as st

from pages.shell import ask
from pages.shell.words import on_page, plain

ROLES = {
    "text": "Text",
    "title": "Title before the text",
    "image": "Picture",
    "audio": "Recording",
    "label": "Class",
    "split": "Split",
    "group": "Belongs together",
    "date": "Date",
    "fold": "Fold",
}


class Choice(TypedDict):
    """The option that a question is about, and its values with what each would mean."""

    option: str
    choices: dict[str, str]


class Question(TypedDict):
    """What only a person can say about a source."""

    what: str
    why: str
    question: Choice


class PlannedColumn(TypedDict):
    """A column of the source, and what it is taken for."""

    role: str
    name: str
    reason: str
    certain: bool


class SetAside(TypedDict):
    """Rows that are left out, for one reason."""

    count: int
    reason: str
    example: str


class Plan(TypedDict, total=False):
    """What an import takes for what, as a version keeps it."""

    format: str
    columns: list[PlannedColumn]
    uncertain: list[str]
    notes: list[str]
    set_aside: list[SetAside]
    sample: list[dict[str, str]]


class Preview(TypedDict):
    """The answer of `plan_import`."""

    question: Question | None
    plan: Plan
    classes: dict[str, dict[str, int]]
    too_many: bool
    unlabelled: int


def _answer(option: str) -> None:
    """Keep the answer where the option's own widget would."""
    picked = st.session_state[f"answer_{option}"]
    st.session_state[f"add_{option}"] = int(picked) if option == "class_level" else picked


def ask_person(question: Question) -> None:
    """Show a question with its choices; the answer goes into the session under the option's
    name.
    """
    st.warning(
        f"**{on_page(question['what'])}** {on_page(question['why'])}", icon=":material/help:"
    )
    option, choices = question["question"]["option"], question["question"]["choices"]
    with st.form(f"question_{option}", border=False):
        st.radio(
            "What is meant?",
            list(choices),
            format_func=lambda value: plain(f"{value}: {choices[value]}"),
            key=f"answer_{option}",
        )
        st.form_submit_button(
            "Go on with this",
            type="primary",
            icon=":material/check:",
            on_click=_answer,
            args=(option,),
        )


def preview(source: str, staging: str, chosen: dict[str, object]) -> None:
    """What would be taken for what, guesses to check, and the rows of each class by split, before
    anything is frozen.
    """
    answer = ask.ask(
        "plan",
        "plan_import",
        json.dumps([source, chosen]),
        "Reading all rows: classes, splits, what will be left out…",
        path=source,
        staging=staging,
        options=chosen,
    )
    if answer is None:
        return
    if answer["question"]:
        ask_person(answer["question"])
        return
    check(answer["plan"])
    with st.expander("Role of each column", expanded=True):
        show(answer["plan"])
    with st.expander("How the rows will be split", expanded=True):
        _splits(answer)


def _splits(answer: Preview) -> None:
    if answer["too_many"]:
        st.caption("Too many rows to count here; the counts are shown once the dataset is made.")
        return
    if not answer["classes"]:
        st.caption(
            f"All {answer['unlabelled']:,} rows wait for a class. Those that are drawn at random"
            " among the first ones to be labelled become the test and validation rows."
        )
        return
    table = pd.DataFrame([{"class": name, **parts} for name, parts in answer["classes"].items()])
    st.dataframe(table, hide_index=True, height=min(240, 36 * (len(table) + 1)))
    aside = (
        f" {answer['unlabelled']:,} rows without a class are set aside."
        if answer["unlabelled"]
        else ""
    )
    if answer.get("several"):
        st.caption("An item may have several of these classes, so their numbers overlap.")
    st.caption(
        "Copies of an item are put into the same split when the dataset is made, so counts may"
        f" shift a little. A class with a single example stays in train.{aside}"
    )


def check(plan: Plan) -> None:
    """Guesses that a person should look at before saving."""
    doubts = plan.get("uncertain", [])
    if not doubts:
        return
    with st.container(border=True):
        st.markdown(
            f":material/help: **Please check {'this' if len(doubts) == 1 else 'these'} before you"
            " save**"
        )
        for doubt in doubts:
            st.markdown(f"- {on_page(doubt)}")
        st.caption("Choose another column or setting where the guess is wrong.")


def show(plan: Plan, *, doubts: bool = False) -> None:
    """What was taken, what was set aside, and some rows as the model will see them; with `doubts`
    what was guessed.
    """
    if plan.get("format"):
        st.caption(f":material/description: Read as: {plain(plan['format'])}")
    if plan.get("columns"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "what": ROLES.get(one["role"], one["role"]),
                        "taken from": one["name"],
                        "why": one["reason"],
                        "sure": "yes" if one["certain"] else "please check",
                    }
                    for one in plan["columns"]
                ]
            ),
            hide_index=True,
        )
    for doubt in plan.get("uncertain", []) if doubts else []:
        st.caption(f":material/help: Guessed: {on_page(doubt)}")
    for note in plan.get("notes", []):
        st.caption(f":material/info: {on_page(note)}")
    for one in plan.get("set_aside", []):
        example = f", such as {plain(one['example'])}" if one["example"] else ""
        st.caption(f":material/block: {one['count']:,} set aside: {plain(one['reason'])}{example}")
    if plan.get("sample"):
        st.caption("Rows as the model will see them")
        st.dataframe(pd.DataFrame(plan["sample"]), hide_index=True)
