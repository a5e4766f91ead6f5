"""What a surgery did, as plain values for reports and pages; needs no torch."""

from __future__ import annotations

from typing import TypedDict


class Reinitialised(TypedDict):
    """A layer that does not hold the weights of its file: their shapes before and now, or `random`
    in the place of `pretrained` for whole blocks.
    """

    name: str
    old: list[int] | str | None
    new: list[int] | str | None


class LayerGroupFacts(TypedDict):
    """Layers that lie equally deep: their weights, how many train, how fast, how many decay."""

    name: str
    depth: int
    pattern: str
    parameters: int
    trainable: int
    lr_scale: float
    decayed: int


class SurgeryFacts(TypedDict):
    """A surgery as reports and pages have it."""

    trainable: int
    total: int
    groups: list[LayerGroupFacts]
    reinitialised: list[Reinitialised]
    missing: list[str]
    unexpected: list[str]
    notes: list[str]
