"""Two versions as one: the rows of the first keep their numbers, those of the second come after
them, without their labels.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.near_duplicates import clusters
from tl_core.data.item_kind import kind_of
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.versions.rows import Facts
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class JoinedVersion(Overlay):
    """A version with the items of another one behind its own, for a training that reads both.

    Args:
        first: whose classes, groups and folds count.
        second: holds items of the same modality.
        labels: of the second's rows (rows,), numbers of the first's label sets, -1 for none.
        splits: of the second's rows (rows,).
        left_out: how many of them do not judge since they are copies of what is learnt from.

    Raises:
        DataError: when the two hold different kinds of items.
    """

    def __init__(
        self,
        first: DatasetVersion,
        second: DatasetVersion,
        labels: NDArray[np.int64],
        splits: NDArray[np.str_],
        left_out: int = 0,
    ) -> None:
        if first.info.modality != second.info.modality:
            raise DataError(
                f"One dataset holds {first.info.modality}, the other {second.info.modality}.",
                "A model reads items of one kind.",
                "Choose another target.",
            )
        super().__init__(
            first,
            np.concatenate([np.asarray(first.labels, dtype=np.int64), labels]),
            np.concatenate([np.asarray(first.splits, dtype="<U11"), splits]),
        )
        self._second, self.left_out = second, left_out
        self.info = replace(first.info, inputs_fingerprint=_both(first, second))

    @cached_property
    def table(self) -> pa.Table:
        """The rows of both; columns that only the first has are empty in the second's rows."""
        import pyarrow as pa

        own = [kind_of(self.info.modality).stored.name, "name"]
        return pa.concat_tables(
            [self._below.table, self._second.table.select(own)], promote_options="default"
        )

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """Equal numbers for exact copies (rows,)."""
        return np.concatenate([one.facts()["key"] for one in (self._below, self._second)])

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Those of both; an item of the first and exact copies of it in the second are of one."""
        first, second = self._below.groups, self._second.groups
        own = np.concatenate([first, second + first.max(initial=-1) + 1])
        rows = np.arange(len(own))
        links = [
            np.stack([rows[start][back], rows], axis=1)
            for start, back in (
                np.unique(values, return_index=True, return_inverse=True)[1:]
                for values in (own, self.keys)
            )
        ]
        return clusters(len(own), np.concatenate(links))

    @property
    def folds(self) -> NDArray[np.int64]:
        """The second's rows are in no plan."""
        none = np.full(len(self._second.labels), -1, dtype=np.int64)
        return np.concatenate([self._below.folds, none])

    def facts(self) -> Facts:
        """Facts that both know of their rows."""
        first, second = self._below.facts(), self._second.facts()
        return {
            name: np.concatenate([values, second[name]])
            for name, values in first.items()
            if name in second
        }


def _both(first: DatasetVersion, second: DatasetVersion) -> str:
    """A fingerprint of the inputs of both, as long as that of one."""
    one, other = first.info.inputs_fingerprint, second.info.inputs_fingerprint
    return hashlib.sha256(f"{one}/{other}".encode()).hexdigest()[: len(one)]
