"""Models of one's own: those of earlier runs, uploaded ones, and any other by its reference."""

from __future__ import annotations

import streamlit as st

from pages.sections.train import backbone_cards, backbones
from pages.shell import ask, problems, rights, services
from pages.shell.words import plain
from pages.widgets import uploader
from tl_core.registry.datasets import DatasetRecord
from tl_core.storage import remove_tree


def show(record: DatasetRecord) -> tuple[str, str]:
    """Draw all of them; gives the reference of a run whose button was pressed, and one that was
    typed.
    """
    st.markdown("**Your trained models**")
    with problems.caught():
        runs = backbones.own_runs(record)
    pressed = backbone_cards.show(runs, "own_runs")
    if not runs:
        st.caption(
            "None yet on items of this kind. Every finished training can be the start of the next."
        )
    left, right = st.columns(2, gap="medium")
    with left:
        _upload()
    with right:
        typed = _typed()
    return pressed, typed


def _upload() -> None:
    st.markdown("**A model of my own**")
    if why := rights.against_making():
        st.info(why, icon=":material/visibility:")
    else:
        _bring()
    for kept in [model.name for model in services.models().list()]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(kept), width="stretch")
            if st.button(
                "Delete",
                key=f"delete_{kept}",
                icon=":material/delete:",
                type="tertiary",
                help="Asks once more. Runs that started from it keep their own trained weights.",
            ):
                _delete(kept)


def _bring() -> None:
    """A file from somebody's computer, looked into by the helper."""
    path = uploader.brought(
        "model",
        "A zip of a model folder, or a file of word vectors",
        "As save_pretrained or a download makes it: config.json, model.safetensors, tokenizer or"
        " image processor. Word vectors: GloVe text, word2vec text or binary.",
    )
    if path:
        with problems.caught():
            services.models().require_adding()
        about = f"local:{path.name}"
        ask.send("backbone", "bring_model", about, path=str(path), owner=services.user())
        st.rerun()


@st.dialog("Delete this model?", icon=":material/delete:")
def _delete(kept: str) -> None:
    """Ask once."""
    st.markdown(
        f"**{plain(kept)}** will be gone from this server. Runs that started from it keep their own"
        " trained weights."
    )
    if st.button("Delete", type="primary", key="delete_sure", on_click=_forget, args=(kept,)):
        st.rerun()


def _forget(kept: str) -> None:
    with problems.in_callback():
        path = services.models().delete(kept)
        if path.is_dir():
            remove_tree(path)
        else:  # a file of word vectors
            path.unlink(missing_ok=True)


def _typed() -> str:
    """Any reference, to be checked before it is used."""
    st.markdown("**Another one by its reference**")
    with st.form("other", border=False):
        typed = st.text_input(
            "Reference",
            placeholder="hub:facebook/dinov2-small",
            help=(
                "hub:<owner>/<name> for any "
                "image or text classifier backbone of the Hub, local:<folder> inside TL_MODELS_DIR,"
                " static:<file> for word vectors there, or run:<id>."
            ),
        )
        st.caption("A model of the Hugging Face Hub, a folder of this server, or word vectors.")
        return typed if st.form_submit_button("Check and use it") else ""
