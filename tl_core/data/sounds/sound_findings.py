"""Checks of single recordings: those that hold little, that are damaged, or that differ from the
rest in what should not matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.item_findings import finding, some
from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding
from tl_core.data.sounds.decoding import RATE

_SILENT, _FAINT = -60.0, -45.0  # dBFS of the whole recording
_MOSTLY = 0.9  # of a recording
_CLIPPED = 0.005  # of its samples; an ordinary one has hardly any
_SHORT = 0.1  # seconds
_TELLING = 0.15  # more recordings right by the rate alone than by the commonest class


def sound_findings(view: View) -> list[Finding]:
    """Silence, clipping, odd lengths, and files that hold fewer tones than the others."""
    facts = view.rows.facts
    silent = facts["loudness"] < _SILENT
    return [
        *finding(
            "silent",
            "warning",
            some(view, silent),
            "recordings are silent.",
            "A microphone that was off sounds like this.",
            "Leave them out",
        ),
        *finding(
            "faint",
            "info",
            some(view, (facts["loudness"] < _FAINT) & ~silent),
            "recordings are very faint.",
            "Keep them if such recordings will also come later.",
            "Leave them out",
        ),
        *finding(
            "mostly_silent",
            "info",
            some(view, (facts["silence"] > _MOSTLY) & ~silent),
            "recordings are silent for more than nine tenths of their time.",
            "Cut off the silence: a model may hear only a part of a long recording.",
        ),
        *finding(
            "clipped",
            "info",
            some(view, facts["clipped"] > _CLIPPED),
            "recordings are clipped: what was louder than the microphone takes is cut off.",
            "Keep them if such recordings will also come later.",
            "Leave them out",
        ),
        *finding(
            "too_short",
            "warning",
            some(view, facts["seconds"] < _SHORT),
            f"recordings are shorter than {_SHORT} seconds.",
            "There is hardly anything in them to learn from.",
            "Leave them out",
        ),
        *_lengths(view),
        *_rates(view),
    ]


def _lengths(view: View) -> list[Finding]:
    """Lengths outside three interquartile ranges, on a scale of ratios."""
    logs = np.log(np.maximum(view.rows.facts["seconds"], 1e-3))
    if not view.looked.any():
        return []
    low, high = np.percentile(logs[view.looked], (25, 75))
    margin = 3 * max(high - low, np.log(1.1))
    return finding(
        "odd_length",
        "info",
        some(view, (logs < low - margin) | (logs > high + margin)),
        "recordings are far shorter or longer than the others.",
        "Listen to them: several sounds in one recording have one class here.",
    )


def _rates(view: View) -> list[Finding]:
    """Several sample rates, where one lacks tones that the others have; a warning where the rate
    alone tells the class.
    """
    rates, labels = view.rows.facts["rate"], view.rows.labels
    alive = view.alive
    if not alive.any():
        return []
    fewer = alive & (rates < RATE)
    if not fewer.any() or not (alive & ~fewer).any():
        return []
    if (
        _right_by(rates[alive], labels[alive])
        - _right_by(np.zeros(int(alive.sum()), dtype=np.int32), labels[alive])
        > _TELLING
    ):
        return finding(
            "telling_rate",
            "warning",
            np.flatnonzero(fewer),
            f"recordings have fewer than {RATE:,} samples a second, so they lack high tones; that"
            " alone tells many classes.",
            "A model may learn the microphone instead of the sound: bring recordings of each class"
            " from the same devices.",
        )
    return finding(
        "narrow",
        "info",
        np.flatnonzero(fewer),
        f"recordings have fewer than {RATE:,} samples a second, so they lack high tones that the"
        " others have.",
        "Fine if they are spread over all classes.",
    )


def _right_by(known: NDArray[np.int32], labels: NDArray[np.int64]) -> float:
    """The share of rows whose class is the commonest of those with the same known value."""
    width = int(labels.max()) + 1
    codes, counts = np.unique(
        np.unique(known, return_inverse=True)[1] * width + labels, return_counts=True
    )
    best = np.zeros(int(codes.max()) // width + 1, dtype=np.int64)
    np.maximum.at(best, codes // width, counts)
    return float(best.sum() / len(labels))
