"""What filters know of each row, read column by column: class, split, lengths, and what a run said.

No item is decoded for it; a column of 100,000 rows is read in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.label_sets import called
from tl_core.data.versions.store import DatasetVersion

MEASURES = {
    "words": "words",
    "chars": "characters",
    "side": "pixels of the shorter side",
    "pixels": "pixels",
    "milliseconds": "milliseconds",
}
_KEPT = ("words", "chars", "width", "height", "seconds")


@dataclass(frozen=True)
class RowColumns:
    """One entry per row.

    Args:
        labels: number of the label, -1 without.
        splits: such as train; `removed` for what is no longer part of the version.
        measures: lengths or sizes by a name of `MEASURES`, the usual one first.
        findings: ids of the findings that name rows.
    """

    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    measures: dict[str, NDArray[np.int64]]
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowAnswers:
    """What a run said of the rows: the number of a label, -1 where it was not asked, and how sure
    it was. `names` are what people call these numbers, beginning with those of the version.
    """

    said: NDArray[np.int64]
    confidence: NDArray[np.float64]
    names: Sequence[str] = ()

    @property
    def asked(self) -> NDArray[np.bool_]:
        """The rows that it was asked about."""
        return self.said >= 0


def read_columns(version: DatasetVersion) -> RowColumns:
    """The columns of a version; a version without facts has no measures."""
    return RowColumns(
        version.labels, version.splits, _measures(version.folder), _with_rows(version.folder)
    )


def _with_rows(folder: Path) -> tuple[str, ...]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder / "findings.parquet"
    if not path.is_file():
        return ()
    names = pq.read_table(path, columns=["finding"]).column("finding")
    return tuple(sorted(pc.unique(names).to_pylist()))


def _measures(folder: Path) -> dict[str, NDArray[np.int64]]:
    import pyarrow.parquet as pq

    path = folder / "facts.parquet"
    if not path.is_file():
        return {}
    present = set(pq.read_schema(path).names)
    table = pq.read_table(path, columns=[name for name in _KEPT if name in present])
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    if "seconds" in columns:
        columns["milliseconds"] = 1000 * columns.pop("seconds")
    facts: dict[str, NDArray[np.int64]] = {
        name: column.astype(np.int64) for name, column in columns.items()
    }
    if "width" in facts:
        width, height = facts.pop("width"), facts.pop("height")
        facts["side"], facts["pixels"] = np.minimum(width, height), width * height
    return {name: facts[name] for name in MEASURES if name in facts}


def keys_of(version: DatasetVersion) -> NDArray[np.uint64] | None:
    """The fingerprint of each row's content; None for a version without facts."""
    import pyarrow.parquet as pq

    path = version.folder / "facts.parquet"
    if not path.is_file():
        return None
    keys: NDArray[np.uint64] = pq.read_table(path, columns=["key"]).column("key").to_numpy()
    return keys


def read_answers(files: Sequence[Path], version: DatasetVersion) -> RowAnswers:
    """What stands in the lists of predictions of one run; lists that are not there say nothing."""
    rows, sets = len(version.labels), version.sets
    said, confidence = np.full(rows, -1, dtype=np.int64), np.full(rows, np.nan)
    places = {cell: place for place, cell in enumerate(sets.cells)}
    for path in files:
        if path.is_file():
            index, cells, sure = _listed(path, "labels" if sets.several else "label")
            inside = (index >= 0) & (index < rows)
            if sets.several:  # a model may name sets that no row has
                for cell in cells[inside]:
                    places.setdefault(cell, len(places))
            said[index[inside]] = [places.get(cell, -1) for cell in cells[inside]]
            confidence[index[inside]] = sure[inside]
    further = [called(cell) for cell in list(places)[len(sets.cells) :]]
    return RowAnswers(said, confidence, [*sets.names, *further])


def _listed(path: Path, column: str) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float64]]:
    """Row, label and confidence of each line; the other columns stay unread."""
    import pyarrow as pa
    from pyarrow import csv

    kinds = {"index": pa.int64(), column: pa.string(), "confidence": pa.float64()}
    table = csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            include_columns=list(kinds), column_types=kinds, strings_can_be_null=False
        ),
    )
    index, label, sure = (table.column(name).to_numpy() for name in kinds)
    return index, label, sure
