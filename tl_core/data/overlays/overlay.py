"""A version as somebody sees it who may or shall not see all of it: labels and splits are laid over
another version, which stays as it is.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.versions.rows import Facts
from tl_core.data.versions.store import DatasetVersion

if TYPE_CHECKING:
    import pyarrow as pa


class Overlay(DatasetVersion):
    """The version below with labels and splits of its own; overlays can be laid over each other.

    Args:
        below: what lies below.
        labels: of each row (rows,); None for those of the version below.
        splits: of each row (rows,); None for those of the version below.
    """

    def __init__(
        self,
        below: DatasetVersion,
        labels: NDArray[np.int64] | None = None,
        splits: NDArray[np.str_] | None = None,
    ) -> None:
        super().__init__(below.folder)
        self.info, self._below = below.info, below
        self._labels = below.labels if labels is None else labels
        self._splits = below.splits if splits is None else splits

    @property
    def labels(self) -> NDArray[np.int64]:
        return self._labels

    @property
    def splits(self) -> NDArray[np.str_]:
        return self._splits

    @cached_property
    def table(self) -> pa.Table:
        """The rows of the version below."""
        return self._below.table

    @property
    def groups(self) -> NDArray[np.int64]:
        return self._below.groups

    @property
    def folds(self) -> NDArray[np.int64]:
        return self._below.folds

    def facts(self) -> Facts:
        """Facts about each row of the version below."""
        return self._below.facts()
