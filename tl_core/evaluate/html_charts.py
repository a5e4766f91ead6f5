"""Lines in the HTML report: curves with their axes and names, all places worked out beforehand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tl_core.evaluate.html_tables import cut
from tl_core.evaluate.measures import Score, ScoredRows
from tl_core.evaluate.report import Report

COLOURS = ("#009E73", "#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#D55E00", "#7A8793")
_LEFT, _TOP, _WIDE, _HIGH, _BELOW = 44, 10, 260, 190, 38
_LEGEND = 17  # pixels of a line of the legend
_NAME, _SCORE = 44, 36  # characters of a line of the legend; at its end, where the score stands
_MOST_CURVES = 7  # classes in one chart of curves: those that are separated least well
_MOST_POINTS = 300  # of one curve
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Tick:
    """A number on an axis, and its place."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A curve as a path, with its name and the place of the name."""

    name: str
    colour: str
    path: str
    below: float


@dataclass(frozen=True)
class LineChart:
    """Curves in a frame. The legend stands below the axis, a line for each name."""

    title: str
    across: str
    up: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    frame: str
    left: float
    top: float
    bottom: float
    right: float
    width: int
    height: int


def line_chart(
    title: str, across: str, up: str, curves: Mapping[str, Points], unit: bool = False
) -> LineChart | None:
    """Some curves by name; None where none has two points.

    Args:
        title: what the chart shows.
        across: the horizontal axis in words.
        up: the vertical axis in words.
        curves: points (x, y) by name.
        unit: whether both axes go from 0 to 1, whatever the points.
    """
    drawn = {name: points for name, points in curves.items() if len(points) > 1}
    if not drawn:
        return None
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    x_axis = (0.0, 1.0) if unit else (min(xs), max(xs))
    y_axis = (0.0, 1.0) if unit else _axis(ys)

    def at(x: float, y: float) -> str:
        return (
            f"{_place(x, x_axis, _LEFT, _WIDE):.1f} {_TOP + _HIGH - _along(y, y_axis) * _HIGH:.1f}"
        )

    bottom = _TOP + _HIGH
    lines = [
        Line(
            cut(name, _NAME, _SCORE),
            COLOURS[number % len(COLOURS)],
            "M" + "L".join(at(x, y) for x, y in points),
            bottom + _BELOW + _LEGEND * number + 4,
        )
        for number, (name, points) in enumerate(drawn.items())
    ]
    return LineChart(
        title,
        across,
        up,
        lines,
        [Tick(_place(x, x_axis, _LEFT, _WIDE), f"{x:.3g}") for x in _ticks(x_axis)],
        [Tick(bottom - _along(y, y_axis) * _HIGH, f"{y:.3g}") for y in _ticks(y_axis)],
        f"M{_LEFT} {_TOP}V{bottom}H{_LEFT + _WIDE}",
        _LEFT,
        _TOP,
        bottom,
        _LEFT + _WIDE,
        _LEFT + _WIDE + 14,
        bottom + _BELOW + _LEGEND * len(lines) + 2,
    )


def training_charts(report: Report, loss: Points) -> list[LineChart]:
    """How a fine-tuning went: its losses, and its scores after each epoch."""
    history = report["training"]["history"] if report.get("training") else []

    def of(name: str) -> Points:
        return [(point["epoch"], point[name]) for point in history if name in point]

    charts = [
        line_chart(
            "Loss by epoch",
            "epoch",
            "loss",
            {"training": _thinned(loss), "validation": of("log_loss")},
        ),
        line_chart(
            "Scores on the validation items by epoch",
            "epoch",
            "score (0 to 1)",
            {"accuracy": of("accuracy"), "macro F1": of("macro_f1")},
        ),
    ]
    return [chart for chart in charts if chart]


def separation_charts(section: ScoredRows) -> list[LineChart]:
    """ROC and precision-recall curves of the classes that are separated least well."""
    classes = sorted(section.get("ranking", []), key=lambda part: part["auc"]["value"])
    shown = classes[:_MOST_CURVES]
    charts = [
        line_chart(
            "ROC curves",
            "false positive rate",
            "recall",
            {
                f"{part['label']} (area {span_text(part['auc'])})": _pairs(part["roc"])
                for part in shown
            },
            unit=True,
        ),
        line_chart(
            "Precision-recall curves",
            "recall",
            "precision",
            {
                f"{part['label']} (average {span_text(part['average_precision'])})": _pairs(
                    part["pr"]
                )
                for part in shown
            },
            unit=True,
        ),
    ]
    return [chart for chart in charts if chart]


def _pairs(points: list[list[float]]) -> Points:
    return _thinned([(x, y) for x, y in points])


def _thinned(points: Points) -> Points:
    """Every so manieth point, and the last."""
    step = max(1, -(-len(points) // _MOST_POINTS))
    return [*points[:-1:step], *points[-1:]]


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Around all values, and never so near that a hair looks like a gulf."""
    low, high = min(values), max(values)
    room = max(0.05 * (high - low), (0.1 - (high - low)) / 2)
    return (max(0.0, low - room) if low >= 0 else low - room), high + room


def _along(value: float, axis: tuple[float, float]) -> float:
    low, high = axis
    return (value - low) / (high - low) if high > low else 0.5


def _place(value: float, axis: tuple[float, float], start: float, length: float) -> float:
    return start + length * _along(value, axis)


def _ticks(axis: tuple[float, float]) -> list[float]:
    """Three to six round numbers on an axis."""
    low, high = axis
    if high <= low:
        return [low]
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((1, 2, 2.5, 5, 10), key=lambda one: abs(one * power - rough))
    first = math.ceil(low / step - 1e-9)
    return [step * number for number in range(first, math.floor(high / step + 1e-9) + 1)]


def span_text(score: Score) -> str:
    """A score with its interval."""
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"
