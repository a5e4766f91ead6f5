"""A form made from a recipe's own settings: names, ranges and help stand in their dataclass
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import streamlit as st

from tl_core.config import STRATEGIES, describe_settings


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


def show(
    recipe: str, modality: str, given: Mapping[str, object] | None = None, name: str = ""
) -> dict[str, Any]:
    """Draw the settings that matter, the everyday ones first; gives those that differ from what
    they begin with.

    Args:
        recipe: whose settings.
        modality: of the data; settings for another one are left out.
        given: values to begin with instead of the defaults, such as a strategy's.
        name: tells two forms of one recipe apart.
    """
    given = given or {}
    described = [
        {**s, "default": given.get(s["name"], s["default"])}
        for s in describe_settings(recipe)
        if s["only"] in ("", modality) and s["name"] not in ("strategy", "continue_from", "prompts")
    ]
    for one in described:  # a strategy for texts is no rung on pictures
        one["items"] = tuple(
            item
            for item in one["items"]
            if item not in STRATEGIES or STRATEGIES[item].only in ("", modality)
        )
    values = {s["name"]: _field(name or recipe, s) for s in described if not s["advanced"]}
    for group in dict.fromkeys(s["group"] for s in described if s["advanced"]):
        with st.expander(group or "More settings"):
            values |= {
                s["name"]: _field(name or recipe, s)
                for s in described
                if s["advanced"] and s["group"] == group
            }
    return {s["name"]: values[s["name"]] for s in described if values[s["name"]] != s["default"]}


def _field(prefix: str, spec: Setting) -> object:
    """The widget of one setting, by its type; gives its value."""
    title, key = spec["name"].replace("_", " ").capitalize(), f"{prefix}_{spec['name']}"
    if spec["type"] == "bool":
        return st.checkbox(title, spec["default"], help=spec["help"], key=key)
    if spec["choices"]:
        place = spec["choices"].index(spec["default"])
        return st.selectbox(title, spec["choices"], place, help=spec["help"], key=key)
    if spec["items"]:
        return _several(title, key, spec)
    if spec["type"] in ("int", "float"):
        return _number(title, key, spec)
    if spec["type"] == "str":
        return st.text_input(title, spec["default"], help=spec["help"], key=key)
    return _numbers(title, key, spec)


def _several(title: str, key: str, spec: Setting) -> tuple[str, ...]:
    """Some of the items, in their order."""
    names = {
        item: STRATEGIES[item].title if item in STRATEGIES else "No transfer"
        for item in spec["items"]
    }
    chosen = st.pills(
        title,
        spec["items"],
        selection_mode="multi",
        default=list(spec["default"]),
        format_func=names.get,
        help=spec["help"],
        key=key,
    )
    return tuple(item for item in spec["items"] if item in chosen)


def _number(title: str, key: str, spec: Setting) -> int | float:
    kind, look = (int, None) if spec["type"] == "int" else (float, "%g")
    return kind(
        st.number_input(
            title,
            kind(spec["low"]),
            kind(spec["high"]),
            kind(spec["default"]),
            help=spec["help"],
            key=key,
            format=look,
        )
    )


def _numbers(title: str, key: str, spec: Setting) -> tuple[float, ...]:
    """Numbers with commas between them; those of the default while what is typed is none."""
    text = st.text_input(
        title, ", ".join(f"{v:g}" for v in spec["default"]), help=spec["help"], key=key
    )
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        st.error(f"{title}: write numbers with commas between them.")
        return tuple(spec["default"])
