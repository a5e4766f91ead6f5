"""The stored rows of a version, `items.arrow`: opened, written in parts, linked."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class StoredColumn:
    """The column that holds the items themselves.

    Args:
        name: of the column.
        feature: its type as Hugging Face `datasets` writes it.
        at_once: items that are held in memory at a time when they are copied.
    """

    name: str
    feature: Mapping[str, object]
    at_once: int


def open_items(folder: Path) -> pa.Table:
    """The stored rows of a version as a memory-mapped table."""
    import pyarrow as pa

    with pa.memory_map(str(folder / "items.arrow")) as source:
        return pa.ipc.open_stream(source).read_all()


@contextmanager
def items_writer(
    folder: Path, schema: pa.Schema, stored: StoredColumn
) -> Iterator[Callable[[pa.Table], None]]:
    """Gives a function that appends tables to `items.arrow`, whose header Hugging Face `datasets`
    understands.
    """
    import pyarrow as pa

    schema = with_features(schema, {stored.name: stored.feature})
    with (
        pa.OSFile(str(folder / "items.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, schema) as writer,
    ):

        def write(table: pa.Table) -> None:
            writer.write_table(table.cast(schema) if table.schema != schema else table)

        yield write


def with_features(schema: pa.Schema, special: Mapping[str, Mapping[str, object]]) -> pa.Schema:
    """The schema with types of columns as `datasets` reads them; strings unless they are
    `special`.
    """
    plain = {"dtype": "string", "_type": "Value"}
    features = {name: dict(special.get(name, plain)) for name in schema.names}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def link_items(source: Path, target: Path) -> None:
    """The same rows in another version's folder, without a copy where the file system can."""
    try:
        os.link(source / "items.arrow", target / "items.arrow")
    except OSError:
        shutil.copyfile(source / "items.arrow", target / "items.arrow")


def plain_table(batch: pa.RecordBatch) -> pa.Table:
    """One batch as a table of its own."""
    import pyarrow as pa

    return pa.Table.from_batches([batch])
