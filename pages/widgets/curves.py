"""The curves of a training while it runs: losses, scores, learning rates, gradients, speed,
machine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import interval, label, size
from pages.widgets import charts
from pages.widgets.axes import End, label_ends, loss_top, score_range, smooth
from pages.widgets.glossary import help_of
from tl_core.evaluate.measures import Range
from tl_core.evaluate.scores.intervals import proportion
from tl_core.jobs.events import RunView
from tl_core.progress import Curve

_MOST = 400  # points of one curve
_WITHOUT = "without transfer"
Point = dict[str, Any]  # a number by each name of the curve, and lists of them for GPUs
Curves = dict[str, list[Point]]


class Line(NamedTuple):
    """A training among those that are drawn together; nameless when it is the only one."""

    name: str
    colour: str
    training: list[Point]
    held: list[Point]


def show(view: RunView, others: dict[str, RunView], name: str = "this run") -> None:
    """All curves of a fine-tuning; `others` are laid over the first two, by name; `name` is then
    its own.
    """
    if not view.of(Curve.TRAINING):
        return
    tiles(view, 4)
    pair(view, others, name=name)
    with st.expander("Learning rates, gradient, speed"):
        details(view)


def tiles(view: RunView, columns: int, items: int = 0) -> None:
    """Epoch, step, best score so far and speed, in rows of so many; the score has its interval
    where the number of validation `items` is known.
    """
    training = view.of(Curve.TRAINING)
    if not training:
        return
    name = list(training)[-1]
    last, judged = training[name][-1], view.of(Curve.VALIDATION).get(name, [])
    with st.grid(columns, min_column_width=120, gap="xsmall"):
        st.metric("Epoch", f"{last['epoch']:.1f}", help=help_of("epoch"))
        st.metric("Step", f"{last['step']:,.0f}")
        st.metric("Items a second", f"{last['rate']:.0f}")
        if judged:
            best = max(point["accuracy"] for point in judged)
            st.metric(
                "Best accuracy so far (%)",
                f"{100 * best:.0f}",
                f"{interval(proportion(best * items, items))} plausible" if items else None,
                help=help_of("accuracy", "Of the validation items."),
                delta_color="off",
                delta_arrow="off",
            )


def pair(
    view: RunView,
    others: dict[str, RunView],
    band: Range | None = None,
    height: int = 300,
    name: str = "this run",
    items: int = 0,
) -> None:
    """Losses and scores side by side, names at the ends of the lines.

    Args:
        view: the run's own.
        others: further ones, by name.
        band: the score without transfer.
        height: of each chart, in pixels.
        name: the run's own beside others.
        items: validation items, which tell how far an accuracy may be off; 0 while unknown.
    """
    lines = _lines({name if others else "": view, **others})
    end = max(
        [1.0, planned_epochs(view)] + [one.training[-1]["epoch"] for one in lines if one.training]
    )
    with st.grid(
        2, min_column_width=300, gap="small"
    ) as grid:  # below each other where it is narrow
        with grid.cell():
            st.markdown("**Loss** :small[(lower is better)]")
            _loss(lines, end, height)
        with grid.cell():
            st.markdown("**Accuracy on the validation items**")
            _scores(lines, end, band, height, items)


def details(view: RunView) -> None:
    """Learning rates by layer group, gradient and speed."""
    training = view.of(Curve.TRAINING)
    last = training[list(training)[-1]]
    first, second, third = st.columns(3)
    with first:
        st.caption("learning rate by layer group")
        _rates(last)
    for column, name, text in (
        (second, "grad_norm", "gradient norm"),
        (third, "rate", "items a second"),
    ):
        with column:
            st.caption(text)
            _line({"": last}, name, f"curve_{name}")


def penalty(points: list[Point], key: str, height: int = 300) -> None:
    """How many held-out rows are right at each strength of a classifier's penalty; with several
    labels, wholly right.
    """
    values = [100 * p["accuracy"] for p in points]
    figure = go.Figure(
        go.Scatter(
            x=[p["c"] for p in points],
            y=values,
            mode="lines+markers",
            line={"color": charts.ACCENT},
            customdata=[p["log_loss"] for p in points],
            hovertemplate=(
                "C = %{x:g}: %{y:.1f} % right, log loss %{customdata:.3f}<extra></extra>"
            ),
        )
    )
    figure.update_xaxes(type="log", dtick=1, title="C (inverse strength of the weight penalty)")
    figure.update_yaxes(range=score_range(values), ticksuffix=" %", title="right, held out")
    charts.draw(figure, key, height)


def planned_epochs(view: RunView) -> float:
    """Where the training will end, from the steps that it still has; 0 while unknown."""
    points = view.curves.get(Curve.TRAINING, [])
    if view.stage != "Training" or not points or not view.total or not points[-1]["step"]:
        return 0.0
    # rounded, so that an axis stays as it is from one point to the next
    return round(float(view.total * points[-1]["epoch"] / points[-1]["step"]), 1)


def _lines(views: dict[str, RunView]) -> list[Line]:
    """Every training of the views, with its name and its colour."""
    found = [
        (" ".join(filter(None, (run, part))), points, view.of(Curve.VALIDATION).get(part, []))
        for run, view in views.items()
        for part, points in view.of(Curve.TRAINING).items()
    ]
    return [
        Line(name, charts.COLOURS[number % len(charts.COLOURS)], points, held)
        for number, (name, points, held) in enumerate(found)
    ]


def settled(points: list[Point]) -> list[Point]:
    """All but the newest few of a long line: it is drawn anew when it has grown by a fiftieth, not
    at every point, because a chart whose data change is put in place anew.
    """
    return points[: len(points) - len(points) % max(1, len(points) // 50)]


def _thin(points: list[Point]) -> list[Point]:
    step = max(1, len(points) // _MOST)
    return points[::step] if step > 1 else points


def _loss(lines: list[Line], end: float, height: int) -> None:
    figure, ends = go.Figure(), []
    alone = len(lines) == 1
    for line in lines:
        points = [point for point in _thin(settled(line.training)) if point["loss"] is not None]
        epochs, losses = [p["epoch"] for p in points], [p["loss"] for p in points]
        colour = charts.SLATE if alone else line.colour
        name = label(f"{line.name} train".strip())
        if alone:
            _add(figure, epochs, losses, name, {"color": colour, "width": 1}, opacity=0.35)
        thin = {"color": colour, "width": 1.5, "dash": "solid" if alone else "dot"}
        _add(figure, epochs, smooth(losses), name, thin)
        judged = [point for point in line.held if point["log_loss"] is not None]
        _add(
            figure,
            [p["epoch"] for p in judged],
            [p["log_loss"] for p in judged],
            label(f"{line.name} validation".strip()),
            {"color": line.colour, "width": 2},
            mode="lines+markers",
        )
        if alone and points:
            ends.append(End("train", epochs[-1], smooth(losses)[-1], colour))
        if judged:
            text = line.name or "validation"
            ends.append(End(text, judged[-1]["epoch"], judged[-1]["log_loss"], line.colour))
    top = loss_top(
        [p["loss"] for one in lines for p in settled(one.training) if p["loss"] is not None],
        [p["log_loss"] for one in lines for p in one.held if p["log_loss"] is not None],
    )
    figure.update_xaxes(title="epoch", range=[0, 1.02 * end])
    figure.update_yaxes(range=[0, top])
    label_ends(figure, ends, 0, top, height)
    charts.draw(figure, "loss", height)
    if not alone:
        st.caption("Dotted: training items. Solid: validation items.")


def _scores(lines: list[Line], end: float, band: Range | None, height: int, items: int) -> None:
    figure, ends = go.Figure(), []
    marked: list[float] = []  # ends of whiskers
    for line in lines:
        for key, name in (("accuracy", "accuracy"), ("macro_f1", "macro F1")):
            if not line.held or (key == "macro_f1" and len(lines) > 1):
                continue  # one line for each run is enough to compare
            epochs = [p["epoch"] for p in line.held]
            values = [100 * p[key] for p in line.held]
            style: dict[str, object] = {
                "color": line.colour,
                "dash": "solid" if key == "accuracy" else "dot",
            }
            text = name if not line.name else line.name
            _add(figure, epochs, values, label(text), style, mode="lines+markers", score=True)
            if key == "accuracy" and items and len(lines) == 1:
                marked = _whiskers(figure, line, items)
            ends.append(End(f"{text} {values[-1]:.1f}", epochs[-1], values[-1], line.colour))
    if not ends:
        begun = any(point["epoch"] > 1 for line in lines for point in line.training)
        st.caption(
            "This way to train is scored at its end."
            if begun
            else "The first score comes at the end of the first epoch."
        )
        if band is None:
            return
    ends += _draw_band(figure, band, end)
    inside = [value for trace in figure.data for value in trace.y] + marked
    if band is not None:
        inside += [100 * band["low"], 100 * band["high"]]
    low, high = score_range(inside)
    figure.update_xaxes(title="epoch", range=[-0.02 * end, 1.02 * end])
    figure.update_yaxes(range=[low, high], ticksuffix=" %")
    label_ends(figure, ends, low, high, height)
    charts.draw(figure, "scores", height)


def _whiskers(figure: go.Figure, line: Line, items: int) -> list[float]:
    """Draw the interval of each accuracy of the line that was added last; gives their ends."""
    scores = [proportion(p["accuracy"] * items, items) for p in line.held]
    figure.data[-1].error_y = {
        "type": "data",
        "symmetric": False,
        "array": [100 * (score["high"] - score["value"]) for score in scores],
        "arrayminus": [100 * (score["value"] - score["low"]) for score in scores],
        "thickness": 1,
        "width": 3,
    }
    return [100 * score[end] for score in scores for end in ("low", "high")]


def _draw_band(figure: go.Figure, band: Range | None, end: float) -> list[End]:
    """The score without transfer with its interval, across the chart, and its label."""
    if band is None:
        return []
    low, value, high = (100 * band[key] for key in ("low", "value", "high"))
    figure.add_hrect(y0=low, y1=high, fillcolor=charts.SLATE, opacity=0.16, line_width=0)
    figure.add_trace(
        go.Scatter(
            x=[0, 1.02 * end],
            y=[value, value],
            mode="lines",
            name=_WITHOUT,
            line={"color": charts.SLATE, "width": 1, "dash": "dash"},
            hovertemplate=f"{_WITHOUT}: %{{y:.1f}} % ({low:.0f} to {high:.0f})<extra></extra>",
        )
    )
    return [End(f"{_WITHOUT} {value:.0f}", 1.02 * end, value, charts.SLATE)]


def _add(
    figure: go.Figure,
    x: list[float],
    y: list[float],
    name: str,
    line: dict[str, object],
    *,
    mode: str = "lines",
    opacity: float = 1.0,
    score: bool = False,
) -> None:
    """One line, with its units on hover; a faint one says nothing."""
    how = "%{y:.1f} %" if score else "%{y:.3f}"
    figure.add_scatter(
        x=x,
        y=y,
        mode=mode,
        name=name,
        line=line,
        opacity=opacity,
        cliponaxis=score is False,
        hoverinfo="skip" if opacity < 1 else None,
        hovertemplate=None if opacity < 1 else how + " at epoch %{x:.1f}",
    )


def _rates(points: list[Point]) -> None:
    names = sorted({name for point in points for name in point if name.startswith("lr ")})
    figure = go.Figure()
    for number, name in enumerate(names):
        some = _thin([point for point in points if name in point])
        figure.add_scatter(
            x=[p["step"] for p in some],
            y=[p[name] for p in some],
            mode="lines",
            name=label(name.removeprefix("lr ")),
            line={"width": 1.5, "color": charts.COLOURS[number % len(charts.COLOURS)]},
            hovertemplate="%{y:.2g}",
        )
    figure.update_yaxes(exponentformat="e")
    charts.draw(figure, "rates", 200)


def _line(curves: Curves, name: str, key: str) -> None:
    figure = go.Figure()
    for part, points in curves.items():
        some = _thin(points)
        figure.add_scatter(
            x=[p["step"] for p in some],
            y=[p[name] for p in some],
            mode="lines",
            name=label(part),
            line={"color": charts.ACCENT, "width": 1.5},
            hovertemplate="%{y:.3g}<extra></extra>",
        )
    figure.update_yaxes(rangemode="tozero")
    charts.draw(figure, key, 200)


def machine(points: list[Point]) -> None:
    """What GPUs, or processor and memory, did over the run."""
    if len(points) < 2:
        return
    start = points[0]["t"]
    minutes = [(point["t"] - start) / 60 for point in points]
    series = [
        ("processor, %", [point["cpu"] for point in points]),
        ("memory, %", [100 * point["memory_used"] / point["memory_total"] for point in points]),
    ]
    for number in range(len(points[0]["gpus"])):
        gpus = [point["gpus"][number] for point in points if len(point["gpus"]) > number]
        series += [
            (f"GPU {number + 1}, %", [gpu["use"] for gpu in gpus]),
            (
                f"GPU {number + 1} memory, {size(gpus[0]['memory_total'] or 0)}",
                [100 * (gpu["memory_used"] or 0) / (gpu["memory_total"] or 1) for gpu in gpus],
            ),
            (f"GPU {number + 1}, °C", [gpu["temperature"] for gpu in gpus]),
            (f"GPU {number + 1}, W", [gpu["power"] for gpu in gpus]),
        ]
    figure = go.Figure()
    for number, (name, values) in enumerate(series):
        figure.add_scatter(
            x=minutes,
            y=values,
            mode="lines",
            name=name,
            line={"width": 1.5, "color": charts.COLOURS[number % len(charts.COLOURS)]},
            hovertemplate="%{y:.0f}",
        )
    figure.update_xaxes(title="minutes")
    figure.update_yaxes(rangemode="tozero")
    charts.draw(figure, "machine", 220, legend=True)
