"""Which pretrained network should it start from? The recommended one with its reason and two
alternatives, the catalogue, a ranking on the user's own data, models of one's own.
"""

import streamlit as st

from pages.sections.train import (
    backbone_cards,
    backbones,
    catalogue,
    own_models,
    rank,
    recommend,
)
from pages.shell import ask, frame, problems, run_panel, services, state
from pages.shell.words import plain, size
from tl_core.backbones.describe import list_backbones
from tl_core.backbones.sources.catalogue import choose
from tl_core.backbones.sources.hub_backbones import arrived
from tl_core.errors import UserError
from tl_core.modalities import items_of, modality_of
from tl_core.results import RANKING, SPEEDS

PARTS = ("Catalogue", "Rank on my data", "My own models")

frame.title("Backbone", "Which pretrained network should it start from?")
name = state.current("dataset")
frame.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    kind = modality_of(record.modality)
    mine = services.models()
    cards = [
        card
        for card in list_backbones(services.settings())
        if card["modality"] == record.modality and mine.may_use(card["reference"])
    ]
    ranking = run_panel.of_dataset(record.reference, "rank")
    ranked = RANKING.find(ranking.folder) if ranking and ranking.status == "done" else None
    picks = recommend.picks(
        backbones.suggested(record),
        cards,
        SPEEDS.find(services.settings().home_path) or {},
        ranked,
        record.modality,
    )

st.caption(
    f"A *backbone* is a network that has already {kind.sense} millions of {kind.items}. Yours only"
    " has to learn what your classes are."
)


def take(reference: str) -> None:
    """Go on with this backbone."""
    st.session_state["backbone"] = reference
    st.switch_page("pages/train/design.py", query_params={"dataset": name})


def use(reference: str, depth: int = 0) -> None:
    """Go on with what is at hand; open anything else first."""
    st.session_state["depth"] = depth
    if reference.startswith("run:") or reference in {card["reference"] for card in cards}:
        take(reference)
    check(reference)


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


def show_catalogue() -> str:
    """What is on this server, and hand-picked ones of the Hub; gives the reference to use."""
    picked = {pick.reference for pick in picks}
    rest = [card for card in cards if card["reference"] not in picked]
    wanted = ""
    if rest:
        st.markdown("**On this server**")
        wanted = backbone_cards.show(rest, "at_hand")
    st.markdown("**From the Hugging Face Hub**")
    wanted = catalogue.show(record.modality, picked) or wanted
    return catalogue.search(record.modality) or wanted


checking = st.container()
if pick := backbone_cards.show_picks(picks):
    use(pick.reference, pick.depth)
catalogue_tab, rank_tab, own_tab = st.tabs(
    list(PARTS), key="part", on_change="rerun", bind="query-params"
)
if catalogue_tab.open:
    with catalogue_tab:
        if wanted := show_catalogue():
            use(wanted)
if rank_tab.open:
    with rank_tab:
        usable = [card["reference"] for card in cards if not card["problem"]]
        usable += [card["reference"] for card in backbones.own_runs(record)]
        hub = [card.reference for card in choose(record.modality)]
        if wanted := rank.show(record, usable, hub):
            check(wanted)
if own_tab.open:
    with own_tab:
        own, typed = own_models.show(record)
        if own:
            use(own)
        if typed:
            check(typed)
if ask.subject("backbone"):
    with checking:
        show_check()
