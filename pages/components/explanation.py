"""Why did it say so? What speaks for the answer and for the runner-up, side by side, with
checks.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from pages.components import problems, services, waiting
from pages.components.words import plain
from tl_core.data.preparation import Preparation
from tl_core.errors import UserError
from tl_core.predict.carried import preparation_of
from tl_core.predict.picture_files import open_page

_SIDE = 320
_FAINT = 0.2
_STRONG, _CLEAR = 0.6, 0.25  # of the most relevant word


def show(model: str, value: str | bytes | None, labels: list[str], about: str) -> None:
    """A button, then each method for each of `labels`; `about` tells one item from another."""
    if value is None:
        return
    if st.session_state["explain_of"] != about:
        st.session_state.update(explain_of=about, explain_ticket=0)
    if not st.session_state["explain_ticket"]:
        if st.button(
            "Why?",
            icon=":material/help:",
            help=(
                "Shows what in it speaks for each of: "
                f"{', '.join(map(plain, labels))}; takes some seconds."
            ),
        ):
            with problems.caught():
                st.session_state["explain_ticket"] = services.compute().call(
                    "explain", folder=model, value=value, labels=labels
                )
            st.rerun()
        return
    try:
        ready, found = services.compute().poll(st.session_state["explain_ticket"])
    except UserError as error:
        problems.show(error)
        return
    if not ready:
        waiting.wait_quietly(st.session_state["explain_ticket"], "Looking for what it goes by…")
        return
    shown = None
    if isinstance(value, bytes):
        with problems.caught():
            shown = open_page(value, 0, preparation_of(Path(model)) or Preparation())
    for column, one in zip(st.columns(len(found)), found, strict=True):
        with column:
            st.markdown(f"**What speaks for {plain(one['label'])}**")
            for method in one["methods"]:
                if shown is not None:
                    st.image(overlay(shown, np.array(method["map"])), width="stretch")
                else:
                    st.markdown(marked(one["words"], method["map"]))
                st.caption(_trust(method))
    sanity = found[0]["sanity"]
    st.caption(
        "Two methods that agree are better than one. "
        + (
            "The second one's map is like that of the same network with random weights: do not"
            " trust it here."
            if abs(sanity) > 0.5
            else "With random weights the second one draws something else, as it should."
        )
    )


def _trust(method: dict[str, Any]) -> str:
    fall, chance = method["deletion"], method["random_deletion"]
    name = method["name"][0].upper() + method["name"][1:]
    said = (
        f"{name}: taking the marked parts away first leaves it {100 * fall:.0f} % sure on average,"
        f" random parts {100 * chance:.0f} %."
    )
    if fall >= chance:
        said += " So the marks tell little."
    if method["completeness"] is not None:
        said += f" {100 * method['completeness']:.0f} % of the answer is not accounted for."
    return said


def strength(relevance: np.ndarray) -> np.ndarray:
    """How strongly each part is drawn, 0 to 1: what has less than a fifth of the most relevance is
    left grey, the share by which class activation maps are cut for finding objects (Zhou et al.,
    CVPR 2016).
    """
    found = np.clip(relevance, 0, None)
    return (
        np.clip(found / found.max() - _FAINT, 0, None) / (1 - _FAINT) if found.max() > 0 else found
    )


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
