"""Which column of a table is what: the guessed ones, to be changed."""

from __future__ import annotations

import streamlit as st

from pages.sections.data.import_settings import HELP, label_here

Roles = tuple[tuple[str, str], ...]
_GROUP: Roles = (("group", "Column with the group (rows that belong together)"),)
_MORE: Roles = (
    *_GROUP,
    ("split", "Column with the split"),
    ("date", "Column with the date"),
)
TITLE: Roles = (("title", "Title before the text"),)


def pick(
    columns: list[str], guess: dict[str, str], roles: Roles, own: Roles = ()
) -> dict[str, object]:
    """Select boxes for the roles, the needed ones first, at the end those that only this kind of
    item has (`own`); gives the columns that were chosen otherwise than guessed.
    """
    more = (_GROUP if label_here() else _MORE) + own  # no split is read without classes
    chosen: dict[str, object] = {}
    for box, (role, title) in zip(st.columns(2), roles, strict=False):
        with box:
            choices = columns if role in guess else ["", *columns]
            chosen |= _pick_one(role, title, choices, guess.get(role, ""))
    with st.expander("More columns: groups, splits, dates" + (", titles" if own else "")):
        boxes = st.columns(2)
        for place, (role, title) in enumerate(more):
            with boxes[place % 2]:
                chosen |= _pick_one(role, title, ["", *columns], guess.get(role, ""))
    return chosen


def _pick_one(role: str, title: str, choices: list[str], guessed: str) -> dict[str, object]:
    picked = st.selectbox(
        title,
        choices,
        index=choices.index(guessed) if guessed in choices else 0,
        help=HELP[f"{role}_column"],
        format_func={name: name or "none" for name in choices}.get,
        key=f"add_{role}",
        persist_state="session",
    )  # an answer has the source looked at again, while no widget stands
    if picked and picked != guessed:
        return {f"{role}_column": picked}
    return {"ignore_splits": True} if role == "split" and guessed and not picked else {}
