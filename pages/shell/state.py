"""Session keys, in one place, and what the address says about dataset and run."""

from __future__ import annotations

import copy
import secrets

import streamlit as st

DEFAULTS = {
    "dataset": "",
    "run": "",
    "backbone": "",
    "upload": "",
    "upload_key": 0,
    "import_run": "",
    "predict_run": "",
    "predict_job": "",
    "push_run": "",
    "collection": "",
    "train_way": "first",
    "fix_run": "",
    "takeout_run": "",
    "way": "upload",
    "preview_seed": 0,
    "estimate_run": "",
    "estimated": "",
    "estimate": {},
    "watched": "",
    "skipped": [],
    "hinted": -1,
    "depth": 0,
    "export_run": "",
    "export_of": "",
    "expected": [],
    "item": None,
    "followed": {},
    "tickets": {},
    "given": [],
    "tour": 0,
    "readings": [],
    "page": 1,
    "seen_items": (),
}


def set_defaults() -> None:
    """Give every key its first value; called by app.py before any page."""
    for key, value in DEFAULTS.items():
        st.session_state.setdefault(
            key, copy.copy(value)
        )  # a list or dict must be each session's own
    st.session_state.setdefault("draft", secrets.token_hex(8))


def current(name: str) -> str:
    """The dataset or run this page is about: from the address, else from the session; kept in both.

    The sidebar's links drop the address's parameters, and a link sent to a colleague has no
    session.
    """
    value = st.query_params.get(name) or st.session_state.get(name, "")
    choose(name, value)
    return str(value)


def choose(name: str, value: str) -> None:
    """Make `value` the current dataset or run, in session and address."""
    st.session_state[name] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value


def only_reads() -> bool:
    """Whether somebody came by a link that shows a report and offers nothing to change."""
    return st.query_params.get("view") == "read"


def new_draft() -> str:
    """The submission id in hand, and a fresh one for the next form: a double click sends the same
    one twice.
    """
    return str(st.session_state["draft"])


def draft_used() -> None:
    """The form was submitted; the next one is a new draft."""
    st.session_state["draft"] = secrets.token_hex(8)
