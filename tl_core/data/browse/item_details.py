"""What a version knows of one item: facts, other columns, findings, and items that are like it."""

from __future__ import annotations

import numpy as np

from tl_core.data.browse.row_columns import keys_of
from tl_core.data.versions.store import DatasetVersion

_OF_SOUNDS = ("seconds", "rate", "channels", "loudness", "silence", "bandwidth", "clipped")


def facts_of(version: DatasetVersion, row: int) -> dict[str, object]:
    """The facts about one row that a person can read: lengths, sizes, light."""
    import pyarrow.parquet as pq

    path = version.folder / "facts.parquet"
    if not path.is_file():
        return {}
    readable = ("words", "chars", "width", "height", "light", "contrast", "sharpness", *_OF_SOUNDS)
    present = set(pq.read_schema(path).names)
    table = pq.read_table(path, columns=[name for name in readable if name in present])
    return {name: table.column(name)[row].as_py() for name in table.column_names}


def extras_of(version: DatasetVersion, row: int, own: set[str]) -> dict[str, str]:
    """The cells of other columns that came along with one row; `own` are not such columns."""
    columns = [name for name in version.table.column_names if name not in own]
    return {
        name: str(value)
        for name in columns
        if (value := version.table.column(name)[row].as_py()) not in (None, "")
    }


def findings_of(version: DatasetVersion, row: int) -> list[str]:
    """The findings that name one row, by their ids."""
    import pyarrow.parquet as pq

    path = version.folder / "findings.parquet"
    if not path.is_file():
        return []
    table = pq.read_table(path, filters=[("row", "=", row)])
    return sorted(set(table.column("finding").to_pylist()))


def alike(version: DatasetVersion, row: int) -> list[int]:
    """Rows that are copies of one row, then those that hardly differ from it, as the import found
    them; those that were left out are not among them.
    """
    import pyarrow.parquet as pq

    keys = keys_of(version)
    if keys is None:
        return []
    pairs = pq.read_table(version.folder / "pairs.parquet")
    a, b = (pairs.column(name).to_numpy().astype(np.int64) for name in ("a", "b"))
    near = np.concatenate([b[a == row], a[b == row]])
    copies = np.flatnonzero(keys == keys[row])
    found = dict.fromkeys([*copies.tolist(), *np.sort(near).tolist()])
    found.pop(row, None)
    splits = version.splits
    return [other for other in found if splits[other] != "removed"]
