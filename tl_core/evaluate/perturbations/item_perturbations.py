"""Worse versions of items, as they may come in use: three severities each, the same every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import numpy as np

from tl_core.modalities import modality_of

SEVERITIES = (1, 2, 3)
Random = np.random.Generator
Item = TypeVar("Item")
Perturbation = Callable[
    [Item, int, Random], Item
]  # item, severity from 0 on, where draws come from


class ItemPerturbations(Protocol):
    """What the evaluation asks of a modality: how its items get worse, as the model reads them."""

    @property
    def kinds(self) -> list[str]:
        """Names of the ways, as shown; each draws by its place, so that new ones come last."""
        ...

    def worsen(self, item: Item, kind: str, severity: int, number: int) -> Item:
        """One item made worse.

        Args:
            item: one of the modality.
            kind: a name of `kinds`.
            severity: 1 to 3.
            number: of the item; with kind and severity it fixes every draw.
        """
        ...


@dataclass(frozen=True)
class Perturbations(Generic[Item]):
    """Perturbations by name, each a function of its own."""

    by_kind: Mapping[str, Perturbation[Item]]

    @property
    def kinds(self) -> list[str]:
        """As in `ItemPerturbations`."""
        return list(self.by_kind)

    def worsen(self, item: Item, kind: str, severity: int, number: int) -> Item:
        """As in `ItemPerturbations`."""
        random = np.random.default_rng([self.kinds.index(kind), severity, number])
        return self.by_kind[kind](item, severity - 1, random)


def perturbations_of(modality: str) -> ItemPerturbations:
    """How items of a modality get worse."""
    return cast(ItemPerturbations, modality_of(modality).part("evaluate"))
