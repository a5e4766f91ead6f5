"""The layers of a backbone under a plan: what is frozen, what learns and how fast."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from pages.shell import ask
from pages.shell.words import label, plain
from pages.widgets import charts
from tl_core.config import RunConfig
from tl_core.errors import ConfigError, UserError
from tl_core.surgery.facts import LayerGroupFacts, SurgeryFacts

_ROOMY = 14  # groups whose bars have full height; more of them share the same space


def show(config: RunConfig, classes: int) -> None:
    """The layer tree of `config`; the same plan is asked for once."""
    tree = ask.ask(
        "layers",
        "layer_tree",
        _about(config, classes),
        "Looking at the layers…",
        failed=_warn,
        reference=config.backbone,
        recipe=config.recipe,
        options=config.options,
        classes=classes,
    )
    if tree is not None:
        draw(tree, "layers")


def refused(config: RunConfig, classes: int) -> str:
    """Why this plan cannot be carried out, once that is known: in words, else empty."""
    error = ask.refusal("layers", _about(config, classes))
    return error.what if error and error.code == ConfigError.code else ""


def _about(config: RunConfig, classes: int) -> str:
    return f"{config.backbone} {config.recipe} {sorted(config.options.items())} {classes}"


def _warn(error: UserError) -> None:
    st.warning(plain(str(error)), icon=":material/warning:")


def draw(tree: SurgeryFacts, key: str) -> None:
    """One bar for each layer group, the classifier on top as in a network seen from its output."""
    share = tree["trainable"] / max(tree["total"], 1)
    st.markdown(
        f":green-badge[:material/spa: trainable] **{tree['trainable']:,}** of {tree['total']:,}"
        f" weights ({100 * share:.3g} %)"
        + ("   :gray-badge[:material/ac_unit: frozen] the rest" if share < 1 else "")
    )
    groups = tree["groups"]
    texts = [_rate(group) for group in groups]
    figure = go.Figure(
        go.Bar(
            y=[label(group["name"]) for group in groups],
            orientation="h",
            x=[max(group["parameters"], group["trainable"]) for group in groups],
            marker_color=[
                charts.ACCENT if group["trainable"] else charts.SLATE for group in groups
            ],
            text=texts,
            textposition="auto",
            constraintext="none",
            customdata=[
                [label(group["pattern"]), group["parameters"], group["trainable"]]
                for group in groups
            ],
            hovertemplate=(
                "%{y} (%{customdata[0]}): %{customdata[1]:,} weights, %{customdata[2]:,}"
                " trainable<extra></extra>"
            ),
        )
    )
    figure.update_xaxes(type="log", title="weights", range=[1, None])
    figure.update_yaxes(type="category")
    row = 25 if len(groups) <= _ROOMY else max(12, 25 * _ROOMY // len(groups))
    charts.draw(figure, key, row * len(groups) + 80)
    for part in tree["reinitialised"]:
        name, old, new = str(part["name"]), _shape(part["old"]), _shape(part["new"])
        st.caption(f"Re-initialised: {plain(name)}, {plain(old)} → {plain(new)}")


def _rate(group: LayerGroupFacts) -> str:
    if not group["trainable"]:
        return "frozen"
    part = "" if group["trainable"] >= group["parameters"] else "partly, "
    return f"{part}learning rate × {group['lr_scale']:.2g}"


def _shape(value: object) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)
