"""Settings kept under a name: taken up again, shared with everybody, forgotten."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.sections.train.ways_to_train import MINUTES
from pages.shell import others, problems, services
from pages.shell.words import plain
from pages.widgets import settings_form
from tl_core.config import SETTINGS, STRATEGIES
from tl_core.errors import UserError
from tl_core.registry.presets import Preset

_TITLES = {
    "baseline": "No transfer",
    "ladder": "All strategies compared (ladder)",
    "auto": "Automatic search",
}


def card_of(recipe: str, options: Mapping[str, object]) -> str:
    """The card on the Design page that settings belong to: the strategy that a fine-tuning names,
    else the one whose values they have.
    """
    if recipe in _TITLES:
        return recipe
    if recipe == "finetune":
        return str(options.get("strategy", "lpft"))
    cards = {key: one for key, one in STRATEGIES.items() if one.recipe == recipe}
    fits = (
        key
        for key, one in cards.items()
        if one.values and all(options.get(name) == value for name, value in one.values.items())
    )
    return next(fits, next(iter(cards), recipe))


def show(recipe: str, modality: str, options: Mapping[str, object], about: str) -> None:
    """A popover with the presets that fit these data, and a way to keep the settings in hand.

    Args:
        recipe: of the settings in hand.
        modality: of the data.
        options: the settings in hand, as a run would have them.
        about: what is trained.
    """
    with st.popover(
        "Presets",
        icon=":material/bookmark:",
        help="Settings that you or others have kept under a name.",
    ):
        with problems.caught():
            usable = {one.id: one for one in services.presets().list() if _fits(one, modality)}
        if usable:
            _offer(usable, modality, about)
        else:
            st.caption("Nothing is kept yet. Change some settings and keep them here.")
        _keep(recipe, options)


def title(preset: Preset) -> str:
    """Name, strategy and whose it is."""
    card = card_of(preset.recipe, preset.options)
    what = _TITLES.get(card) or STRATEGIES[card].title
    whose = (
        f" · shared by {others.handle_of(preset.owner)}"
        if preset.owner != services.user()
        else " · shared"
        if preset.shared
        else ""
    )
    return f"{preset.name} · {what}{whose}"


def _fits(preset: Preset, modality: str) -> bool:
    """Whether these data can be trained so; a preset of another version may name what is gone."""
    card = card_of(preset.recipe, preset.options)
    if preset.recipe not in SETTINGS:
        return False
    return card in _TITLES or (card in STRATEGIES and STRATEGIES[card].only in ("", modality))


def _offer(usable: dict[str, Preset], modality: str, about: str) -> None:
    titles = {key: title(one) for key, one in usable.items()}
    chosen = st.selectbox(
        "Kept settings",
        list(usable),
        format_func=titles.get,
        key="preset",
        help="Your own, and those that others have shared.",
    )
    preset = usable[chosen]
    with st.container(horizontal=True):
        st.button(
            "Load",
            key="preset_load",
            icon=":material/download:",
            on_click=_load,
            args=(preset, modality, about),
            help="Chooses the strategy and fills in its settings. Nothing starts yet.",
        )
        if preset.owner == services.user() and st.button(
            "Delete", key="preset_delete", icon=":material/delete:", help="Asks once more."
        ):
            _delete(preset)


def _load(preset: Preset, modality: str, about: str) -> None:
    """Choose the card that the settings belong to, and fill its form; the next run draws both."""
    card = card_of(preset.recipe, preset.options)
    given = dict(STRATEGIES[card].values) if card in STRATEGIES else {}
    name = card
    if card == "auto":
        minutes = float(st.session_state.get("auto_minutes") or MINUTES[1])
        given, name = {"budget_minutes": minutes}, f"auto{minutes}"
    st.session_state["train_way"] = "auto" if card == "auto" else "own"
    st.session_state["depth"] = 0
    if card != "auto":
        st.session_state[f"card_{modality}"] = card
    settings_form.fill(preset.recipe, modality, given, name, preset.options, about=about)


@st.dialog("Delete these settings?", icon=":material/delete:")
def _delete(preset: Preset) -> None:
    """Ask once; others who have loaded shared settings keep what they loaded."""
    st.markdown(f"**{plain(preset.name)}** will be gone for you and for everybody.")
    if st.button(
        "Delete", type="primary", key="preset_delete_sure", on_click=_forget, args=(preset.id,)
    ):
        st.rerun()


def _forget(preset_id: str) -> None:
    with problems.in_callback():
        services.presets().delete(preset_id)


def _keep(recipe: str, options: Mapping[str, object]) -> None:
    with st.form("preset_form", border=False, clear_on_submit=True):
        name = st.text_input(
            "Keep the settings in hand as",
            max_chars=60,
            placeholder="careful, for few labels",
            help="The same name again replaces your earlier settings of that name.",
        )
        shared = st.toggle(
            "Share with everybody", help="Everybody on this server can load them; only you delete."
        )
        if not st.form_submit_button("Keep", icon=":material/bookmark_add:"):
            return
    kept = {key: value for key, value in options.items() if key not in ("prompts", "sources")}
    try:
        preset = services.presets().keep(name, recipe, kept, shared=shared)
    except UserError as error:
        problems.show(error)
        return
    st.toast(f"Kept as {plain(preset.name)}.", icon=":material/bookmark_added:")
    st.rerun()
