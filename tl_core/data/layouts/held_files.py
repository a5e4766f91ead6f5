"""Parquet files that hold the items themselves, as Hugging Face datasets write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.file_names import FileNames
from tl_core.data.layouts.listed_files import with_columns
from tl_core.data.readers.parquet_tables import class_names, named_cell
from tl_core.data.roles.columns import Columns, guess_file_columns
from tl_core.data.roles.wide import ONE, row_classes, shares_of
from tl_core.data.sources.file_kind import FILE_KINDS, FileKind
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.names import readable
from tl_core.data.sources.types import ItemFile, TableFile
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 16  # of 100 MB each at most
_HEAD_BYTES = 512


def holds_files(path: Path, kind: FileKind) -> bool:
    """Whether a Parquet file has a column of encoded files of this kind."""
    return bool(_held_column(path, kind))


def _held_column(path: Path, kind: FileKind) -> str:
    """The column of a Parquet file that holds files of this kind, "" where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        for entry in schema:
            if _is_struct(entry.type) and _modality_of(path, schema, entry.name) == kind.modality:
                return str(entry.name)
            if pa.types.is_binary(entry.type) and entry.name.lower() in kind.held:
                return str(entry.name)
    except (pa.ArrowException, OSError):
        pass  # the reader of tables will say what is wrong with it
    return ""


def _is_struct(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_struct(kind) and "bytes" in {inner.name for inner in kind}


def _modality_of(path: Path, schema: pa.Schema, name: str) -> str:
    """What the files of a column are: as the schema says, as the column is called, or as the first
    of them begins; pictures where nothing speaks for another kind.
    """
    import pyarrow.parquet as pq

    kept = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    feature = kept.get("info", {}).get("features", {}).get(name, {})
    said = str(feature.get("_type", "")).lower() if isinstance(feature, dict) else ""
    if said in FILE_KINDS:
        return said
    named = [one.modality for one in FILE_KINDS.values() if name.lower() in one.held]
    if named:
        return named[0]
    with pq.ParquetFile(path, pre_buffer=False) as file:
        batch = next(file.iter_batches(batch_size=1, columns=[name]), None)
    held = batch.to_pylist()[0][name] if batch is not None and batch.num_rows else None
    head = ((held or {}).get("bytes") or b"")[:_HEAD_BYTES]
    begins = [one.modality for one in FILE_KINDS.values() if one.begins(head)]
    return begins[0] if begins else next(iter(FILE_KINDS))


def held_files(
    table: TableFile, options: ImportOptions, intake: Intake, kind: FileKind
) -> Iterator[ItemFile]:
    """Each row as an item, its file as bytes, or lying beside the table where the row only names
    it.

    Raises:
        DataError: when the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, number = table.path, 0
    column = _held_column(path, kind)
    beside = FileNames([], path.parent, path.parent, kind=kind)
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            others = [name for name in file.schema_arrow.names if name != column]
            names = class_names(file.schema_arrow)
            roles: Columns | None = None
            for batch in file.iter_batches(batch_size=_ROWS):
                records = batch.to_pylist()
                plain = [
                    {name: named_cell(record[name], names.get(name)) for name in others}
                    for record in records
                ]
                roles = roles or _roles(plain, column, options, intake, kind)
                for record, cells in zip(records, plain, strict=True):
                    number += 1
                    item = _item(record[column], table, number, beside)
                    yield with_columns(item, cells, roles, _label(cells, roles), table.split)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path.name!r} cannot be read as a Parquet file.",
            f"{str(error)[:200]}.",
            f"Bring the {kind.many} as a zip of class folders.",
        ) from error


def _roles(
    plain: list[dict[str, str]],
    column: str,
    options: ImportOptions,
    intake: Intake,
    kind: FileKind,
) -> Columns:
    import pandas as pd

    head = pd.DataFrame(plain, dtype=str).assign(**{column: ""})
    named: dict[str, Any] = {f"{kind.modality}_column": column}
    held = replace(options, **named)
    roles = guess_file_columns(head, held, kind=kind)
    intake.note_columns(roles)
    return roles


def _label(cells: dict[str, str], roles: Columns) -> str:
    if roles.several and roles.one_hot:
        shares = shares_of({name: [cells[name]] for name in roles.one_hot}, roles.one_hot)
        return row_classes(shares, roles.one_hot, np.zeros(1, dtype=np.int64), several=True)[0]
    if roles.one_hot:
        return next((hot for hot in roles.one_hot if cells[hot].strip() in ONE), "")
    return clean_label(cells.get(roles.label, ""))


def _item(
    held: bytes | dict[str, Any] | None, table: TableFile, number: int, beside: FileNames
) -> ItemFile:
    """The file of one row: its bytes, or the file beside the table that it names."""
    said = held if isinstance(held, dict) else {"bytes": held}
    data, path = said.get("bytes"), str(said.get("path") or "")
    name = readable(path or f"{table.path.stem} row {number}")
    there = beside.find(path) if data is None and path else None
    if there:
        return replace(there, name=name, split=table.split)
    return ItemFile(table.path, name, "", table.split, data=data or b"")
