"""Tables in Parquet files, within the bounds that their format needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.tables import Reading, Rows, cell, clean_names

_RATIO_FLOOR = 64 << 20


def read_parquet(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """Text columns stay dictionary-encoded until their real size is known: a small file can hold terabytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as plain:
            schema = plain.schema_arrow
            if len(schema.names) > reading.limits.columns:
                raise ValueError(f"it has {len(schema.names):,} columns, the limit is {reading.limits.columns:,}")
            names = class_names(schema)
            texts = [field.name for field in schema if pa.types.is_string(field.type)
                     or pa.types.is_large_string(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
            number = plain_bytes = 0
            most = max(_RATIO_FLOOR, reading.limits.zip_ratio * path.stat().st_size)
            for batch in file.iter_batches(batch_size=min(rows, 5_000)):
                lengths = _plain_lengths(batch)
                plain_bytes += int(lengths.sum())
                if plain_bytes > most:
                    raise ValueError(f"it unpacks to over {reading.limits.zip_ratio} times its size, which is how a "
                                     "bomb looks")
                yield from _parquet_rows(batch, lengths, number, reading, names)
                number += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowException) as error:
        raise ValueError(str(error)) from error


def _plain_lengths(batch: Any) -> NDArray[np.int64]:  # noqa: ANN401
    """Bytes of each row's texts once they are written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            sizes = pc.fill_null(pc.binary_length(column.dictionary), 0).to_numpy(zero_copy_only=False)
            codes = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
            lengths += np.where(codes >= 0, np.append(sizes, 0)[codes], 0)
    return lengths


def _parquet_rows(batch: Any, lengths: NDArray[np.int64], number: int,  # noqa: ANN401
                  reading: Reading, names: dict[str, list[str]]) -> Iterator[Rows]:
    """The rows of a batch as strings, in slices whose plain size stays near one row's limit."""
    import pyarrow as pa

    good = lengths <= reading.limits.row_bytes
    for place in np.flatnonzero(~good):
        reading.leave_out(number + int(place) + 1, f"it is longer than {reading.limits.row_bytes >> 20} MB")
    parts = (np.cumsum(np.where(good, lengths, 0)) // reading.limits.row_bytes)
    for part in np.unique(parts[good]):
        places = np.flatnonzero(good & (parts == part))
        columns = [_as_strings(column.take(pa.array(places)), names.get(name))
                   for name, column in zip(batch.schema.names, batch.columns, strict=True)]
        yield Rows(number + places + 1, pa.table(columns, names=clean_names(batch.schema.names)))


def _as_strings(column: Any, names: list[str] | None) -> Any:  # noqa: ANN401
    """A column as strings, class numbers as their names."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.fill_null(column.cast(pa.string()), "")
    return pa.array([named_cell(value, names) for value in column.to_pylist()], pa.string())


def named_cell(value: object, names: list[str] | None) -> str:
    """A cell as a string; a class number as its name where the file has names, and -1 as no class."""
    if names is not None and isinstance(value, int) and not isinstance(value, bool):
        return names[value] if 0 <= value < len(names) else "" if value < 0 else str(value)
    return cell(value)


def class_names(schema: object) -> dict[str, list[str]]:
    """Names of the classes by number, by column, where the file carries Hugging Face's features."""
    metadata = getattr(schema, "metadata", None) or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: list(map(str, spec["names"])) for name, spec in features.items()
            if isinstance(spec, dict) and spec.get("_type") == "ClassLabel" and isinstance(spec.get("names"), list)}
