"""The stored rows of a version, `items.arrow`: opened, written in parts, linked."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def open_items(folder: Path) -> pa.Table:
    """The stored rows of a version as a memory-mapped table."""
    import pyarrow as pa

    with pa.memory_map(str(folder / "items.arrow")) as source:
        return pa.ipc.open_stream(source).read_all()


@contextmanager
def items_writer(
    folder: Path, schema: pa.Schema, modality: str
) -> Iterator[Callable[[pa.Table], None]]:
    """Gives a function that appends tables to `items.arrow`, whose header Hugging Face `datasets`
    understands.
    """
    import pyarrow as pa

    features = {
        name: (
            {"decode": False, "_type": "Image"}
            if name == "image" and modality == "image"
            else {"dtype": "string", "_type": "Value"}
        )
        for name in schema.names
    }
    schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    with (
        pa.OSFile(str(folder / "items.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, schema) as writer,
    ):

        def write(table: pa.Table) -> None:
            writer.write_table(table.cast(schema) if table.schema != schema else table)

        yield write


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
