"""Chunks of rows on their way to `items.arrow`, counted and hashed as they pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.item_kind import kind_of, own_columns
from tl_core.data.sources.intake import Chunk
from tl_core.data.versions.collector import Collector
from tl_core.data.versions.items import items_writer, open_items, plain_table
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[int, int], None]


class ItemStream:
    """Writes the rows of a version; with `base` its rows come first.

    Once written, `inputs_digest` and `extras_digest` are sha256 of what the model reads and of the
    extra columns, the same however rows are cut into chunks.
    """

    def __init__(
        self,
        folder: Path,
        modality: str,
        *,
        limit: int,
        total: int = 0,
        progress: Progress | None = None,
        base: DatasetVersion | None = None,
    ) -> None:
        self._folder, self._modality, self._base = folder, modality, base
        self._limit, self._total, self._progress = limit, total, progress
        self._inputs, self._lengths, self._extras = (hashlib.sha256() for _ in range(3))

    @property
    def inputs_digest(self) -> str:
        return self._inputs.hexdigest()

    @property
    def extras_digest(self) -> str:
        return self._extras.hexdigest()

    def write(self, chunks: Iterator[Chunk], collector: Collector) -> None:
        """Stream the rows to `items.arrow`, and what is remembered of them to `collector`.

        Raises:
            DataError: when there is no row, or more than the limit.
        """
        first = next(chunks, None)
        if first is None:
            raise DataError(
                "No usable row is left.",
                "All were empty, damaged or of an unknown kind.",
                "Open a few of them to see what is wrong.",
            )
        schema = self._base.table.schema if self._base else first.items.schema
        with items_writer(self._folder, schema, kind_of(self._modality).stored) as append:
            if self._base:
                self._begin_with(self._base, append)
            chunk: Chunk | None = first
            while chunk is not None:
                if collector.count + len(chunk.labels) > self._limit:
                    raise DataError(
                        f"There are more than {self._limit:,} rows.",
                        "That is this server's limit for a dataset.",
                        "Bring a part of them, or raise TL_MAX_ITEMS.",
                    )
                items = _fitted(chunk.items, schema.names)
                append(items)
                self._hash(chunk, items)
                collector.add(chunk)
                if self._progress:
                    total = max(self._total, collector.count) if self._total else 0
                    self._progress(collector.count, total)
                chunk = next(chunks, None)
        self._inputs.update(self._lengths.digest())

    def _begin_with(self, base: DatasetVersion, append: Callable[[pa.Table], None]) -> None:
        self._inputs.update(base.info.inputs_fingerprint.encode())
        self._extras.update(base.info.extras_fingerprint.encode())
        for batch in open_items(base.folder).to_batches():
            append(plain_table(batch))

    def _hash(self, chunk: Chunk, items: pa.Table) -> None:
        self._inputs.update(chunk.content)
        self._lengths.update(chunk.lengths)
        own = own_columns()
        for column in items.column_names:
            if column not in own:
                cells = items.column(column).to_pylist()
                self._extras.update("".join(f"{cell}\0" for cell in cells).encode())


def _fitted(items: pa.Table, names: list[str]) -> pa.Table:
    """The columns of the first chunk, empty where this one lacks them."""
    import pyarrow as pa

    if items.column_names == names:
        return items
    empty = pa.repeat(pa.scalar("", pa.string()), items.num_rows)
    return pa.table(
        {name: items.column(name) if name in items.column_names else empty for name in names}
    )
