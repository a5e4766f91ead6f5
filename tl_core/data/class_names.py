"""Class names: how many there may be, and cells that hold several at once."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tl_core.data.limits import LIMITS
from tl_core.data.rows import RowFacts
from tl_core.errors import DataError


def check_classes(rows: RowFacts) -> None:
    """Refuse what no classifier can learn.

    Raises:
        DataError: fewer than two classes, over 500, or several classes in one cell.
    """
    numbers = np.bincount(rows.labels[rows.labels >= 0], minlength=len(rows.classes))
    check_counts(Counter(dict(zip(rows.classes, numbers.tolist(), strict=True))))


def check_counts(counts: Counter[str]) -> None:
    """The same for classes by name with their number of rows."""
    names = [name for name in counts if name]
    if _looks_multi_label(counts):
        raise DataError("Rows seem to have several classes at once.",
                        "Cells like " + " and ".join(repr(n) for n in sorted(names, key=len)[-2:]) +
                        " list more than one.", "Keep one class for each row; several are not supported yet.")
    if len(names) < 2:
        raise DataError(f"There is only one class: {names[0]!r}." if names else "No row has a class.",
                        "A classifier needs at least two to tell apart.",
                        "Check the class folders or the label column.")
    if len(names) > LIMITS.classes:
        raise DataError(f"There are {len(names):,} different classes.",
                        f"Up to {LIMITS.classes} are supported; more usually means a number or an id, not a class.",
                        "Choose another column, or group the values first.")


def _looks_multi_label(counts: Counter[str]) -> bool:
    """A JSON list in the cell, or joined names whose parts are classes by themselves."""
    if any(name.startswith("[") and name.endswith("]") for name in counts):
        return True
    for separator in (";", "|", ","):
        joined = [name for name in counts if separator in name]
        parts = [part.strip() for name in joined for part in name.split(separator)]
        if len(joined) >= 2 and sum(part in counts for part in parts) >= 0.8 * len(parts):
            return True
    return False
