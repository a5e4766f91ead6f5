"""What a bundle says of the items that its model was made with: counts, means and covariances over
all of them, never a single one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import DataError, StateError
from tl_core.json_files import read_object
from tl_core.watch.mean_map import MeanMap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDER = "training_statistics"
LEAST, MOST = 20, 1000
"""Held-out rows below which nothing is said, and beyond which no more are read."""
_BINS = 10
_FACTS, _ARRAYS = "facts.json", "arrays.safetensors"


@dataclass(frozen=True)
class Reference:
    """How a model answers rows of its dataset that it has not learnt from.

    Args:
        labels: the classes, in the order of the probabilities.
        rows: how many items it was made of.
        source: which splits these came from, in words.
        classes: how often each class was the likeliest (classes,).
        edges: of confidence, between groups of about equal size (groups - 1,).
        confidence: items in each group (groups,).
        mean_map: of what the classifier reads.
        mean: of the mapped items.
        covariance: of the mapped items.
    """

    labels: list[str]
    rows: int
    source: str
    classes: Ints
    edges: Floats
    confidence: Ints
    mean_map: MeanMap
    mean: Floats
    covariance: Floats

    @classmethod
    def made(
        cls, labels: list[str], source: str, likeliest: Ints, sure: Floats, features: Floats
    ) -> Reference:
        """From the likeliest class (items,), the confidence (items,) and the features
        (items, width) of held-out items.

        Raises:
            DataError: when there are too few of them.
        """
        if len(sure) < LEAST:
            raise DataError(
                f"{len(sure)} held-out items are too few to compare later ones with.",
                f"At least {LEAST} are needed.",
            )
        edges = np.unique(np.quantile(sure, np.linspace(0, 1, _BINS + 1)[1:-1]))
        mean_map = MeanMap.fitted(features)
        mapped = mean_map(features)
        return cls(
            labels,
            len(sure),
            source,
            np.bincount(likeliest, minlength=len(labels)),
            edges,
            grouped(sure, edges),
            mean_map,
            mapped.mean(axis=0),
            np.cov(mapped, rowvar=False),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of classes, and width of the features."""
        return len(self.classes), len(self.mean_map.centre)

    def write(self, bundle: Path) -> None:
        """Into the folder of a bundle, or of what is kept of a served model."""
        from safetensors.numpy import save_file

        folder = bundle / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            "classes": self.classes,
            "edges": self.edges,
            "confidence": self.confidence,
            "centre": self.mean_map.centre,
            "scale": self.mean_map.scale,
            "directions": self.mean_map.directions,
            "mean": self.mean,
            "covariance": self.covariance,
        }
        save_file(
            {name: np.ascontiguousarray(value) for name, value in arrays.items()},
            folder / _ARRAYS,
        )
        facts = {"labels": self.labels, "rows": self.rows, "source": self.source}
        (folder / _FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, bundle: Path) -> Reference | None:
        """What a bundle says; None where it says nothing.

        Raises:
            StateError: when what it says is damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = bundle / FOLDER
        if not (folder / _FACTS).is_file():
            return None
        facts = read_object(folder / _FACTS)
        try:
            arrays = load_file(folder / _ARRAYS)
            mean_map = MeanMap(arrays["centre"], arrays["scale"], arrays["directions"])
            names = facts["labels"]
            return cls(
                [str(name) for name in names] if isinstance(names, list) else [],
                int(str(facts["rows"])),
                str(facts["source"]),
                arrays["classes"],
                arrays["edges"],
                arrays["confidence"],
                mean_map,
                arrays["mean"],
                arrays["covariance"],
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise StateError(
                f"What {bundle.name!r} says of its training data is damaged.",
                f"{FOLDER} cannot be read: {error}.",
                "Export the bundle again.",
            ) from error


def grouped(sure: Floats, edges: Floats) -> Ints:
    """How many confidences fall into each group (groups,)."""
    places = np.searchsorted(edges, sure, side="right")
    return np.bincount(places, minlength=len(edges) + 1)
