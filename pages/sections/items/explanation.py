"""Why did it say so? What speaks for the answer and for the runner-up, side by side, with
checks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import streamlit as st

from pages.sections.items.item_pages import Content, ItemPages, Painter
from pages.shell import ask
from pages.shell.words import plain


class Method(TypedDict):
    """One way of explaining: how much each part speaks for the label, and checks of it."""

    name: str
    map: list[float] | list[list[float]]
    deletion: float
    random_deletion: float
    completeness: float | None


class Explanation(TypedDict):
    """What speaks for one label, as `tl_core.predict.explanations.explain` gives it."""

    label: str
    words: list[str]
    methods: list[Method]
    sanity: float


def show(own: ItemPages, model: str, value: Content | None, labels: list[str], about: str) -> None:
    """A button, then each method for each of `labels`; `about` tells one item from another."""
    if value is None:
        return
    if not ask.is_about("explanation", about):
        if st.button(
            "Why?",
            icon=":material/help:",
            help=(
                "Shows which parts of it speak for each of: "
                f"{', '.join(map(plain, labels))}; takes some seconds."
            ),
        ):
            ask.send("explanation", "explain", about, folder=model, value=value, labels=labels)
            st.rerun()
        return
    explanations = ask.answer("explanation", "Computing the explanation…", quiet=True)
    if explanations is not None:
        _draw(explanations, own.painter(value, Path(model)))


def _draw(explanations: list[Explanation], paint: Painter) -> None:
    """A column for each label, its methods below one another, and whether to trust them."""
    for column, one in zip(st.columns(len(explanations)), explanations, strict=True):
        with column:
            st.markdown(f"**What speaks for {plain(one['label'])}**")
            for method in one["methods"]:
                paint(one["words"], method["map"])
                st.caption(_trust(method))
    sanity = explanations[0]["sanity"]
    st.caption(
        "Two methods that agree are better than one. "
        + (
            "The second one's map is like that of the same network with random weights: do not"
            " trust it here."
            if abs(sanity) > 0.5
            else "With random weights the second one marks other parts, as it should."
        )
    )


def _trust(method: Method) -> str:
    fall, chance = method["deletion"], method["random_deletion"]
    name = method["name"][0].upper() + method["name"][1:]
    sentence = (
        f"{name}: removing the marked parts first leaves a mean confidence of {100 * fall:.0f} %,"
        f" random parts {100 * chance:.0f} % (deletion test)."
    )
    if fall >= chance:
        sentence += " So the marked parts explain little."
    if method["completeness"] is not None:
        sentence += (
            f" {100 * method['completeness']:.0f} % of the answer is not accounted for"
            " (completeness)."
        )
    return sentence
