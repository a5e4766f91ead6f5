"""A form made from a recipe's own settings: names, ranges and help stand in their dataclass alone."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tl_core.config import describe_settings


def show(recipe: str, modality: str) -> dict[str, Any]:
    """Draw the settings that matter, the everyday ones first; gives those that differ from the default."""
    described = [s for s in describe_settings(recipe) if s["only"] in ("", modality)]
    values = {s["name"]: _field(recipe, s) for s in described if not s["advanced"]}
    with st.expander("More settings"):
        values |= {s["name"]: _field(recipe, s) for s in described if s["advanced"]}
    return {s["name"]: values[s["name"]] for s in described if values[s["name"]] != s["default"]}


def _field(recipe: str, spec: dict[str, Any]) -> Any:  # noqa: ANN401
    title, key = spec["name"].replace("_", " ").capitalize(), f"{recipe}_{spec['name']}"
    if spec["type"] == "bool":
        return st.checkbox(title, spec["default"], help=spec["help"], key=key)
    if spec["choices"]:
        return st.selectbox(title, spec["choices"], spec["choices"].index(spec["default"]), help=spec["help"], key=key)
    if spec["type"] == "int":
        return int(st.number_input(title, int(spec["low"]), int(spec["high"]), spec["default"], help=spec["help"],
                                   key=key))
    if spec["type"] == "float":
        return float(st.number_input(title, float(spec["low"]), float(spec["high"]), spec["default"],
                                     help=spec["help"], key=key, format="%g"))
    text = st.text_input(title, ", ".join(f"{v:g}" for v in spec["default"]), help=spec["help"], key=key)
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        st.error(f"{title}: write numbers with commas between them.")
        return spec["default"]
