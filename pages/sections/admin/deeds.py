"""Lines of the log of activity: who did what to which object, when, and from where."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pages.shell import others
from tl_core.access.activity_log import Deed
from tl_core.access.policy import EVERYBODY

_WAYS = {"page": "pages", "api": "token", "command": "command line", "worker": "a run's process"}


def table(deeds: Sequence[Deed], handles: Mapping[str, str], *, people: bool) -> pd.DataFrame:
    """The lines as a table.

    Args:
        deeds: lines of the log.
        handles: of everybody, by id.
        people: whether it is told who did it, because it is about several people.
    """
    lines = pd.DataFrame(
        [
            {
                "when": datetime.fromtimestamp(deed.at, UTC),
                "who": deed.who,
                "what": deed.action,
                "kind": deed.kind,
                "which": _named(deed.about, handles),
                "details": _details(deed.detail, handles),
                "way": _WAYS.get(deed.way, deed.way),
                "from": deed.address,
            }
            for deed in deeds
        ],
        columns=["when", "who", "what", "kind", "which", "details", "way", "from"],
    )
    return lines if people else lines.drop(columns="who")


def csv(deeds: Sequence[Deed], handles: Mapping[str, str]) -> bytes:
    """The same as a file. Names are of people's own making: an apostrophe keeps a spreadsheet from
    running one as a formula.
    """
    lines = table(deeds, handles, people=True)
    lines["when"] = [moment.isoformat(timespec="seconds") for moment in lines["when"]]
    shown = lines.map(lambda cell: f"'{cell}" if str(cell)[:1] in "=+-@\t\r" and cell else cell)
    return bytes(shown.to_csv(index=False).encode())


def show(deeds: Sequence[Deed], *, people: bool, key: str) -> None:
    """The table on the page."""
    handles = {person.id: person.handle for person in others.everybody().values()}
    st.dataframe(
        table(deeds, handles, people=people),
        hide_index=True,
        key=key,
        height="content" if len(deeds) < 16 else 600,
        placeholder="",
        column_config={
            "when": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
            "details": st.column_config.TextColumn(width="large"),
            "way": st.column_config.TextColumn(help="By which way they came."),
            "from": st.column_config.TextColumn(help="The address, as far as it is known."),
        },
        alt="What was done, a line each",
    )


def _named(about: str, handles: Mapping[str, str]) -> str:
    """An object with the handle of its owner in place of their id."""
    owner, slash, rest = about.partition("/")
    return f"{handles.get(owner, owner)}{slash}{rest}"


def _details(detail: dict[str, object], handles: Mapping[str, str]) -> str:
    """What else was noted, people by their handles."""
    return ", ".join(f"{name} {_said(value, handles)}" for name, value in detail.items())


def _said(value: object, handles: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return " and ".join(_said(one, handles) for one in value)
    if value == EVERYBODY:
        return "everybody here"
    return handles.get(value, value) if isinstance(value, str) else json.dumps(value)
