"""Three large choices: a first answer, the best within some minutes, or everything by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.sections.train.prices import UNKNOWN, Expectation, by_strategy, of_past
from pages.shell.words import plain
from pages.widgets import trained
from tl_core.config import STRATEGIES
from tl_core.recipes import RECIPES
from tl_core.registry.run import Run

WAYS = {
    "first": (
        "A first answer",
        ":material/bolt:",
        "A probe: the backbone stays frozen, a linear classifier learns.",
    ),
    "auto": (
        "The best in {minutes:g} minutes",
        ":material/timer:",
        "Backbones, strategies and learning rates are tried on your items; the best is kept.",
    ),
    "own": ("I choose myself", ":material/tune:", "Every strategy with all of its settings."),
}
MINUTES = (5, 20, 60)
_GROUPS = {
    "probe": "Frozen backbone",
    "zero_shot": "Frozen backbone",
    "adapt": "Frozen backbone",
    "fast_adaptation": "Frozen backbone",
    "contrastive": "Fine-tuning",
    "finetune": "Fine-tuning",
    "distillation": "Fine-tuning",
    "pretrain": "Rows without a class",
    "self_training": "Rows without a class",
    "static_embeddings": "Word vectors",
    "baseline": "To compare",
    "ladder": "To compare",
}
_COSTS = {
    "probe": "One pass over your items",
    "zero_shot": "One pass over your items",
    "adapt": "One pass over the items of both domains",
    "contrastive": "A pass over pairs, then a probe",
    "distillation": "The teacher's answers, then 5 to 12 training passes",
    "pretrain": "Many passes over all rows, then a probe",
    "self_training": "One pass over all rows, then seconds",
    "fast": "One pass over all items, then a minute",
    "lpft": "A probe, then 5 to 12 training passes",
    "two_stage": "5 to 12 training passes",
    "lora": "5 to 12 training passes, little memory",
    "full": "5 to 12 training passes, most memory",
    "scratch": "As full fine-tuning",
    "word_mean": "Many quick passes, no GPU needed",
    "word_cnn": "Many quick passes, no GPU needed",
    "word_rnn": "Many passes, word after word",
    "baseline": "Seconds",
    "ladder": "All of its trainings together",
}


def choose(expected: Mapping[str, Expectation]) -> str:
    """Draw the choices with price and score, and give the one in hand."""
    for column, (name, (title, icon, text)) in zip(st.columns(3), WAYS.items(), strict=True):
        with column.container(border=True, height="stretch", gap="xsmall"):
            st.button(
                title.format(minutes=minutes()),
                key=f"way_{name}",
                icon=icon,
                width="stretch",
                type="primary" if st.session_state["train_way"] == name else "secondary",
                on_click=_take,
                args=("train_way", name),
                help="Choose this way to train.",
            )
            st.caption(text)
            one = expected[name]
            st.markdown(
                f":small[:material/schedule: {plain(one.price)}  \n"
                f":material/target: accuracy {plain(one.score)}]",
                help=plain(one.basis),
            )
    return str(st.session_state["train_way"])


def minutes() -> float:
    """The minutes of an automatic search as they are set."""
    return float(st.session_state.get("auto_minutes") or MINUTES[1])


def budget() -> float:
    """Minutes of an automatic search."""
    chosen = st.pills(
        "Minutes",
        MINUTES,
        default=MINUTES[1],
        format_func="{} minutes".format,
        key="auto_minutes",
        required=True,
        help="The search ends with its best model when they are over.",
    )
    return float(chosen or MINUTES[1])


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


def cards(modality: str) -> dict[str, tuple[str, str, str]]:
    """Group, standard name and sentence of each strategy for these data, in groups."""
    found = {
        key: (_GROUPS[one.recipe], one.title, one.when)
        for key, one in STRATEGIES.items()
        if one.only in ("", modality)
    }
    found["baseline"] = (_GROUPS["baseline"], "No transfer", RECIPES["baseline"])
    found["ladder"] = (
        _GROUPS["ladder"],
        "All strategies compared (ladder)",
        (
            "Not sure? Several strategies with several seeds on the same items; the cheapest that"
            " is not clearly worse than the best is recommended."
        ),
    )
    groups = list(dict.fromkeys(_GROUPS.values()))
    return dict(sorted(found.items(), key=lambda item: groups.index(item[1][0])))


def in_hand(modality: str) -> str:
    """The strategy that was chosen last for this kind of items."""
    return str(st.session_state.setdefault(f"card_{modality}", "probe"))


def strategy(modality: str, runs: Sequence[Run], backbone: str) -> str:
    """One of all strategies as cards in groups; gives the name of the one in hand.

    Args:
        modality: of the data.
        runs: finished trainings of the project, which tell what a strategy took here.
        backbone: the one in hand.
    """
    chosen, every = in_hand(modality), cards(modality)
    past = by_strategy((trained.name(run), run) for run in runs)
    frozen, compared = st.columns(2, gap="small")
    places = {"Frozen backbone": frozen, "To compare": compared}
    for group in dict.fromkeys(group for group, _, _ in every.values()):
        with places.get(group, st.container()):
            st.markdown(f"**{group}**")
            with st.grid(
                2 if group in places else 3, min_column_width=190, gap="xsmall", border=True
            ) as grid:
                for key, (of, title, when) in every.items():
                    if of == group:
                        with grid.cell(), st.container(gap="xsmall"):
                            _card(key, title, when, modality, key == chosen)
                            _cost(key, of_past(past.get(key, []), backbone))
    return chosen


def _card(key: str, title: str, when: str, modality: str, taken: bool) -> None:
    """Its name as the button that takes it, and what it does in a sentence."""
    st.button(
        title,
        key=f"card_{modality}_{key}",
        type="primary" if taken else "secondary",
        width="stretch",
        wrap=True,
        on_click=_take,
        args=(f"card_{modality}", key),
        help=when,
    )
    first = when.partition(". ")[0].rstrip(".")
    st.caption(f"{first}.")


def _cost(key: str, expected: Expectation) -> None:
    """What it took on this project, else what it takes as a rule."""
    known = expected.price != UNKNOWN
    st.markdown(
        f":small[:material/schedule: {plain(expected.price if known else _COSTS[key])}]",
        help=plain(f"{_COSTS[key]}. {expected.basis}") if known else None,
    )


def _take(key: str, value: str) -> None:
    st.session_state[key] = value
