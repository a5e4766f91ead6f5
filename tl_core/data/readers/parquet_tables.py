"""Tables in Parquet files, within the bounds that their format needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.readers.json_tables import with_doubts
from tl_core.data.tables.reading import Reading, Rows, cell, clean_names

if TYPE_CHECKING:
    import pyarrow as pa

_RATIO_FLOOR = 64 << 20


def read_parquet(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """The rows with objects taken apart into columns, one level deep, and bytes as text where they
    are UTF-8.

    Raises:
        ValueError: when the file is damaged or over the limits.
    """
    yield from with_doubts(_read(path, reading, rows), reading)


def _read(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """Text columns stay dictionary-encoded until their real size is known: a small file can hold
    terabytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as plain:
            schema = plain.schema_arrow
            if len(schema.names) > reading.limits.columns:
                raise ValueError(
                    f"it has {len(schema.names):,} columns, the limit is {reading.limits.columns:,}"
                )
            names = class_names(schema)
            texts = [
                field.name
                for field in schema
                if pa.types.is_string(field.type)
                or pa.types.is_large_string(field.type)
                or pa.types.is_binary(field.type)
                or pa.types.is_large_binary(field.type)
            ]
        with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
            number = plain_bytes = 0
            binary: set[str] | None = None
            most = max(_RATIO_FLOOR, reading.limits.zip_ratio * path.stat().st_size)
            for batch in file.iter_batches(batch_size=min(rows, 5_000)):
                lengths = _plain_lengths(batch)
                plain_bytes += int(lengths.sum())
                if plain_bytes > most:
                    raise ValueError(
                        f"it unpacks to over {reading.limits.zip_ratio} times its size, as a"
                        " decompression bomb does"
                    )
                batch = _flat(batch)
                if binary is None:
                    binary = _no_texts(batch)
                    if binary:
                        reading.note(
                            "Columns of bytes that are no text are left out: "
                            f"{', '.join(sorted(binary)[:6])}."
                        )
                batch = batch.drop_columns(sorted(binary)) if binary else batch
                yield from _parquet_rows(batch, lengths, number, reading, names)
                number += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowException) as error:
        raise ValueError(str(error)) from error


def _plain_lengths(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Bytes of each row's texts once they are written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            sizes = pc.fill_null(pc.binary_length(column.dictionary), 0).to_numpy(
                zero_copy_only=False
            )
            codes = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
            lengths += np.where(codes >= 0, np.append(sizes, 0)[codes], 0)
    return lengths


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the fields of its objects as columns: review.title, review.body."""
    import pyarrow as pa

    names, columns = list[str](), list[pa.Array]()
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_struct(column.type) and column.type.num_fields:
            names += [f"{name}.{field.name}" for field in column.type]
            columns += column.flatten()
        else:
            names.append(name)
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _no_texts(batch: pa.RecordBatch) -> set[str]:
    """The columns of bytes that are not UTF-8, or hold control signs as pictures and packed data
    do.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    binary = set()
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if not _is_bytes(column.type):
            continue
        plain = column.dictionary if pa.types.is_dictionary(column.type) else column
        try:
            texts = plain.cast(pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            binary.add(name)
            continue
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            binary.add(name)
    return binary


def _parquet_rows(
    batch: pa.RecordBatch,
    lengths: NDArray[np.int64],
    number: int,
    reading: Reading,
    names: dict[str, list[str]],
) -> Iterator[Rows]:
    """The rows of a batch as strings, in slices whose plain size stays near one row's limit."""
    import pyarrow as pa

    good = lengths <= reading.limits.row_bytes
    for place in np.flatnonzero(~good):
        reading.leave_out(
            number + int(place) + 1, f"it is longer than {reading.limits.row_bytes >> 20} MB"
        )
    parts = np.cumsum(np.where(good, lengths, 0)) // reading.limits.row_bytes
    for part in np.unique(parts[good]):
        places = np.flatnonzero(good & (parts == part))
        columns = [
            _as_strings(column.take(pa.array(places)), names.get(name))
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        yield Rows(number + places + 1, pa.table(columns, names=clean_names(batch.schema.names)))


def _as_strings(column: pa.Array, names: list[str] | None) -> pa.Array:
    """A column as strings, class numbers as their names."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_bytes(column.type):
        try:
            column = column.cast(pa.binary()).cast(pa.string())
        except pa.ArrowInvalid as error:
            raise ValueError(
                "a column of bytes that begins as text holds bytes that are not UTF-8"
            ) from error
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.fill_null(column.cast(pa.string()), "")
    return pa.array([named_cell(value, names) for value in column.to_pylist()], pa.string())


def named_cell(value: object, names: list[str] | None) -> str:
    """A cell as a string; a class number (or each of a list) as its name where the file has names,
    -1 as no class.
    """
    if names is not None and isinstance(value, list):
        return cell([_named(one, names) for one in value])
    return cell(value) if names is None else cell(_named(value, names))


def _named(value: object, names: list[str]) -> object:
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    return names[value] if 0 <= value < len(names) else "" if value < 0 else str(value)


def class_names(schema: object) -> dict[str, list[str]]:
    """Names of the classes by number, by column, where the file carries Hugging Face's features.

    Columns in objects are called as `read_parquet` calls them; numbers in lists have the names of
    their entries.
    """
    metadata = getattr(schema, "metadata", None) or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        by_column = {name: _names_of(spec) for name, spec in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    for name, spec in features.items():
        if isinstance(spec, dict) and "_type" not in spec:
            by_column |= {f"{name}.{inner}": _names_of(one) for inner, one in spec.items()}
    return {name: names for name, names in by_column.items() if names}


def _names_of(spec: object) -> list[str]:
    """The names of a feature that is a class, or a list of classes in any of the ways in which that
    was written.
    """
    if isinstance(spec, list) and len(spec) == 1:
        return _names_of(spec[0])
    if not isinstance(spec, dict):
        return []
    if spec.get("_type") == "ClassLabel" and isinstance(spec.get("names"), list):
        return list(map(str, spec["names"]))
    return (
        _names_of(spec["feature"])
        if isinstance(spec.get("feature"), dict) and "_type" in spec["feature"]
        else []
    )
