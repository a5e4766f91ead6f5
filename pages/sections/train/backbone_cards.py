"""Backbones as cards in a grid: the recommended one with its alternatives, and those at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.sections.train.recommend import Pick
from pages.shell.words import plain

_FIRST = 6  # cards at hand that are shown at once
_HELP = "Goes on to the design of the training with this backbone."
_ROLES = {
    "recommended": ":green-badge[:material/recommend: recommended]",
    "faster": ":blue-badge[:material/bolt: faster]",
    "stronger": ":orange-badge[:material/trending_up: stronger]",
}


def show_picks(picks: Sequence[Pick]) -> Pick | None:
    """The recommended one and its alternatives side by side; gives the one whose button was
    pressed.
    """
    pressed = None
    with st.grid(len(picks) or 1, min_column_width=280, border=True, gap="small") as grid:
        for pick in picks:
            with grid.cell():
                st.markdown(f"{_ROLES[pick.role]}  \n**{plain(pick.name)}**")
                st.markdown(f":small[{plain(pick.reason)}]")
                if pick.problem:
                    st.warning(plain(pick.problem))
                st.caption(plain(pick.facts))
                with st.container(horizontal=True, vertical_alignment="center"):
                    if st.button(
                        "Use this",
                        key=f"use_{pick.reference}" + (f"_{pick.depth}" if pick.depth else ""),
                        disabled=bool(pick.problem),
                        type="primary" if pick.role == "recommended" else "secondary",
                        help=_HELP,
                    ):
                        pressed = pick
                    _classes(pick.knows)
    return pressed


def show(cards: Sequence[Mapping[str, object]], key: str) -> str:
    """Cards in a grid, the first of many until somebody asks for all; gives the reference whose
    button was pressed.
    """
    pressed = ""
    shown = cards if st.session_state.get(f"all_{key}") else cards[:_FIRST]
    with st.grid(3, min_column_width=260, border=True, gap="small") as grid:
        for card in shown:
            with grid.cell():
                pressed = _card(card) or pressed
    if len(cards) > _FIRST:
        st.toggle(
            f"Show all {len(cards)} at hand",
            key=f"all_{key}",
            persist_state="session",
            help="Otherwise only the first ones.",
        )
    return pressed


def _card(card: Mapping[str, object]) -> str:
    st.markdown(f"**{plain(str(card['name']))}**")
    st.markdown(f":small[{plain(str(card['text']))}]")
    if card["problem"]:
        st.warning(plain(str(card["problem"])))
    st.caption(f"{plain(str(card['size']))} · licence: {plain(str(card['licence']))}")
    knows = card.get("knows")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Use this",
            key=f"use_{card['reference']}",
            disabled=bool(card["problem"]),
            help=_HELP,
        )
        _classes(knows if isinstance(knows, list) else [])
    return str(card["reference"]) if pressed else ""


def _classes(names: Sequence[str]) -> None:
    """The classes that it already tells apart, where it does."""
    if not names:
        return
    with st.popover(
        f"Classes of its pretraining ({len(names):,})", type="tertiary", icon=":material/category:"
    ):
        st.caption(
            "It was trained to tell these apart; classes like yours among them are a good sign."
        )
        st.dataframe({"class": list(names)}, hide_index=True, height=220)
