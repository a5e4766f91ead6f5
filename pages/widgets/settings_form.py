"""A form made from a recipe's own settings: names, ranges and help stand in their dataclass
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import streamlit as st

from pages.widgets.glossary import help_of
from tl_core.config import STRATEGIES, describe_settings

_LONGEST_DEFAULT = 24  # characters of what a setting goes back to
TERMS = {  # of the glossary, by the setting that one has to know them for
    "augment": "augmentation",
    "baseline": "baseline",
    "batch_size": "batch size",
    "class_weights": "class weights",
    "epochs": "epoch",
    "folds": "cross-validation",
    "gradual": "gradual unfreezing",
    "head": "head",
    "layer_decay": "layer-wise learning rate decay",
    "learning_rate": "learning rate",
    "lora": "LoRA",
    "lp_start": "LP-FT",
    "patience": "early stopping",
    "seed": "seed",
    "seeds": "seed",
    "weight_decay": "weight decay",
}
# which other parts of the pages set
_NOT_HERE = ("strategy", "continue_from", "prompts", "teacher", "sources")
_TARGET = ("source_domain", "target_domain", "target_dataset")
# chosen from what is there; methods for an unseen domain want the column of a fine-tuning as well
_MEANT_FOR = {"adapt": ("domain_column", *_TARGET), "finetune": (*_TARGET, "adaptation")}


class Setting(TypedDict):
    """One setting as `describe_settings` gives it: its default is of its type."""

    name: str
    type: str
    default: Any
    choices: tuple[str, ...]
    items: tuple[str, ...]
    low: float
    high: float
    help: str
    advanced: bool
    group: str


def show(
    recipe: str,
    modality: str,
    given: Mapping[str, object] | None = None,
    name: str = "",
    tools: Callable[[dict[str, Any]], None] | None = None,
    *,
    about: str = "",
) -> dict[str, Any]:
    """Draw the settings, the everyday ones first; gives those that differ from what they begin
    with.

    Args:
        recipe: whose settings.
        modality: of the data; settings for another one are left out.
        given: values to begin with instead of the defaults, such as a strategy's.
        name: tells two forms of one recipe apart.
        tools: draws what else belongs beside the search, such as presets, for the settings that
            differ.
        about: what is trained; what was set for something else is put back.
    """
    prefix = name or recipe
    settings = described(recipe, modality, given or {})
    if st.session_state.get(f"about_{prefix}", about) != about:
        _reset(prefix, settings)
    st.session_state[f"about_{prefix}"] = about
    for one in settings:  # so that those which are not drawn just now have a value as well
        st.session_state.setdefault(_key(prefix, one["name"]), _as_widget(one, one["default"]))
    values = {one["name"]: _read(prefix, one) for one in settings}
    different = {
        one["name"]: values[one["name"]]
        for one in settings
        if values[one["name"]] != one["default"]
    }
    words = _head(prefix, settings, different, tools)
    names = set(different)
    if words:
        _grid(prefix, [one for one in settings if matches(one, words)], names)
    else:
        _grid(prefix, [one for one in settings if not one["advanced"]], names)
        for group in dict.fromkeys(one["group"] for one in settings if one["advanced"]):
            inside = [one for one in settings if one["advanced"] and one["group"] == group]
            count = sum(one["name"] in names for one in inside)
            title = group or "More settings"
            if count:
                title += f"  :orange-badge[{count} changed]"
            # its key keeps it open when the title changes
            with st.expander(title, type="compact", key=f"group_{prefix}_{group}"):
                _grid(prefix, inside, names)
    return different


def described(recipe: str, modality: str, given: Mapping[str, object]) -> list[Setting]:
    """The settings of a recipe that a form shows, with the values that they begin with."""
    settings: list[Setting] = [
        {**one, "default": given.get(one["name"], one["default"])}  # type: ignore[typeddict-item]
        for one in describe_settings(recipe)
        if (not one["only"] or modality in one["only"].split())
        and one["name"] not in (*_NOT_HERE, *_MEANT_FOR.get(recipe, ()))
    ]
    for setting in settings:  # a strategy for texts is no rung on pictures
        setting["items"] = tuple(
            item
            for item in setting["items"]
            if item not in STRATEGIES or STRATEGIES[item].only in ("", modality)
        )
        if isinstance(setting["default"], list):  # as JSON keeps what is a tuple here
            setting["default"] = tuple(setting["default"])
    return settings


def matches(setting: Setting, words: str) -> bool:
    """Whether every word stands in its name, its group or its help."""
    text = f"{_title(setting)} {setting['name']} {setting['group']} {setting['help']}".lower()
    return all(word in text for word in words.lower().split())


def fill(
    recipe: str,
    modality: str,
    given: Mapping[str, object],
    name: str,
    values: Mapping[str, object],
    *,
    about: str,
) -> None:
    """Put values into a form before it is drawn, the others back to what they begin with; for
    callbacks. The other arguments are those of `show`.
    """
    st.session_state[f"about_{name}"] = about
    for one in described(recipe, modality, given):
        value = values.get(one["name"], one["default"])
        st.session_state[_key(name, one["name"])] = _as_widget(one, value)


def _head(
    prefix: str,
    settings: Sequence[Setting],
    different: dict[str, Any],
    tools: Callable[[dict[str, Any]], None] | None,
) -> str:
    """The search, how much is changed, and what else belongs there; gives the words searched."""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = st.text_input(
            "Find a setting",
            key=f"find_{prefix}",
            placeholder=f"Find one of {len(settings)} settings",
            icon=":material/search:",
            label_visibility="collapsed",
            max_chars=60,
            width=260,
            help="Looks through names and explanations.",
        )
        if different:
            st.markdown(f":orange-badge[{len(different)} changed]", width="content")
            st.button(
                "Reset all",
                key=f"reset_{prefix}",
                type="tertiary",
                icon=":material/restart_alt:",
                on_click=_reset,
                args=(prefix, [one for one in settings if one["name"] in different]),
                help="Every setting back to what it began with.",
            )
        if tools:
            tools(different)
    words = words.strip()
    if words and not any(matches(one, words) for one in settings):
        st.caption("No setting has these words in its name or its explanation.")
    return words


def _grid(prefix: str, settings: Sequence[Setting], changed: set[str]) -> None:
    """Small inputs side by side, those that are changed marked with a way back."""
    with st.grid(3, min_column_width=210, gap=("xsmall", "small")) as grid:
        for one in settings:
            with grid.cell():
                _field(prefix, one)
                if one["name"] in changed:
                    _mark(prefix, one)


def _mark(prefix: str, setting: Setting) -> None:
    usual = _said(setting)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(":orange-badge[changed]", width="content")
        st.button(
            f"Back to {usual}",
            key=f"reset_{prefix}_{setting['name']}",
            type="tertiary",
            on_click=_reset,
            args=(prefix, [setting]),
            help="What this setting began with.",
        )


def _said(setting: Setting) -> str:
    """What a setting begins with, in a few characters."""
    value = setting["default"]
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        text = ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text or "nothing"
    return text if len(text) <= _LONGEST_DEFAULT else text[: _LONGEST_DEFAULT - 1] + "…"


def _reset(prefix: str, settings: Sequence[Setting]) -> None:
    for one in settings:
        st.session_state[_key(prefix, one["name"])] = _as_widget(one, one["default"])


def _key(prefix: str, name: str) -> str:
    return f"{prefix}_{name}"


def _title(setting: Setting) -> str:
    return setting["name"].replace("_", " ").capitalize()


def _as_widget(setting: Setting, value: Any) -> Any:  # noqa: ANN401 - of the setting's type
    """A value as its widget keeps it."""
    if setting["items"]:
        return [item for item in setting["items"] if item in value]
    if setting["type"] == "tuple":
        return ", ".join(f"{one:g}" for one in value)
    if setting["type"] == "int":
        return int(value)
    return float(value) if setting["type"] == "float" else value


def _read(prefix: str, setting: Setting) -> Any:  # noqa: ANN401 - of the setting's type
    """The value that its widget has; that of the default while what is typed is none."""
    value = st.session_state[_key(prefix, setting["name"])]
    if value is None:
        return setting["default"]
    if setting["items"]:
        return tuple(item for item in setting["items"] if item in value)
    if setting["type"] in ("int", "float"):
        return (int if setting["type"] == "int" else float)(value)
    if setting["type"] == "tuple":
        numbers = _numbers(value)
        return tuple(setting["default"]) if numbers is None else numbers
    return value


def _numbers(text: str) -> tuple[float, ...] | None:
    """Numbers with commas between them; None for anything else."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        return None


def _field(prefix: str, setting: Setting) -> None:
    """The widget of one setting, by its type."""
    title, key = _title(setting), _key(prefix, setting["name"])
    text, term = setting["help"], TERMS.get(setting["name"])
    more: dict[str, Any] = {
        "help": help_of(term, text) if term else text,
        "key": key,
        "persist_state": "session",
    }
    if setting["type"] == "bool":
        st.checkbox(title, **more)
    elif setting["choices"]:
        st.selectbox(title, setting["choices"], **more)
    elif setting["items"]:
        names = {
            item: STRATEGIES[item].title if item in STRATEGIES else "No transfer"
            for item in setting["items"]
        }
        items = setting["items"]
        st.pills(title, items, selection_mode="multi", format_func=names.get, wrap=True, **more)
    elif setting["type"] in ("int", "float"):
        kind = int if setting["type"] == "int" else float
        look = None if kind is int else "%g"
        st.number_input(title, kind(setting["low"]), kind(setting["high"]), format=look, **more)
    else:
        st.text_input(title, **more)
        if setting["type"] == "tuple" and _numbers(st.session_state[key]) is None:
            st.error(f"{title}: write numbers with commas between them.")
