"""Where axes begin and end, and labels that stand at the ends of lines in place of a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from pages.shell.words import label

LEAST_SPAN = 10.0  # points of a score axis: a smaller one makes chance look like progress
_LINE = 16  # pixels from one label to the next
_AROUND = 84  # pixels of a figure's height that its axis does not have
_MOST = 8  # labels that find room; the other lines tell their names on hover
_LONGEST = 30  # characters of a label


class End(NamedTuple):
    """The last point of a line, and what the line is called."""

    text: str
    x: float
    y: float
    colour: str


def score_range(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis for scores in per cent: room around them, a least span, within 0 and 100."""
    if not values:
        return 0.0, 100.0
    low, high = min(values), max(values)
    room = max(0.08 * (high - low), (LEAST_SPAN - (high - low)) / 2, 1.0)
    low, high = low - room, high + room
    if high > 100:
        low, high = min(low, 100 - LEAST_SPAN), 100.0
    if low < 0:
        low, high = 0.0, max(high, LEAST_SPAN)
    return low, high


def loss_top(training: Sequence[float], judged: Sequence[float]) -> float:
    """The upper end of an axis for losses: a few early peaks of single steps do not set it."""
    usual = sorted(value for value in training if math.isfinite(value))
    peaks = usual[: max(1, math.ceil(0.98 * len(usual)))][-1:]
    high = max([*peaks, *(value for value in judged if math.isfinite(value))], default=1.0)
    return 1.08 * high if high > 0 else 1.0


def smooth(values: Sequence[float]) -> list[float]:
    """The mean of each value and those before it, over a twentieth of the line."""
    width = max(1, len(values) // 20)
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return [
        (sums[end] - sums[max(0, end - width)]) / min(end, width)
        for end in range(1, len(values) + 1)
    ]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones that are `gap` apart and, where there is room, between `low` and
    `high`.
    """
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    places = [0.0] * len(wanted)
    last = -math.inf
    for number in order:
        last = places[number] = max(wanted[number], last + gap, low)
    last = math.inf
    for number in reversed(order):
        last = places[number] = min(places[number], last - gap, high)
    return places


def label_ends(
    figure: go.Figure, ends: Sequence[End], low: float, high: float, height: int
) -> None:
    """Write names beside the ends of lines, the uppermost ones where there are many, on an axis
    from `low` to `high` of a figure of this height.
    """
    shown = sorted(ends, key=lambda end: end.y, reverse=True)[:_MOST]
    if not shown:
        return
    gap = (high - low) * _LINE / max(height - _AROUND, _LINE)
    places = spread([end.y for end in shown], gap, low, high)
    longest = 0
    for end, place in zip(shown, places, strict=True):
        text = end.text if len(end.text) <= _LONGEST else end.text[: _LONGEST - 1] + "…"
        longest = max(longest, len(text))
        figure.add_annotation(
            x=end.x,
            y=place,
            text=label(text),
            font={"color": end.colour, "size": 12},
            showarrow=False,
            xanchor="left",
            xshift=7,
        )
    figure.update_xaxes(domain=[0, 1 - min(0.4, 0.018 * longest + 0.03)])
