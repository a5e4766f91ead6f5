"""Facts of texts that should not tell their class: length, signs, script."""

from __future__ import annotations

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.train.arrays import Floats, Ints

_SIGNS = ".,!?:;-\"'()"


def _signs(text: str) -> list[float]:
    size = max(len(text), 1)
    return [
        *(float(text.count(sign)) for sign in _SIGNS),
        sum(map(str.isupper, text)) / size,
        sum(map(str.isdigit, text)) / size,
        float(text.count("\n")),
    ]


def text_nuisances(version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
    """Groups of such facts (rows, numbers) by name."""
    known = {name: values[rows] for name, values in version.facts().items()}
    texts = version.texts(rows)
    return {
        "length": np.column_stack([known["chars"], known["words"]]).astype(np.float64),
        "punctuation, capitals and digits": np.array([_signs(text) for text in texts]),
        "script": known["script"][:, None].astype(np.float64),
    }
