"""What an import would take and why, before it is saved: questions that only a person can answer,
guesses to check.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.components.words import plain

ROLES = {
    "text": "Text",
    "title": "Title before the text",
    "image": "Picture",
    "label": "Class",
    "split": "Split",
    "group": "Belongs together",
    "date": "Date",
    "fold": "Fold",
}


def _answer(option: str) -> None:
    """Keep the answer where the option's own widget would."""
    picked = st.session_state[f"answer_{option}"]
    st.session_state[f"add_{option}"] = int(picked) if option == "class_level" else picked


def ask(question: dict[str, Any]) -> None:
    """Show a question with its choices; the answer goes into the session under the option's
    name.
    """
    st.warning(f"**{plain(question['what'])}** {plain(question['why'])}", icon=":material/help:")
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


def check(plan: dict[str, Any]) -> None:
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
            st.markdown(f"- {plain(doubt)}")
        st.caption("Choose another column or setting where the guess is wrong.")


def show(plan: dict[str, Any], *, doubts: bool = False) -> None:
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
        st.caption(f":material/help: Guessed: {plain(doubt)}")
    for note in plan.get("notes", []):
        st.caption(f":material/info: {plain(note)}")
    for one in plan.get("set_aside", []):
        example = f", such as {plain(one['example'])}" if one["example"] else ""
        st.caption(f":material/block: {one['count']:,} set aside: {plain(one['reason'])}{example}")
    if plan.get("sample"):
        st.caption("Rows as the model will see them")
        st.dataframe(pd.DataFrame(plan["sample"]), hide_index=True)
