"""How much each class counts. Needs no torch, so pages can show the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import ConfigError


def class_weights(
    counts: Sequence[int], kind: str, custom: Sequence[float] = ()
) -> NDArray[np.float64]:
    """Weight of a mistake on each class; over all training examples they average 1, so that losses
    stay comparable.

    Args:
        counts: training examples of each class, all positive.
        kind: none, balanced (inverse to the count), sqrt (inverse to its root) or custom.
        custom: for custom, one number for each class.

    Raises:
        ConfigError: when the number of custom weights is not that of the classes, or all are zero.
    """
    sizes = np.asarray(counts, dtype=np.float64)
    if kind == "custom":
        if len(custom) != len(sizes):
            raise ConfigError(
                f"{len(custom)} class weights are given for {len(sizes)} classes.",
                "",
                "Give one number for each class, in their order.",
            )
        raw = np.asarray(custom, dtype=np.float64)
        if not raw.any():
            raise ConfigError(
                "All class weights are zero.", "Nothing could be learnt.", "Raise some of them."
            )
    else:
        raw = sizes ** {"none": 0.0, "balanced": -1.0, "sqrt": -0.5}[kind]
    weights: NDArray[np.float64] = raw * sizes.sum() / (raw * sizes).sum()
    return weights
