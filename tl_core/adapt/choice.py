"""Choosing between models of a target that has no labels. Both scores can be wrong: a model that is
sure and consistent is not always right.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from tl_core.adapt.affine import Floats

_TEMPERATURE = 0.05  # of the paper
_MOST = 2000  # rows between which likeness is computed
WARNING = (
    "Chosen without labels of the target, by how sure and consistent the answers are; this may"
    " choose wrongly. A few labelled items of the target would tell."
)


def soft_neighbourhood_density(probabilities: Floats, seed: int = 0) -> float:
    """Soft neighbourhood density (Saito et al., ICCV 2021): the mean entropy of each row's likeness
    to the others; higher is better.

    Args:
        probabilities: (rows, classes) of target rows.
        seed: of the rows that are drawn where there are over 2,000.
    """
    rows = probabilities
    if len(rows) > _MOST:
        rows = rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:_MOST])]
    if len(rows) < 2:
        return 0.0
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    likeness = unit @ unit.T / _TEMPERATURE
    others = likeness[~np.eye(len(rows), dtype=bool)].reshape(len(rows), -1)
    logs = log_softmax(others, axis=1)
    return float(-(np.exp(logs) * logs).sum(axis=1).mean())


def prediction_entropy(probabilities: Floats) -> float:
    """Mean entropy of the answers, in nats; lower is better."""
    shares = np.clip(probabilities, 1e-12, 1.0)
    return float(-(probabilities * np.log(shares)).sum(axis=1).mean())
