"""Why did it say so? What speaks for the answer and for the runner-up, side by side, with
checks.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TypedDict

import numpy as np
import streamlit as st
from PIL import Image

from pages.components import ask, problems
from pages.components.words import plain
from tl_core.data.preparation import Preparation
from tl_core.predict.carried import preparation_of
from tl_core.predict.picture_files import open_page

_SIDE = 320
_FAINT = 0.2
_STRONG, _CLEAR = 0.6, 0.25  # of the most relevant word


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


def show(model: str, value: str | bytes | None, labels: list[str], about: str) -> None:
    """A button, then each method for each of `labels`; `about` tells one item from another."""
    if value is None:
        return
    if not ask.is_about("explanation", about):
        if st.button(
            "Why?",
            icon=":material/help:",
            help=(
                "Shows what in it speaks for each of: "
                f"{', '.join(map(plain, labels))}; takes some seconds."
            ),
        ):
            ask.send("explanation", "explain", about, folder=model, value=value, labels=labels)
            st.rerun()
        return
    explanations = ask.answer("explanation", "Looking for what it goes by…", quiet=True)
    if explanations is not None:
        _draw(explanations, model, value)


def _draw(explanations: list[Explanation], model: str, value: str | bytes) -> None:
    """A column for each label, its methods below one another, and whether to trust them."""
    shown = None
    if isinstance(value, bytes):
        with problems.caught():
            shown = open_page(value, 0, preparation_of(Path(model)) or Preparation())
    for column, one in zip(st.columns(len(explanations)), explanations, strict=True):
        with column:
            st.markdown(f"**What speaks for {plain(one['label'])}**")
            for method in one["methods"]:
                if shown is not None:
                    st.image(overlay(shown, np.array(method["map"])), width="stretch")
                else:
                    st.markdown(marked(one["words"], method["map"]))
                st.caption(_trust(method))
    sanity = explanations[0]["sanity"]
    st.caption(
        "Two methods that agree are better than one. "
        + (
            "The second one's map is like that of the same network with random weights: do not"
            " trust it here."
            if abs(sanity) > 0.5
            else "With random weights the second one draws something else, as it should."
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
        sentence += " So the marks tell little."
    if method["completeness"] is not None:
        sentence += (
            f" {100 * method['completeness']:.0f} % of the answer is not accounted for"
            " (completeness)."
        )
    return sentence


def strength(relevance: np.ndarray) -> np.ndarray:
    """How strongly each part is drawn, 0 to 1: what has less than a fifth of the most relevance is
    left grey, the share by which class activation maps are cut for finding objects (Zhou et al.,
    CVPR 2016).
    """
    positive = np.clip(relevance, 0, None)
    if positive.max() <= 0:
        return positive
    return np.clip(positive / positive.max() - _FAINT, 0, None) / (1 - _FAINT)


def overlay(picture: Image.Image, relevance: np.ndarray) -> bytes:
    """The picture, grey where nothing speaks for the label and in colour where most does, as
    PNG.
    """
    picture = picture.copy()
    picture.thumbnail((_SIDE, _SIDE))
    mask = Image.fromarray((255 * strength(relevance)).astype(np.uint8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    faded = Image.blend(
        picture.convert("L").convert("RGB"), Image.new("RGB", picture.size, "white"), 0.55
    )
    buffer = io.BytesIO()
    Image.composite(picture, faded, mask).save(buffer, "PNG")
    return buffer.getvalue()


def marked(words: list[str], relevance: list[float]) -> str:
    """The text in Markdown, words on a green ground where they speak for the label, on an orange
    one where against.
    """
    most = max(map(abs, relevance), default=0.0) or 1.0
    out = []
    for word, value in zip(words, relevance, strict=True):
        share, colour = abs(value) / most, "green" if value > 0 else "orange"
        text = plain(word)
        out.append(
            f":{colour}-background[**{text}**]"
            if share >= _STRONG
            else f":{colour}-background[{text}]"
            if share >= _CLEAR
            else text
        )
    return " ".join(out)
