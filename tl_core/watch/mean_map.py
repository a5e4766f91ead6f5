"""Maximum mean discrepancy by means alone: random Fourier features turn a kernel's mean into a
short vector, so that no item has to be kept to compare two populations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIRECTIONS = 64
_SAMPLE = 500  # rows whose distances give the kernel's width
_FLAT = 1e-3  # of the median spread: a column that hardly varies is not blown up
_DRAWS = 10_000


@dataclass(frozen=True)
class MeanMap:
    """A map z of features with z(x) z(y) near exp(-|x - y|^2 / 2), for features that are centred,
    scaled and divided by the kernel's width (Rahimi and Recht, NeurIPS 2007).

    Args:
        centre: (width,)
        scale: (width,)
        directions: (width, directions), drawn from a normal distribution and divided by the
            kernel's width.
    """

    centre: Floats
    scale: Floats
    directions: Floats

    @classmethod
    def fitted(cls, features: Floats, seed: int = 0) -> MeanMap:
        """The map for features (items, width), at least two of which differ; the kernel is as wide
        as the median distance of its items (Gretton et al., JMLR 2012).
        """
        random = np.random.default_rng(seed)
        spread = features.std(axis=0)
        least = _FLAT * (float(np.median(spread)) or float(spread.max()) or 1.0)
        centre, scale = features.mean(axis=0), np.maximum(spread, least)
        scaled = (features - centre) / scale
        chosen = scaled[random.permutation(len(scaled))[:_SAMPLE]]
        norms = (chosen**2).sum(axis=1)
        squares = norms[:, None] + norms[None] - 2 * chosen @ chosen.T
        apart = squares[np.triu_indices(len(chosen), 1)]
        width = float(np.sqrt(max(float(np.median(apart)), 1e-12)))
        return cls(centre, scale, random.normal(size=(features.shape[1], DIRECTIONS)) / width)

    def __call__(self, features: Floats) -> Floats:
        """The mapped items (items, 2 * directions)."""
        turned = ((features - self.centre) / self.scale) @ self.directions
        both = np.concatenate([np.cos(turned), np.sin(turned)], axis=1)
        mapped: Floats = both / np.sqrt(self.directions.shape[1])
        return mapped


def discrepancy(first: Floats, second: Floats) -> float:
    """The squared maximum mean discrepancy of two populations with these mean maps."""
    return float(((first - second) ** 2).sum())


def by_chance(covariance: Floats, expected: int, items: int, level: float, seed: int = 0) -> float:
    """The discrepancy that two samples of one population exceed with probability `level`.

    The difference of two means is normal with covariance times (1/expected + 1/items), so its
    squared length is a sum of chi-squared variables, one for each eigenvalue; it is drawn.

    Args:
        covariance: of the mapped items (2 * directions, 2 * directions).
        expected: items of the one sample.
        items: those of the other.
        level: the false-alarm rate.
        seed: of the draws.
    """
    weights = np.clip(np.linalg.eigvalsh(covariance), 0.0, None) * (1 / expected + 1 / items)
    weights = weights[weights > 1e-6 * weights.max()] if weights.max() > 0 else weights[:1]
    draws = np.random.default_rng(seed).standard_normal((_DRAWS, len(weights))) ** 2 @ weights
    return float(np.quantile(draws, 1 - level))
