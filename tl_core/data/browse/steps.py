"""What a version changed of the one before it, counted row by row where rows keep their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.data.browse.row_columns import keys_of
from tl_core.data.versions.store import DatasetVersion


@dataclass(frozen=True)
class Step:
    """How many rows came, were left out, got another class, or moved to another split."""

    added: int
    removed: int
    relabelled: int
    moved: int


def step_between(old: DatasetVersion, new: DatasetVersion) -> Step | None:
    """What differs, by row numbers; None for versions whose rows do not go on from each other.

    It reads a few columns, so it answers at once where a comparison of contents
    (`compare_versions`) would take its time. Both count the same.
    """
    shared = min(len(old.labels), len(new.labels))
    if not _goes_on(old, new, shared):
        return None
    alive = [one.splits[:shared] != "removed" for one in (old, new)]
    both = alive[0] & alive[1]
    labels = [
        np.array([*one.sets.names, ""], dtype=object)[one.labels[:shared]] for one in (old, new)
    ]
    other_class = both & (labels[0] != labels[1])
    other_split = both & ~other_class & (old.splits[:shared] != new.splits[:shared])
    return Step(
        int((alive[1] & ~alive[0]).sum()) + int((new.splits[shared:] != "removed").sum()),
        int((alive[0] & ~alive[1]).sum()) + int((old.splits[shared:] != "removed").sum()),
        int(other_class.sum()),
        int(other_split.sum()),
    )


def _goes_on(old: DatasetVersion, new: DatasetVersion, shared: int) -> bool:
    """Whether the first rows of both are the same items: by their names, and by their contents
    unless these were repaired in between.
    """
    names = [one.table.column("name").slice(0, shared) for one in (old, new)]
    if not names[0].equals(names[1]):
        return False
    if old.info.preparation.get("repair") != new.info.preparation.get("repair"):
        return True
    keys = [keys_of(one) for one in (old, new)]
    return (
        keys[0] is not None
        and keys[1] is not None
        and bool((keys[0][:shared] == keys[1][:shared]).all())
    )
