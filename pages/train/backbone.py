"""Which pretrained network should it start from? Cards of what is at hand and of the catalogue,
a ranking on the user's own data.
"""

import streamlit as st

from pages.sections.train import backbones, catalogue, rank
from pages.shell import ask, frame, problems, services, state, uploads
from pages.shell.words import plain, size
from tl_core.backbones.describe import list_backbones
from tl_core.backbones.sources.catalogue import choose
from tl_core.backbones.sources.hub_backbones import arrived
from tl_core.errors import UserError
from tl_core.modalities import items_of, modality_of
from tl_core.services.datasets import brought_models, delete_model

frame.title("Backbone", "Which pretrained network should it start from?")
name = state.current("dataset")
frame.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    kind = modality_of(record.modality)
    cards = [
        card for card in list_backbones(services.settings()) if card["modality"] == record.modality
    ]

st.markdown(
    f"A *backbone* is a network that has already {kind.sense} millions of {kind.items}. Yours only"
    " has to learn what your classes are."
)


def take(reference: str) -> None:
    """Go on with this backbone."""
    st.session_state["backbone"] = reference
    st.switch_page("pages/train/design.py", query_params={"dataset": name})


def check(reference: str) -> None:
    """Open it in the helper process, which may have to download it, before it is used."""
    with problems.caught():
        reference = backbones.allowed(reference)
    ask.send("backbone", "describe", reference, reference=reference)


def how_far() -> str:
    """What is being opened, and how much of it has come."""
    opening = ask.subject("backbone")
    came = (
        arrived(opening.removeprefix("hub:").partition("@")[0])
        if opening.startswith("hub:")
        else None
    )
    rest = (
        f"{size(came[0])} of {size(came[1])} are downloaded."
        if came
        else "A download can take minutes."
    )
    return f"Opening {plain(opening)}. {rest}"


def refused(error: UserError) -> None:
    """It cannot be used; another one may."""
    ask.forget("backbone")
    problems.show(error)


def show_check() -> None:
    """The answer about a reference that was not at hand: on to the design, or why not."""
    facts = ask.answer("backbone", how_far, failed=refused)
    if facts is None:
        return
    ask.forget("backbone")
    if facts["modality"] != record.modality:
        problems.show(
            {
                "what": f"{facts['reference']} reads {items_of(facts['modality'])}.",
                "why": f"Your dataset holds {kind.items}.",
                "try_this": "Choose another backbone.",
            }
        )
        return
    take(facts["pinned"])


with problems.caught():
    first = backbones.suggested(record)
    cards.sort(key=lambda card: card["reference"] != first)
    cards += backbones.own_runs(record)
checking = st.container()
for number, card in enumerate(cards):
    with st.container(border=True):
        best = ":green-badge[recommended]" if number == 0 else ""
        st.markdown(f"**{plain(card['name'])}** {best}")
        st.markdown(plain(card["text"]))
        if card["problem"]:
            st.warning(plain(card["problem"]))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"{plain(card['size'])} · licence: {plain(card['licence'])}", width="stretch"
            )
            if st.button(
                "Use this",
                key=f"use_{card['reference']}",
                disabled=bool(card["problem"]),
                type="primary" if number == 0 else "secondary",
            ):
                st.session_state["depth"] = 0
                take(card["reference"])
        if card.get("knows"):
            with st.expander(f"Classes of its pretraining ({len(card['knows']):,})"):
                st.caption(
                    "It was trained to tell these apart; classes like yours among them are a good"
                    " sign."
                )
                st.dataframe({"class": card["knows"]}, hide_index=True, height=220)

at_hand = [card["reference"] for card in cards if not card["problem"]]
ranked = rank.show(record, at_hand, [card.reference for card in choose(record.modality)])
st.subheader("From the Hugging Face Hub")
wanted = catalogue.show(record.modality)
wanted = catalogue.search(record.modality) or wanted
with st.expander("Another one: Hugging Face Hub or a folder of this server"), st.form("other"):
    typed = st.text_input(
        "Reference",
        placeholder="hub:facebook/dinov2-small",
        help=(
            "hub:<owner>/<name> for any "
            "image or text classifier backbone of the Hub, local:<folder> inside TL_MODELS_DIR, "
            "static:<file> for word vectors there, or run:<id>."
        ),
    )
    if st.form_submit_button("Check and use it"):
        wanted = typed
with st.expander("A model of my own"):
    brought = st.file_uploader(
        "A zip of a model folder, or a file of word vectors",
        key=f"model_{st.session_state['upload_key']}",
        max_upload_size=services.settings().number("upload_mb"),
        help=(
            "As save_pretrained or a "
            "download makes it: config.json, model.safetensors, tokenizer or image processor. Word "
            "vectors: GloVe text, word2vec text or binary."
        ),
    )
    if brought is not None:
        with problems.caught():
            path = str(uploads.keep(brought))
        ask.send("backbone", "bring_model", f"local:{brought.name}", path=path)
        uploads.reset("upload_key")
        st.rerun()
    for kept in brought_models(services.settings()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(kept), width="stretch")
            if st.button(
                "Delete",
                key=f"delete_{kept}",
                icon=":material/delete:",
                help="Runs that started from it keep their own trained weights.",
            ):
                with problems.caught():
                    delete_model(services.settings(), kept)
                    st.rerun()
if wanted:
    st.session_state["depth"] = 0
wanted = ranked or wanted
if wanted:
    check(wanted)
if ask.subject("backbone"):
    with checking:
        show_check()
