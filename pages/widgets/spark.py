"""Small lines without axes, beside a number: an image with words for those who cannot see it.

Streamlit's own (`st.metric(chart_data=)`) has marks without a name: screen readers stumble there.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.widgets import charts

_WIDE, _HIGH, _EDGE = 240, 40, 3  # of the drawing, in its own units
_MOST = 60  # points


def svg(values: Sequence[float]) -> str:
    """The line from the lowest to the highest of `values`; a level one stands in the middle."""
    points = [values[round(n)] for n in _spread(len(values))]
    low, high = min(points), max(points)
    across = (_WIDE - 2 * _EDGE) / (len(points) - 1)
    scale = (_HIGH - 2 * _EDGE) / (high - low) if high > low else 0.0
    bottom = _HIGH - _EDGE if scale else _HIGH / 2
    places = " ".join(
        f"{_EDGE + n * across:.1f},{bottom - scale * (value - low):.1f}"
        for n, value in enumerate(points)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}"'
        f' height="{_HIGH}" preserveAspectRatio="none"><polyline points="{places}" fill="none"'
        f' stroke="{charts.ACCENT}" stroke-width="2" stroke-linejoin="round"/></svg>'
    )


def line(values: Sequence[float], unit: str = "") -> None:
    """Draw it where there are two values at least."""
    if len(values) > 1:
        said = (
            f"From {values[0]:.3g}{unit} to {values[-1]:.3g}{unit}, highest {max(values):.3g}{unit}"
        )
        st.image(svg(values), width="stretch", alt=said)


def tile(label: str, value: str, values: Sequence[float], text: str | None, unit: str = "") -> None:
    """A number in a frame with its line below."""
    with st.container(border=True, height="stretch", gap=None):
        st.metric(label, value, help=text)
        line(values, unit)


def _spread(count: int) -> list[float]:
    """Places of at most `_MOST` of `count` values, the first and the last among them."""
    shown = min(count, _MOST)
    return [n * (count - 1) / (shown - 1) for n in range(shown)]
