"""Exports of the tools that labels come from, recognised by their keys and read as plain rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from tl_core.data.formats import (
    annotators,
    argilla,
    clouds,
    doccano,
    fasttext,
    intents,
    label_studio,
    prodigy,
)
from tl_core.data.tables.reading import Reading, Rows

if TYPE_CHECKING:
    import pyarrow as pa

_Converter = Callable[["pa.Table", Iterator[Rows], Reading, int], Iterator[Rows] | None]
# each looks at the names and first cells alone; the narrower ones come first
_CONVERTERS: tuple[_Converter, ...] = (
    label_studio.tasks,
    label_studio.flat,
    prodigy.lines,
    argilla.exported,
    clouds.ground_truth,
    clouds.vertex,
    intents.phrases,
    doccano.lines,
    fasttext.lines,
    annotators.answers,
)


def converted(rows: Iterator[Rows], reading: Reading, chunk_rows: int) -> Iterator[Rows]:
    """`rows` as they are, or, for the export of a known tool, as rows with plain columns."""
    first = next(rows, None)
    if first is None:
        return
    stream = chain([first], rows)
    for convert in _CONVERTERS:
        plain = convert(first.cells, stream, reading, chunk_rows)
        if plain is not None:
            if reading.format:  # which explains the first line, whatever it looked like
                for sentences in (reading.notes, reading.doubts):
                    sentences[:] = [
                        sentence
                        for sentence in sentences
                        if not sentence.startswith("The first line of ")
                    ]
            yield from _held_back(plain)
            return
    yield from stream


def explains(first: Rows) -> bool:
    """Whether the rows are an export that `converted` knows."""
    return any(convert(first.cells, iter(()), Reading(), 1) is not None for convert in _CONVERTERS)


def _held_back(rows: Iterator[Rows]) -> Iterator[Rows]:
    """Each chunk once the next one is there, so that what a short export says at its end is known
    from the start.
    """
    last: Rows | None = None
    for part in rows:
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last
