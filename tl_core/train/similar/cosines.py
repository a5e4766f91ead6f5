"""Cosines of many feature vectors with one, a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_core.train.arrays import Features, Floats, Ints

_AT_ONCE = 4096  # rows in memory as float64
_LEAST = 1e-12  # length below which a vector has no direction


def cosines(features: Features, wanted: Features) -> Floats:
    """The cosine of each row of `features` (rows, width) with the vector `wanted` (width,).

    Computed in float64 whatever the features are, so that it does not depend on how the rows are
    cut; `features` may be a memory map, of which a part is read at a time. A vector of zeros is
    like nothing: 0.
    """
    direction = np.asarray(wanted, dtype=np.float64)
    direction = direction / max(float(np.linalg.norm(direction)), _LEAST)
    found = np.zeros(len(features))
    for start in range(0, len(features), _AT_ONCE):
        part = np.asarray(features[start : start + _AT_ONCE], dtype=np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", part, part))
        found[start : start + len(part)] = (part @ direction) / np.maximum(lengths, _LEAST)
    return found


def most_alike(
    parts: Sequence[tuple[Ints, Features]], wanted: Features, most: int
) -> tuple[Ints, Floats]:
    """The rows that are most like a vector and their cosines, the highest first, at most `most`.

    Args:
        parts: row numbers (rows,) and features (rows, width) of each part of a dataset.
        wanted: the vector (width,).
        most: how many are given at most; equal cosines are in the order of their rows.
    """
    rows = np.concatenate([some for some, _ in parts])
    alike = np.concatenate([cosines(features, wanted) for _, features in parts])
    order = np.lexsort((rows, -alike))[:most]
    return rows[order], alike[order]
