"""Rows that may be learnt from without a label: those of the training, and those that never had
one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.train.arrays import Ints


@dataclass(frozen=True)
class OpenRows:
    """Rows of a version: those of the training, those without a label, and how many of the latter
    are left out because they belong to a validation or test row.
    """

    train: Ints
    unlabelled: Ints
    left_out: int

    @property
    def all(self) -> Ints:
        """Both, in the order of the version."""
        return np.sort(np.concatenate([self.train, self.unlabelled]))


def open_rows(version: DatasetVersion) -> OpenRows:
    """The rows that learning without labels may read.

    Test and validation rows are not among them, although their labels would not be read: a score on
    items that the network has seen says less about items that it has not. For the same reason
    copies of such rows, and members of their groups, are left out.
    """
    held = version.groups[version.rows_of("validation", "test")]
    rows = version.rows_of("unlabelled")
    touching = np.isin(version.groups[rows], held)
    return OpenRows(version.rows_of("train"), rows[~touching], int(touching.sum()))


def need_unlabelled(rows: OpenRows, what: str) -> None:
    """Refuse data without a row that `what` (the start of a sentence) could learn from.

    Raises:
        DataError: when there is no row without a class.
    """
    if not len(rows.unlabelled):
        raise DataError(
            f"{what} learns from rows without a class, and this dataset has none.",
            "All of them were left out." if rows.left_out else "",
            "Add rows whose cell of the class is empty, or choose a probe.",
        )
