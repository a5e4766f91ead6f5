"""Exports of the tools that labels come from, recognised by their keys and read as plain rows."""

from __future__ import annotations

from collections.abc import Iterator

from tl_core.data.tables import Reading, Rows


def converted(rows: Iterator[Rows], reading: Reading, chunk_rows: int) -> Iterator[Rows]:
    """`rows` as they are, or, for the export of a known tool, as rows with plain columns."""
    del reading, chunk_rows
    yield from rows
