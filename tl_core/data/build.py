"""From a recognised source to an immutable dataset version: read, check, split, write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tl_core.data import split
from tl_core.data.chunks import Chunk, Intake, image_chunks, text_chunks
from tl_core.data.class_names import check_classes
from tl_core.data.rows import Collector, RowFacts
from tl_core.data.schema import ImportOptions
from tl_core.data.seal import Draft, seal
from tl_core.data.sources import Source
from tl_core.data.store import DatasetVersion, VersionInfo, items_writer, open_items
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[int, int], None]


def build_version(sources: dict[str, Source], options: ImportOptions, folder: Path, name: str,
                  progress: Progress | None = None, base: DatasetVersion | None = None,
                  parent: str = "") -> VersionInfo:
    """Write the rows of `sources` (by split, "" for the main one) as a version into `folder`.

    With `base` (called `parent`, name@number), its rows come first and keep their splits; the new ones go where
    `options.new_rows` says.

    Raises:
        DataError: when the rows cannot make a classifier, or the sources do not fit together.
    """
    modalities = {source.modality for source in sources.values()} | ({base.info.modality} if base else set())
    if len(modalities) > 1:
        raise DataError("Images and texts cannot be in one dataset.", "One source has images, another texts.",
                        "Bring sources of the same kind.")
    modality = modalities.pop()
    intake = Intake([item for source in sources.values() for item in source.skipped])
    chunks = (image_chunks if modality == "image" else text_chunks)(sources, options, intake)
    total = sum(len(source.images) for source in sources.values())
    limit = min(source.limits.items for source in sources.values())
    rows, inputs, extras = _write_items(chunks, modality, folder, total, limit, progress, base)
    intake.columns = intake.columns or (dict(base.info.columns) if base else {})
    if base:
        rows = _after(base, rows)
    check_classes(rows)
    rows.find_pairs(folder)
    groups = rows.groups()
    placing = options if base else replace(options, new_rows="train")
    result = split.assign_splits(rows.labels, groups, rows.given, placing, rows.dates)
    draft = Draft(rows, result.splits, groups, options, inputs, extras, name, intake.columns, intake.skipped,
                  intake.empty, intake.damaged, result.findings)
    if base:
        draft.skipped = base.info.skipped + draft.skipped
        draft.parent, draft.change = parent, f"Added {len(rows) - len(base.labels):,} items from {name}."
    return seal(draft, folder)


def _write_items(chunks: Iterator[Chunk], modality: str, folder: Path, total: int, limit: int,
                 progress: Progress | None, base: DatasetVersion | None) -> tuple[RowFacts, str, str]:
    """Stream the rows to `items.arrow`; gives what is remembered of them and digests of inputs and extra columns."""
    inputs, lengths, extras = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    first = next(chunks, None)
    if first is None:
        raise DataError("No usable row is left.", "All were empty, damaged or of an unknown kind.",
                        "Open a few of them to see what is wrong.")
    names = first.items.column_names
    if base:
        names = base.table.column_names
        inputs.update(base.info.inputs_fingerprint.encode())
        extras.update(base.info.extras_fingerprint.encode())
    collector = Collector(modality)
    with items_writer(folder, first.items.schema if not base else base.table.schema, modality) as write:
        if base:
            for batch in open_items(base.folder).to_batches():
                write(_plain(batch))
        chunk: Chunk | None = first
        while chunk is not None:
            if collector.count + len(chunk.labels) > limit:
                raise DataError(f"There are more than {limit:,} rows.", "That is this server's limit for a dataset.",
                                "Bring a part of them, or raise TL_MAX_ITEMS.")
            items = _fitted(chunk.items, names)
            write(items)
            inputs.update(chunk.content)
            lengths.update(chunk.lengths)
            for column in items.column_names:
                if column not in ("text", "image", "name"):
                    extras.update("".join(f"{cell}\0" for cell in items.column(column).to_pylist()).encode())
            collector.add(chunk)
            if progress:
                progress(collector.count, max(total, collector.count) if total else 0)
            chunk = next(chunks, None)
    inputs.update(lengths.digest())
    return collector.finish(), inputs.hexdigest(), extras.hexdigest()


def _plain(batch: Any) -> pa.Table:  # noqa: ANN401
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _fitted(items: pa.Table, names: list[str]) -> pa.Table:
    """The columns of the first chunk, empty where this one lacks them."""
    import pyarrow as pa

    if items.column_names == names:
        return items
    empty = pa.repeat(pa.scalar("", pa.string()), items.num_rows)
    return pa.table({name: items.column(name) if name in items.column_names else empty for name in names})


def _after(base: DatasetVersion, new: RowFacts) -> RowFacts:
    """The rows of `base`, then `new` ones, with common class numbers; the old ones keep their splits."""
    old = base.row_facts()
    names = sorted({*old.classes, *new.classes})

    def moved(rows: RowFacts) -> Any:  # noqa: ANN401
        places = np.array([names.index(name) for name in rows.classes] + [-1], dtype=np.int64)
        return places[rows.labels]

    shift = int(old.named.max(initial=-1)) + 1
    named = np.concatenate([old.named, np.where(new.named >= 0, new.named + shift, -1)])
    return RowFacts(old.modality, names, np.concatenate([moved(old), moved(new)]),
                    np.concatenate([base.splits, new.given]), named, np.concatenate([old.dates, new.dates]),
                    {key: np.concatenate([old.facts[key], new.facts[key]]) for key in new.facts})
