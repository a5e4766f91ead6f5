"""Three large choices: a first answer, the best within some minutes, or everything by hand."""

from __future__ import annotations

import streamlit as st

from pages.shell.words import plain
from tl_core.config import STRATEGIES
from tl_core.recipes import RECIPES

WAYS = {
    "first": (
        "A first answer",
        ":material/bolt:",
        "A probe: the backbone stays frozen, a linear classifier learns. Seconds to a few minutes.",
    ),
    "auto": (
        "The best in {minutes:g} minutes",
        ":material/timer:",
        "Backbones, strategies and learning rates are tried on your items, and the best is kept.",
    ),
    "own": ("I choose myself", ":material/tune:", "Every strategy with all of its settings."),
}
MINUTES = (5, 20, 60)
_GROUPS = {
    "probe": "frozen backbone",
    "zero_shot": "frozen backbone",
    "contrastive": "fine-tuning",
    "finetune": "fine-tuning",
    "static_embeddings": "word vectors",
    "baseline": "to compare",
    "ladder": "to compare",
}


def choose() -> str:
    """Draw the choices and give the one in hand."""
    for column, (name, (title, icon, text)) in zip(st.columns(3), WAYS.items(), strict=True):
        with column.container(border=True, height="stretch"):
            taken = st.session_state["train_way"] == name
            minutes = st.session_state.get("auto_minutes") or MINUTES[1]
            if st.button(
                title.format(minutes=minutes),
                key=f"way_{name}",
                icon=icon,
                width="stretch",
                type="primary" if taken else "secondary",
            ):
                st.session_state["train_way"] = name
                st.rerun()
            st.caption(text)
    return str(st.session_state["train_way"])


def budget() -> float:
    """Minutes of an automatic search."""
    minutes = st.pills(
        "Minutes",
        MINUTES,
        default=MINUTES[1],
        format_func="{} minutes".format,
        key="auto_minutes",
        required=True,
    )
    return float(minutes or MINUTES[1])


def everything_at_hand(backbone: str) -> bool:
    """Whether a search may look at other backbones than the one in hand."""
    return st.toggle(
        "Also try the other available backbones",
        value=True,
        key="auto_others",
        help=(
            "They are ranked on a "
            f"sample of your training items first. Off: only {plain(backbone)}."
        ),
    )


def strategy(modality: str) -> str:
    """One of all strategies, in groups; gives its card's name."""
    cards: dict[str, tuple[str, str]] = {}
    groups = list(dict.fromkeys(_GROUPS.values()))
    for key, one in sorted(
        STRATEGIES.items(), key=lambda item: groups.index(_GROUPS[item[1].recipe])
    ):
        if one.only in ("", modality):
            cards[key] = (f"{one.title} :gray[· {_GROUPS[one.recipe]}]", one.when)
    cards["baseline"] = (f"No transfer :gray[· {_GROUPS['baseline']}]", RECIPES["baseline"])
    cards["ladder"] = (
        f"All strategies compared (ladder) :gray[· {_GROUPS['ladder']}]",
        (
            "Not sure? Several strategies with several seeds "
            "on the same items; the cheapest that is not clearly worse than the best is"
            " recommended."
        ),
    )
    names: dict[str, str] = {key: title for key, (title, _) in cards.items()}
    return str(
        st.radio(
            "Strategy",
            list(cards),
            format_func=names.get,
            captions=[text for _, text in cards.values()],
            label_visibility="collapsed",
            key=f"card_{modality}",
            persist_state="session",
        )
    )
