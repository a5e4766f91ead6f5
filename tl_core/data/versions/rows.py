"""What is remembered of each row while its content lies on disk: class, split, group and facts, as
arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.near_duplicates import Pairs, clusters
from tl_core.data.label_sets import LabelSets
from tl_core.errors import DataError

_LOOSE_CLUSTER = (
    10  # more look-alikes than this are a common layout, not copies, and may stand on both sides
)
_WIDE: dict[str, type[np.unsignedinteger[Any]]] = {
    "signature": np.uint32,
    "colours": np.uint8,
    "shape": np.uint8,
}
Facts = dict[str, NDArray[Any]]
"""An array for each fact, with one entry (or one row of numbers) per row."""


@dataclass
class RowFacts:
    """Arrays with one entry per row.

    `labels` are numbers of `sets` or -1; `given` the source's own split or ""; `named` a number
    for each named group or -1; `dates` seconds or NaN; `facts` what `text_facts` or the pictures
    gave; `pairs` near-duplicates.
    """

    modality: str
    sets: LabelSets
    labels: NDArray[np.int64]
    given: NDArray[np.str_]
    named: NDArray[np.int64]
    dates: NDArray[np.float64]
    facts: Facts
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return self.sets.classes

    def groups(self) -> NDArray[np.int64]:
        """Rows that must stay on one side of a split made here: named groups, exact copies, small
        sets of near-duplicates, and whatever chains of these connect.
        """
        count = len(self)
        links = [_to_first(self.facts["key"]), _to_first(self.named, self.named >= 0)]
        if len(self.pairs):
            own = clusters(count, self.pairs)
            small = np.bincount(own)[own] <= _LOOSE_CLUSTER
            links.append(self.pairs[small[self.pairs[:, 0]]])
        return clusters(count, np.concatenate(links))


def _to_first(values: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Pairs:
    """A link from each row to the first one with its value."""
    rows = np.arange(len(values)) if mask is None else np.flatnonzero(mask)
    _, first, back = np.unique(values[rows], return_index=True, return_inverse=True)
    start: NDArray[np.int64] = rows[first][back].astype(np.int64)
    apart = start != rows
    return np.stack([start[apart], rows[apart].astype(np.int64)], axis=1)


def write_facts(folder: Path, rows: RowFacts) -> None:
    """`facts.parquet` (one line per row) and `pairs.parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, NDArray[Any] | pa.Array] = {"named": rows.named, "date": rows.dates}
    for name, values in rows.facts.items():
        if values.ndim == 2:
            width = values.shape[1] * values.itemsize
            columns[name] = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(width), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
            )
        else:
            columns[name] = values
    pq.write_table(pa.table(columns), folder / "facts.parquet", compression="zstd")
    pq.write_table(
        pa.table({"a": rows.pairs[:, 0], "b": rows.pairs[:, 1]}), folder / "pairs.parquet"
    )


def read_facts(folder: Path) -> tuple[Facts, NDArray[np.int64]]:
    """The columns of `facts.parquet` as arrays, and the pairs.

    Raises:
        DataError: for a version that was made before facts were kept.
    """
    import pyarrow.parquet as pq

    if not (folder / "facts.parquet").is_file():
        raise DataError(
            "This version was made by an older release of this program.",
            "It holds no facts about its rows, so it cannot be compared or mended.",
            "Add the data again; runs on it stay as they are.",
        )
    table = pq.read_table(folder / "facts.parquet", memory_map=True)
    facts: Facts = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if name in _WIDE:
            raw = b"".join(column.to_pylist())
            facts[name] = np.frombuffer(raw, dtype=_WIDE[name]).reshape(len(column), -1)
        else:
            facts[name] = column.to_numpy(zero_copy_only=False)
    pairs = pq.read_table(folder / "pairs.parquet")
    return facts, np.stack([pairs.column(name).to_numpy() for name in ("a", "b")], axis=1).astype(
        np.int64
    )
