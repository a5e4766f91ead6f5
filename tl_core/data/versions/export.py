"""A version as files that any other tool reads: a zip of class folders, CSV, or Parquet."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.item_kind import kind_of
from tl_core.data.sources.names import part_of, split_of
from tl_core.data.versions.items import with_features
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, nearest
from tl_core.modalities import items_of

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = {"folders": ".zip", "csv": ".csv", "parquet": ".parquet"}
_LONGEST = 80  # signs of a name in a path
_DEVICE = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE
)  # to Windows, no file


def formats_of(modality: str) -> list[str]:
    """What a dataset of `modality` can be written as."""
    return list(kind_of(modality).formats)


def take_out(
    version: DatasetVersion,
    target: Path,
    kind: str,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write all rows but the removed ones to `target`, streaming; gives how many.

    `folders` is a zip of `split/class/picture` with a `metadata.csv`, as Hugging Face's
    `imagefolder` and this program read it back. `csv` and `parquet` have the columns text (or
    image), label, split and the extra ones.

    Raises:
        DataError: for a format that this kind of data cannot have.
    """
    known = formats_of(version.info.modality)
    if kind not in known:
        raise DataError(
            f"A dataset of {items_of(version.info.modality)} cannot be written as {kind!r}.",
            "",
            nearest(kind, known),
        )
    rows = np.flatnonzero(version.splits != "removed")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".part")
    batches = _batches(version, rows, progress)
    {"folders": _write_folders, "csv": _write_csv, "parquet": _write_parquet}[kind](
        temporary, batches, version
    )
    temporary.replace(target)
    return len(rows)


def _batches(
    version: DatasetVersion,
    rows: NDArray[np.int64],
    progress: Callable[[int, int], None] | None,
) -> Iterator[pa.Table]:
    """Tables of stored columns with label and split added."""
    import pyarrow as pa

    cells = np.array([*version.sets.cells, ""], dtype=object)
    size = kind_of(version.info.modality).stored.at_once
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        table = version.table.take(part)
        table = table.select(
            [name for name in table.column_names if name not in ("label", "split")]
        )
        columns = {
            "label": list(cells[version.labels[part]]),
            "split": version.splits[part].tolist(),
        }
        yield pa.table(
            {
                **{name: table.column(name) for name in table.column_names},
                **{name: pa.array(values, pa.string()) for name, values in columns.items()},
            }
        )
        if progress:
            progress(min(start + size, len(rows)), len(rows))


def _ordered(table: pa.Table, item: str) -> pa.Table:
    """The column `item` first, then class and split, then the extra ones; our own row names stay
    here.
    """
    first = [name for name in (item, "label", "split") if name in table.column_names]
    return table.select(
        first + [name for name in table.column_names if name not in (*first, "name")]
    )


def _write_csv(path: Path, batches: Iterator[pa.Table], version: DatasetVersion) -> None:
    item = kind_of(version.info.modality).stored.name
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        for number, table in enumerate(batches):
            table = _ordered(table, item)
            if not number:
                writer.writerow(table.column_names)
            writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _write_parquet(path: Path, batches: Iterator[pa.Table], version: DatasetVersion) -> None:
    import pyarrow.parquet as pq

    stored = kind_of(version.info.modality).stored
    decoded = {key: value for key, value in stored.feature.items() if key != "decode"}
    writer: pq.ParquetWriter | None = None
    try:
        for table in batches:
            table = _ordered(table, stored.name)
            if writer is None:
                schema = with_features(table.schema, {stored.name: decoded})
                writer = pq.ParquetWriter(path, schema)
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer:
            writer.close()


def _write_folders(path: Path, batches: Iterator[pa.Table], version: DatasetVersion) -> None:
    item = kind_of(version.info.modality).stored.name
    used: set[str] = set()
    folders = class_folders(version.info.labels)
    listing = io.StringIO()
    writer = csv.writer(listing)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for table in batches:
            plain = _ordered(table, item).drop_columns([item])
            if not used:
                writer.writerow(["file_name", *plain.column_names])
            records = plain.to_pylist()
            for name, file, record in zip(
                table.column("name").to_pylist(),
                table.column(item).to_pylist(),
                records,
                strict=True,
            ):
                inside = _place(record["split"], folders.get(record["label"], ""), name, used)
                archive.writestr(inside, file["bytes"])
                writer.writerow([inside, *record.values()])
        archive.writestr("metadata.csv", listing.getvalue())


def class_folders(names: list[str]) -> dict[str, str]:
    """A folder for each class: no two are one folder on any system, and none looks like a split.

    Names that would collide (`a/b` and `a:b`, `Cat` and `cat`) get a number.
    """
    folders: dict[str, str] = {}
    plain, used = {name: _apart(name) for name in names}, set[str]()
    for name in sorted(
        names, key=lambda name: plain[name] != name
    ):  # nobody takes the folder of a name that fits
        folder, copy = plain[name], 2
        while _folded(folder) in used:
            suffix = f"_{copy}"
            folder, copy = plain[name][: _LONGEST - len(suffix)] + suffix, copy + 1
        used.add(_folded(folder))
        folders[name] = folder
    return folders


def _apart(name: str) -> str:
    """A safe name that is no split, fold or numbered part."""
    safe = _safe(name)
    return _safe(f"class_{safe}") if split_of(safe) or part_of(safe, []) else safe


def _folded(name: str) -> str:
    """What a system that ignores capitals and ways to compose signs takes a name for."""
    return unicodedata.normalize("NFKC", name).casefold()


def _safe(text: str) -> str:
    """A name for a file or folder on every system."""
    plain = (
        re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f]', "_", text).strip(" .")[:_LONGEST].rstrip(" .") or "_"
    )
    return f"_{plain}"[:_LONGEST] if _DEVICE.fullmatch(plain) else plain


def _place(split: str, label: str, name: str, used: set[str]) -> str:
    """A path in the zip that no system stumbles over and no other picture has."""
    bare = PurePosixPath(name.replace("\\", "/")).name
    stem, dot, ending = _safe(bare).rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (ending, "")
    folder = f"{split}/{_safe(label)}" if label else split
    place, copy = f"{folder}/{stem}{ending}", 2
    while place.casefold() in used:
        place, copy = f"{folder}/{stem}_{copy}{ending}", copy + 1
    used.add(place.casefold())
    return place
