"""Facts of sounds that should not tell their class: length, loudness, silence, how they were
recorded, file names.
"""

from __future__ import annotations

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.name_numbers import name_numbers

_GROUPS = {
    "length": ("seconds",),
    "loudness": ("loudness", "peak", "clipped"),
    "silence": ("silence",),
    "sample rate, channels and bandwidth": ("rate", "channels", "bandwidth"),
}


def sound_nuisances(version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
    """Groups of such facts (rows, numbers) by name."""
    known = version.facts()
    groups = {
        title: np.column_stack([known[name][rows] for name in names]).astype(np.float64)
        for title, names in _GROUPS.items()
    }
    return {**groups, "the numbers in file names": name_numbers(version, rows)}
