"""Cards of hand-picked Hub backbones, with filters for what people ask first: language, size,
licence, memory.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict, TypeVar

import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.shell import ask, problems, services
from pages.shell.words import plain, size
from tl_core.backbones.sources.catalogue import Card, choose
from tl_core.jobs.monitor import read_machine
from tl_core.results import SPEEDS

_FIRST = 6
_Choice = TypeVar("_Choice")
_LANGUAGES = {"": "any", "en": "English", "zh": "Chinese", "other": "another one"}
_MEGABYTES = {0: "any", 50: "50 MB", 150: "150 MB", 500: "500 MB"}


class HubModel(TypedDict):
    """A model of the Hub, as `search_hub` finds it."""

    reference: str
    parameters_m: float | None
    task: str
    licence: str
    downloads: int
    gated: bool


def show(modality: str, without: Collection[str] = ()) -> str:
    """The cards that meet the wishes, in a grid; gives the reference whose button was pressed.

    Args:
        modality: of the data.
        without: references that are shown elsewhere on the page.
    """
    cards = [card for card in _filtered(modality) if card.reference not in without]
    with problems.caught():
        speeds = SPEEDS.find(services.settings().home_path) or {}
    pressed = ""
    with st.grid(3, min_column_width=260, border=True, gap="small") as grid:
        for card in cards if st.session_state.get("cat_all") else cards[:_FIRST]:
            with grid.cell():
                if _card(card, speeds.get(card.reference)):
                    pressed = card.reference
    if not cards:
        st.caption("No backbone matches all of these filters.")
    elif len(cards) > _FIRST:
        st.toggle(
            f"Show all {len(cards)}",
            key="cat_all",
            persist_state="session",
            help="Otherwise only the first ones.",
        )
    return pressed


def _card(card: Card, speed: float | None) -> bool:
    """What it is good at and what is known of it; gives whether it shall be used."""
    here = " :green-badge[:material/download_done: already here]" if card.is_offline() else ""
    st.markdown(f"**{plain(card.name)}**{here}  \n:small[{plain(card.good_at)}]")
    st.caption(plain(_facts(card, speed)))
    return st.button(
        "Use this",
        key=f"use_{card.reference}",
        help="Opens it first, which may have to download it; then on to the design.",
    )


def _filtered(modality: str) -> list[Card]:
    """The filters in a row, and the cards that pass them."""
    in_languages = pages_of(modality).in_languages
    with st.container(horizontal=True, vertical_alignment="bottom"):
        language = _one_of("Language of the texts", _LANGUAGES, "cat_language", in_languages)
        most = _one_of("Download at most", _MEGABYTES, "cat_size")
        commercial = st.toggle(
            "Commercial use", key="cat_commercial", help="Only licences that allow it."
        )
        fits = st.toggle(
            "Fits this machine",
            key="cat_fits",
            help=(
                "Only those whose weights, gradients and optimiser "
                "fit into its memory, so that all of it can be fine-tuned."
            ),
        )
        offline = st.toggle(
            "Already here", key="cat_offline", help="Only those that need no download."
        )
    return choose(
        modality,
        language=language or "",
        most_mb=most or 0,
        commercial=commercial,
        offline=offline,
        fits_gb=_memory() if fits else 0,
    )


def _one_of(title: str, names: dict[_Choice, str], key: str, here: bool = True) -> _Choice | None:
    """A select box of a filter, where it has a meaning."""
    if not here:
        return None
    return st.selectbox(
        title,
        list(names),
        format_func=names.get,
        key=key,
        width=170,
        persist_state="session",
    )


def search(modality: str) -> str:
    """Any other model of the Hub, by words; gives the reference whose button was pressed."""
    with (
        st.form("search", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        words = st.text_input(
            "Search the Hub",
            placeholder="birds, legal, finnish …",
            max_chars=100,
            help="Looks for models with safetensors weights, in this language where one is chosen.",
        )
        submitted = st.form_submit_button("Search", icon=":material/search:")
    if submitted and words.strip():
        language = st.session_state.get("cat_language", "")
        ask.send(
            "hub search",
            "search_hub",
            words.strip(),
            text=words.strip(),
            modality=modality,
            language=language if language != "other" else "",
            commercial=bool(st.session_state.get("cat_commercial")),
        )
    models: list[HubModel] | None = ask.answer("hub search", "Asking the Hub…", quiet=True)
    if models is None:
        return ""
    if not models:
        st.caption(
            f"Nothing with safetensors weights was found for “{plain(ask.subject('hub search'))}”."
        )
    pressed = ""
    for one in models:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{plain(one['reference'].removeprefix('hub:'))}** "
                f" \n:small[{plain(_summary(one))}]",
                width="stretch",
            )
            if st.button("Use this", key=f"found_{one['reference']}"):
                pressed = str(one["reference"])
    return pressed


def _summary(one: HubModel) -> str:
    """What the Hub says of a model, in one line."""
    parts = [
        f"{one['parameters_m']:.3g} million weights" if one["parameters_m"] else "",
        one["task"],
        one["licence"] or "no licence stated",
        f"{one['downloads']:,} downloads",
        "gated: its owner wants terms accepted first" if one["gated"] else "",
    ]
    return " · ".join(part for part in parts if part)


def _facts(card: Card, speed: float | None) -> str:
    """What is known, in one line."""
    languages = {"en": "English", "zh": "Chinese", "many": "about 100 languages"}.get(
        card.languages, card.languages
    )
    parts = [
        f"{card.parameters_m:g} million weights",
        size(1e6 * card.download_mb) if card.download_mb else "",
        pages_of(card.modality).reach(card.input) if card.input else "",
        languages,
        card.licence,
        f"pretrained on {card.pretraining}" if card.pretraining else "",
        f"full fine-tuning takes {card.tuning_gb:.1f} GB and more",
        f"{speed:,.0f} items a second here" if speed else "",
    ]
    return " · ".join(part for part in parts if part)


def _memory() -> float:
    """Memory for training in 10^9 bytes: the largest GPU's, else the machine's."""
    machine = read_machine()
    gpus = [gpu["memory_total"] for gpu in machine["gpus"] if gpu["memory_total"]]
    return float(max(gpus) if gpus else machine["memory_total"]) / 1e9
