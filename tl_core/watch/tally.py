"""What was seen of served items, in sums: a few thousand numbers, however many items there were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.watch.training_sums import Reference, grouped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """Sums over served items; two of them add up to the tally of both.

    Args:
        items: how many.
        unsure: how many of them the model left to a person.
        classes: how often each class was the likeliest (classes,).
        confidence: items in each group of the reference (groups,).
        mapped: sum of the mapped items (2 * directions,).
    """

    items: int
    unsure: int
    classes: Ints
    confidence: Ints
    mapped: Floats

    @classmethod
    def empty(cls, reference: Reference) -> Tally:
        """Of no items."""
        return cls(
            0,
            0,
            np.zeros_like(reference.classes),
            np.zeros_like(reference.confidence),
            np.zeros_like(reference.mean),
        )

    @classmethod
    def of(
        cls, reference: Reference, likeliest: Ints, sure: Floats, features: Floats, least: float
    ) -> Tally:
        """Of items by their likeliest class, confidence and features; `least` is the confidence
        below which a person decides.
        """
        return cls(
            len(sure),
            int((sure < least).sum()),
            np.bincount(likeliest, minlength=len(reference.classes)),
            grouped(sure, reference.edges),
            reference.mean_map(features).sum(axis=0),
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.items + other.items,
            self.unsure + other.unsure,
            self.classes + other.classes,
            self.confidence + other.confidence,
            self.mapped + other.mapped,
        )

    def write(self, path: Path) -> None:
        """Written aside and renamed."""
        from safetensors.numpy import save_file

        temporary = path.with_suffix(".tmp")
        save_file(
            {
                "items": np.array([self.items, self.unsure]),
                "classes": self.classes,
                "confidence": self.confidence,
                "mapped": self.mapped,
            },
            temporary,
        )
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path, reference: Reference) -> Tally:
        """The tally in a file; an empty one where there is none, or one of another shape."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        empty = cls.empty(reference)
        try:
            kept = load_file(path)
        except (FileNotFoundError, SafetensorError):
            return empty
        read = cls(
            int(kept["items"][0]),
            int(kept["items"][1]),
            kept["classes"],
            kept["confidence"],
            kept["mapped"],
        )
        same = all(
            getattr(read, name).shape == getattr(empty, name).shape
            for name in ("classes", "confidence", "mapped")
        )
        return read if same else empty
