"""What differs between two versions of a dataset, row by row, whatever their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.modalities import items_of

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 50


class NamedItem(TypedDict):
    """An item, and what has become of it."""

    item: str
    what: str


class ItemList(TypedDict):
    """How many items there are, and the first of them."""

    count: int
    items: list[NamedItem]


class Difference(TypedDict):
    """What differs between two versions; `rows` are those of both, `same` those in both."""

    rows: list[int]
    same: int
    added: ItemList
    removed: ItemList
    relabelled: ItemList
    moved: ItemList


def compare_versions(old: DatasetVersion, new: DatasetVersion) -> Difference:
    """Counts and the first items `added`, `removed`, `relabelled` and `moved` (to another split).

    Items are matched by content: the same text (but for capitals and blanks) or the same bytes.
    Copies are matched one to one, those with the same class and split first, then those with the
    same class.

    Raises:
        DataError: for datasets of different modalities.
    """
    if old.info.modality != new.info.modality:
        first, last = sorted(items_of(one.info.modality) for one in (old, new))
        raise DataError(
            f"{first.capitalize()} and {last} cannot be compared.",
            "",
            "Name two versions of one dataset.",
        )
    left_old, left_new = _living(old), _living(new)
    same, left_old, left_new = _matched(left_old, left_new, ["key", "label", "split"])
    moved, left_old, left_new = _matched(left_old, left_new, ["key", "label"])
    changed, removed, added = _matched(left_old, left_new, ["key"])
    return {
        "rows": [old.info.rows, new.info.rows],
        "same": len(same),
        "added": _listed(new, added["row"], added["label"]),
        "removed": _listed(old, removed["row"], removed["label"]),
        "relabelled": _listed(
            new, changed["row_new"], changed["label_old"] + " → " + changed["label_new"]
        ),
        "moved": _listed(new, moved["row_new"], moved["split_old"] + " → " + moved["split_new"]),
    }


def _living(version: DatasetVersion) -> pd.DataFrame:
    import pandas as pd

    rows = np.flatnonzero(version.splits != "removed")
    return pd.DataFrame(
        {
            "row": rows,
            "key": version.facts()["key"][rows],
            "label": version.label_names(rows),
            "split": version.splits[rows].astype(object),
        }
    )


def _matched(
    old: pd.DataFrame, new: pd.DataFrame, by: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows that agree in `by`, one to one, and what is left of both sides."""
    old, new = (side.assign(copy=side.groupby(by).cumcount()) for side in (old, new))
    pairs = old.merge(new, on=[*by, "copy"], suffixes=("_old", "_new"))
    return pairs, old[~old["row"].isin(pairs["row_old"])], new[~new["row"].isin(pairs["row_new"])]


def _listed(version: DatasetVersion, rows: pd.Series[int], notes: pd.Series[str]) -> ItemList:
    first = np.asarray(rows[:_NAMED], dtype=np.int64)
    shown = version.titles(first)
    return {
        "count": len(rows),
        "items": [
            {"item": item[:200], "what": note}
            for item, note in zip(shown, notes[:_NAMED], strict=True)
        ],
    }
