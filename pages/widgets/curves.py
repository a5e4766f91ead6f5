"""The curves of a training while it runs: losses, scores, learning rates, gradients, speed,
machine.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import label, size
from pages.widgets import charts
from tl_core.jobs.events import RunView
from tl_core.progress import Curve

_MOST = 400  # points of one curve
Point = dict[str, Any]  # a number by each name of the curve, and lists of them for GPUs
Curves = dict[str, list[Point]]


def show(view: RunView, others: dict[str, RunView]) -> None:
    """All curves of a fine-tuning; `others` are laid over the first two, by name."""
    training, held = view.of(Curve.TRAINING), view.of(Curve.VALIDATION)
    if not training:
        return
    _tiles(training, held)
    everyone = {"": view, **others}
    left, right = st.columns(2)
    with left:
        st.markdown("**Loss** (lower is better)")
        _loss(everyone)
    with right:
        st.markdown("**Accuracy on the validation items**")
        _scores(everyone)
    with st.expander("Learning rates, gradient, speed"):
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


def _tiles(training: Curves, held: Curves) -> None:
    name = list(training)[-1]
    points, judged = training[name], held.get(name, [])
    tiles = st.columns(4)
    tiles[0].metric("Epoch", f"{points[-1]['epoch']:.1f}")
    tiles[1].metric("Step", f"{points[-1]['step']:,.0f}")
    tiles[2].metric("Items a second", f"{points[-1]['rate']:.0f}")
    if judged:
        best = max(judged, key=lambda point: point["accuracy"])
        tiles[3].metric(
            "Best accuracy so far (%)",
            f"{100 * best['accuracy']:.0f}",
            help=f"On the validation items, after epoch {best['epoch']:g}; this state is kept.",
        )


def _thin(points: list[Point]) -> list[Point]:
    step = max(1, len(points) // _MOST)
    return points[::step] if step > 1 else points


def _loss(views: dict[str, RunView]) -> None:
    figure = go.Figure()
    for number, (run, view) in enumerate(views.items()):
        for curve, key, dash in (
            (Curve.TRAINING, "loss", "solid"),
            (Curve.VALIDATION, "log_loss", "dot"),
        ):
            for part, points in view.of(curve).items():
                points = _thin(points)
                figure.add_scatter(
                    x=[p["epoch"] for p in points],
                    y=[p[key] for p in points],
                    mode="lines" if curve == Curve.TRAINING else "lines+markers",
                    name=label(
                        " ".join(
                            filter(
                                None,
                                (run, part, "train" if curve == Curve.TRAINING else "validation"),
                            )
                        )
                    ),
                    line={"color": _colour(number, part, view), "dash": dash, "width": 1.5},
                    hovertemplate="%{y:.3f} at epoch %{x:.1f}",
                )
    figure.update_xaxes(title="epoch", rangemode="nonnegative")
    figure.update_yaxes(rangemode="tozero")
    charts.draw(figure, "loss", 300, legend=len(figure.data) <= 6)


def _scores(views: dict[str, RunView]) -> None:
    figure = go.Figure()
    for number, (run, view) in enumerate(views.items()):
        for part, points in view.of(Curve.VALIDATION).items():
            for key, name, dash in (
                ("accuracy", "accuracy (%)", "solid"),
                ("macro_f1", "macro F1 (%)", "dot"),
            ):
                if key == "macro_f1" and (run or part):
                    continue  # one line for each run is enough to compare
                figure.add_scatter(
                    x=[p["epoch"] for p in points],
                    y=[100 * p[key] for p in points],
                    mode="lines+markers",
                    name=label(" ".join(filter(None, (run, part, name)))),
                    line={"color": _colour(number, part, view), "dash": dash},
                    hovertemplate="%{y:.1f} at epoch %{x:.1f}",
                )
    if not figure.data:
        st.caption("The first score comes at the end of the first epoch.")
        return
    last = max(
        (
            point["epoch"]
            for view in views.values()
            for points in view.of(Curve.TRAINING).values()
            for point in points[-1:]
        ),
        default=0.0,
    )
    figure.update_xaxes(title="epoch", range=[-0.05, max(1.0, 1.05 * last)])
    charts.draw(figure, "scores", 300, legend=len(figure.data) <= 6)


def _colour(number: int, part: str, view: RunView) -> str:
    if part:
        number = list(view.of(Curve.TRAINING)).index(part) if part in view.of(Curve.TRAINING) else 0
    return charts.COLOURS[number % len(charts.COLOURS)]


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
