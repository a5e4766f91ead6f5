"""Maps that make the features of two domains alike, fitted without any label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tl_core.adapt.affine import AffineMap, Features, Floats

_FLAT = 1e-3  # of the mean spread: a column that varies less is centred and not stretched
_EXPLAINED = 0.95  # share of each domain's variance that a subspace keeps


@dataclass(frozen=True)
class Alignment:
    """Where a probe learns and where it is asked: one map for each domain, into the same space."""

    source: AffineMap
    target: AffineMap


def standardise(source: Features, target: Features) -> Alignment:
    """Each column of each domain with mean 0 and standard deviation 1 (AdaBN's idea on features, Li
    et al., 2017). It mends shifts and scales of single columns.
    """
    return Alignment(_to_unit(source), _to_unit(target))


def _to_unit(features: Features) -> AffineMap:
    values = np.asarray(features, dtype=np.float64)
    spread = values.std(axis=0)
    flat = spread <= _FLAT * spread.mean()
    return AffineMap(
        values.mean(axis=0), 1.0 / np.where(flat, 1.0, spread), np.zeros(values.shape[1])
    )


def coral(source: Features, target: Features) -> Alignment:
    """Correlation alignment (Sun, Feng and Saenko, AAAI 2016): the source is whitened and takes
    mean and covariance of the target, which stays as it is: its own head needs no map.

    Covariances are shrunk (Ledoit and Wolf, 2004), where the paper adds the identity.
    """
    width = source.shape[1]
    return Alignment(towards(source, moments(target)), AffineMap.identity(width))


Moments = tuple[Floats, Floats]  # mean (width,), shrunk covariance (width, width)


def moments(features: Features) -> Moments:
    """Mean and shrunk covariance of features (rows, width)."""
    from sklearn.covariance import ledoit_wolf

    values = np.asarray(features, dtype=np.float64)
    covariance: Floats = ledoit_wolf(values)[0]
    return values.mean(axis=0), covariance


def towards(features: Features, wanted: Moments) -> AffineMap:
    """The map after which features have the wanted mean and covariance."""
    mean, covariance = moments(features)
    matrix = _power(covariance, -0.5) @ _power(wanted[1], 0.5)
    return AffineMap(mean, matrix, wanted[0])


def _power(covariance: Floats, exponent: float) -> Floats:
    """A power of a symmetric matrix; directions without variance stay without."""
    values, vectors = np.linalg.eigh(covariance)
    there = values > max(float(values.max()), 0.0) * 1e-12
    powers = np.where(there, np.where(there, values, 1.0) ** exponent, 0.0)
    out: Floats = (vectors * powers) @ vectors.T
    return out


def subspace(source: Features, target: Features, dimensions: int = 0) -> Alignment:
    """Subspace alignment (Fernando et al., ICCV 2013): both domains on their own principal axes,
    the source's turned towards the target's.

    Args:
        source: (rows, width).
        target: (rows, width).
        dimensions: of the subspace; 0 takes as many as hold 95 % of the variance of both.
    """
    (mean_s, axes_s, kept_s), (mean_t, axes_t, kept_t) = _axes(source), _axes(target)
    most = min(len(axes_s), len(axes_t))
    count = min(dimensions or max(kept_s, kept_t), most)
    own, other = axes_s[:count].T, axes_t[:count].T
    nothing = np.zeros(count)
    return Alignment(
        AffineMap(mean_s, own @ (own.T @ other), nothing), AffineMap(mean_t, other, nothing)
    )


def _axes(features: Features) -> tuple[Floats, Floats, int]:
    """Mean (width,), principal axes (axes, width), and how many hold the wanted share."""
    values = np.asarray(features, dtype=np.float64)
    mean = values.mean(axis=0)
    _, lengths, axes = np.linalg.svd(values - mean, full_matrices=False)
    shares = np.cumsum(lengths**2) / max(float((lengths**2).sum()), 1e-300)
    wanted = int(np.searchsorted(shares, _EXPLAINED)) + 1
    there = lengths > 1e-10 * max(float(lengths[0]), 1e-300)
    there[0] = True  # of items that are all alike an axis as good as any other
    return mean, axes[there], wanted


ALIGNMENTS: dict[str, Callable[[Features, Features], Alignment]] = {
    "standardise": standardise,
    "coral": coral,
    "subspace": subspace,
}
