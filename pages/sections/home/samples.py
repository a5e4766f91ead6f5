"""Data that come with the studio, each a click away from a trained model, and the two ways in."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from pages.shell import problems, rights, run_panel, services
from tl_core.config import RunConfig


class Sample(NamedTuple):
    """A sample dataset: what it is called, what it holds, and the backbone that reads it."""

    title: str
    text: str
    backbone: str
    icon: str


SAMPLES = {
    "digits": Sample(
        "Try with handwritten digits",
        "1,797 small pictures of the digits 0 to 9.",
        "starter:image",
        "dialpad",
    ),
    "messages": Sample(
        "Try with customer messages",
        "600 short texts to an online shop, in 6 classes.",
        "starter:text",
        "forum",
    ),
    "messages-zh": Sample(
        "Try with Chinese messages",
        "216 short texts to an online shop, in 6 classes.",
        "starter:multilingual",
        "translate",
    ),
}
_WAYS_IN = (
    ("Photos of my own", "A zip with one folder for each class.", "photo_library"),
    (
        "Recordings of my own",
        "A zip with one folder for each class, or record them here, class by class.",
        "mic",
    ),
    (
        "Texts of my own",
        "A table (CSV, Excel, JSONL, Parquet) with a text and a class in each row.",
        "table",
    ),
)


def cards(*, border: bool = True) -> None:
    """A card for each sample with the button that starts it; without frames inside other ones."""
    why = rights.against_making()
    for column, (name, sample) in zip(st.columns(len(SAMPLES)), SAMPLES.items(), strict=True):
        with column.container(border=border, height="stretch"):
            st.markdown(f":material/{sample.icon}: **{sample.title}**")
            st.caption(f"{sample.text} About a minute, one click.")
            st.space("stretch")
            if st.button(
                "Try it",
                key=f"try_{name}",
                type="primary" if border and name == "digits" else "secondary",
                disabled=bool(why),
                help=why or "Trains a first model on this sample and shows how it goes.",
            ):
                start(name)


def ways_in() -> None:
    """Where people bring data of their own."""
    for column, (title, text, icon) in zip(st.columns(len(_WAYS_IN)), _WAYS_IN, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f":material/{icon}: **{title}**")
            st.caption(text)
            st.page_link("pages/data/add.py", label="Add data", icon=":material/upload:")


def start(name: str) -> None:
    """Queue a first training on a sample and go to where it is watched."""
    with problems.caught():
        config = RunConfig(
            "train", services.user(), f"sample:{name}", "", SAMPLES[name].backbone, "probe", {}
        )
    run = run_panel.start(config, name)
    st.session_state["run"] = run.id
    st.switch_page("pages/train/live.py", query_params={"run": run.id})
