"""What a surgery did, as plain values for reports and pages; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class Reinitialised(TypedDict):
    """A layer that does not hold the weights of its file: their shapes before and now, or `random`
    in the place of `pretrained` for whole blocks.
    """

    name: str
    old: list[int] | str | None
    new: list[int] | str | None


@dataclass(frozen=True)
class GroupReport:
    """One layer group: how many weights it has, how many move, how fast, and how many of those
    decay.
    """

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
    groups: list[dict[str, object]]
    reinitialised: list[Reinitialised]
    missing: list[str]
    unexpected: list[str]
    notes: list[str]
