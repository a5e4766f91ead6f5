"""The layers as a row of cells: which groups move now, and which stand still."""

from __future__ import annotations

from typing import Literal, NamedTuple

import plotly.graph_objects as go
import streamlit as st

from pages.sections.evaluate import test_score
from pages.shell import ask, services
from pages.shell.words import label, plain
from pages.widgets import charts
from tl_core.config import RunConfig
from tl_core.errors import NotFoundError
from tl_core.evaluate.report import FILE
from tl_core.registry.run import Run
from tl_core.surgery.facts import LayerGroupFacts, SurgeryFacts

_NAMED = 3  # groups that are named one by one
_HEIGHT = 40  # pixels

Moves = Literal["trainable", "partly", "later", "frozen"]
_OPACITY: dict[Moves, float] = {"trainable": 1.0, "partly": 0.65, "later": 0.25, "frozen": 1.0}
_WORDS: dict[Moves, str] = {
    "trainable": "trainable now",
    "partly": "trainable now in part (adapters or norms)",
    "later": "not yet trainable",
    "frozen": "frozen",
}


class Cell(NamedTuple):
    """A layer group and whether it moves."""

    name: str
    moves: Moves
    weights: int


def cells(groups: list[LayerGroupFacts], learning: str, ended: bool = False) -> list[Cell]:
    """The layer groups from input to output.

    Args:
        groups: what the plan does to each, as a surgery report has it.
        learning: the names of those that move now, with commas; nothing before the first is told.
        ended: whether the training is over, so that what has moved at any time counts.
    """
    names = set(learning.split(", ")) if learning and not ended else None

    def moves(group: LayerGroupFacts) -> Moves:
        if not group["trainable"]:
            return "frozen"
        if names is not None and group["name"] not in names:
            return "later"
        return "trainable" if group["trainable"] >= group["parameters"] else "partly"

    return [Cell(group["name"], moves(group), group["parameters"]) for group in groups]


def facts_of(run: Run) -> SurgeryFacts | None:
    """What the plan does to the layers: from the report of a run that has one, else asked for
    once; None where there is no such plan.
    """
    if (run.folder / FILE).is_file():
        return test_score.report_of(run).get("surgery")
    if run.recipe != "finetune":
        return None
    try:
        classes = services.datasets().get(run.dataset).classes
    except NotFoundError:  # its data have been deleted
        return None
    config = RunConfig.read(run.folder)
    tree: SurgeryFacts | None = ask.ask(
        "strip",
        "layer_tree",
        run.id,
        "Looking at the layers…",
        quiet=True,
        failed=ask.ignore,
        reference=config.backbone,
        recipe=config.recipe,
        options=config.options,
        classes=classes,
    )
    return tree


def show(facts: SurgeryFacts | None, learning: str, *, ended: bool = False) -> None:
    """What moves now in words and, where the layers are known, the row of cells."""
    if learning and not ended:
        of = len(facts["groups"]) if facts else 0
        st.markdown(f":green-badge[:material/spa: trainable now] {plain(shortened(learning, of))}")
    if facts is None:
        return
    if ended:
        share = facts["trainable"] / max(facts["total"], 1)
        st.markdown(
            f":green-badge[:material/spa: trainable] {facts['trainable']:,} of"
            f" {facts['total']:,} weights ({100 * share:.3g} %)"
        )
    row = cells(facts["groups"], learning, ended)
    _draw(row)
    if ended or not learning:
        st.caption(f"{plain(row[0].name)} → {plain(row[-1].name)}: {len(row)} groups of layers")


def shortened(learning: str, of: int = 0) -> str:
    """A few names in full; of many the ends, and how many of how many they are."""
    names = learning.split(", ")
    if len(names) <= _NAMED:
        return learning
    count = f"{len(names)} of {of}" if of else str(len(names))
    return f"{names[0]} to {names[-1]} ({count} groups)"


def _draw(row: list[Cell]) -> None:
    figure = go.Figure(
        go.Bar(
            x=list(range(len(row))),
            y=[1] * len(row),
            width=0.9,
            marker={
                "color": [
                    charts.SLATE if cell.moves == "frozen" else charts.ACCENT for cell in row
                ],
                "opacity": [_OPACITY[cell.moves] for cell in row],
                "cornerradius": 3,
            },
            customdata=[
                [label(cell.name), _WORDS[cell.moves], f"{cell.weights:,}"] for cell in row
            ],
            hovertemplate=(
                "%{customdata[0]}: %{customdata[1]}, %{customdata[2]} weights<extra></extra>"
            ),
        )
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_layout(height=_HEIGHT, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    st.plotly_chart(figure, key="strip", config={"displayModeBar": False})
