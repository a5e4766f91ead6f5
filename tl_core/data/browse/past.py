"""What has become of one item from version to version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tl_core.data.browse.row_columns import keys_of
from tl_core.data.versions.store import DatasetVersion

_MOST = 50  # versions that are looked back through


@dataclass(frozen=True)
class Stage:
    """What an item was in a version: its class ("" without one) and its split, and what was done to
    the whole version.
    """

    reference: str
    label: str
    split: str
    change: str


def past_of(
    reference: str, row: int, opened: Callable[[str], DatasetVersion | None]
) -> list[Stage]:
    """The item in a version and in those it was made from, the newest first.

    A version that is made from another one keeps the numbers of its rows, so an item is followed by
    its number as long as name and content (or its repair) agree.

    Args:
        reference: the version, as name@number.
        row: number of the item.
        opened: gives the version of a reference; None where it has been deleted.
    """
    stages: list[Stage] = []
    version, known = opened(reference), None
    while version is not None and len(stages) < _MOST:
        same = known is None or _same_item(known, version, row)
        if not 0 <= row < len(version.labels) or not same:
            break
        stages.append(
            Stage(
                reference,
                version.label_names(np.array([row]))[0],
                str(version.splits[row]),
                version.info.change,
            )
        )
        known, reference = version, version.info.parent
        version = opened(reference) if reference else None
    return stages


def changes(stages: list[Stage]) -> list[tuple[str, str]]:
    """What was done to the item itself, as pairs of a version and a sentence, the newest first."""
    told: list[tuple[str, str]] = []
    for new, old in zip(stages, stages[1:], strict=False):
        if new.split == "removed" and old.split != "removed":
            told.append((new.reference, "left out"))
        elif new.label != old.label:
            told.append((new.reference, f"{old.label or 'no class'} → {new.label or 'no class'}"))
        elif new.split != old.split:
            told.append((new.reference, f"moved from {old.split} to {new.split}"))
    return told


def _same_item(newer: DatasetVersion, older: DatasetVersion, row: int) -> bool:
    """Whether row `row` is one item in both versions."""
    if row >= len(older.labels):
        return False
    place = np.array([row], dtype=np.int64)
    if newer.names(place) != older.names(place):
        return False
    if newer.info.preparation.get("repair") != older.info.preparation.get("repair"):
        return True
    keys = [keys_of(one) for one in (newer, older)]
    return keys[0] is not None and keys[1] is not None and bool(keys[0][row] == keys[1][row])
