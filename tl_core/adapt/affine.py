"""Affine maps of features, which a linear head takes in exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Features = NDArray[np.float32]  # (rows, width)


@dataclass(frozen=True)
class AffineMap:
    """x -> (x - shift) @ matrix + offset.

    Args:
        shift: (width,).
        matrix: (width, new width), or (width,) for a diagonal one.
        offset: (new width,).
    """

    shift: Floats
    matrix: Floats
    offset: Floats

    @classmethod
    def identity(cls, width: int) -> Self:
        """Leaves features as they are."""
        return cls(np.zeros(width), np.ones(width), np.zeros(width))

    def __call__(self, features: Features) -> Features:
        """The mapped features (rows, new width)."""
        centred = np.asarray(features, dtype=np.float64) - self.shift
        moved = centred * self.matrix if self.matrix.ndim == 1 else centred @ self.matrix
        return (moved + self.offset).astype(np.float32)

    def fold(self, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The head on raw features that says what this head says on mapped ones.

        Args:
            weight: (classes, new width).
            bias: (classes,).

        Returns:
            Weight (classes, width) and bias (classes,).
        """
        raw = weight * self.matrix if self.matrix.ndim == 1 else weight @ self.matrix.T
        return raw, bias + weight @ self.offset - raw @ self.shift
