"""Rows on their way in, a few thousand at a time: what the model sees, its class, and facts about
it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.text_facts import text_facts
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.item_kind import extra_column
from tl_core.data.layouts.peek import HEAD, reading_of
from tl_core.data.limits import Limits
from tl_core.data.preparation import JOIN, repaired
from tl_core.data.roles.columns import Columns, guess_columns
from tl_core.data.roles.wide import one_hot_labels
from tl_core.data.sources.intake import Chunk, Intake, Read
from tl_core.data.sources.names import readable
from tl_core.data.sources.types import ItemFile, Source
from tl_core.data.tables.encodings import Utf8, sniff_coding
from tl_core.data.tables.reading import Rows
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_DOCUMENTS_AT_ONCE = 1000
_WORKERS = 2  # the decoders and Arrow release the interpreter's lock


@dataclass(frozen=True)
class Part:
    """Where the rows of one table belong."""

    file: str
    split: str
    label: str
    limits: Limits


def text_chunks(
    sources: dict[str, Source], options: ImportOptions, intake: Intake
) -> Iterator[Chunk]:
    """The rows of all documents and tables, split by split."""
    for outer, source in sources.items():
        yield from _document_chunks(source, outer, options, intake)
    ahead: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for rows, roles, part in table_rows(sources, options, intake):
            texts = _Texts(rows, roles, part, options)
            ahead.append(pool.submit(_text_chunk, texts, intake))
            if len(ahead) > _WORKERS:
                yield from intake.take(ahead.popleft().result())
        while ahead:
            yield from intake.take(ahead.popleft().result())


def table_rows(
    sources: dict[str, Source], options: ImportOptions, intake: Intake
) -> Iterator[tuple[Rows, Columns, Part]]:
    """The rows of all tables of texts, with their columns and where they belong; the first table's
    columns hold for all.

    Raises:
        DataError: when the columns cannot be guessed, or a table lacks one that makes the text.
    """
    roles: Columns | None = None
    for outer, source in sources.items():
        for table in source.tables:
            reading = reading_of(options, source.limits, table.sheet)
            part = Part(table.path.name, outer or table.split, table.label, source.limits)
            for rows in read_table(table.path, reading):
                if roles is None:
                    roles = guess_columns(
                        rows.cells.slice(0, HEAD).to_pandas(),
                        options,
                        reading.roles,
                        label=not table.label,
                    )
                    intake.note_columns(roles)
                    intake.prepare(
                        columns=tuple(filter(None, (roles.title, roles.text))),
                        repair=options.repair,
                    )
                _check_columns(rows, roles, readable(table.path.name))
                yield rows, roles, part
            intake.note_reading(reading, readable(table.path.name))


def _check_columns(rows: Rows, roles: Columns, name: str) -> None:
    """Every table must have the columns that make the text.

    Raises:
        DataError: names the one that is missing.
    """
    for wanted in filter(None, (roles.text, roles.title)):
        if wanted not in rows.cells.column_names:
            raise DataError(
                f"{name!r} has no column {wanted!r}.",
                f"It has: {', '.join(rows.cells.column_names[:12])}.",
                "Give the tables the same column names.",
            )


def _document_chunks(
    source: Source, outer: str, options: ImportOptions, intake: Intake
) -> Iterator[Chunk]:
    """Files that are one text each."""
    import pyarrow as pa

    if not source.files:
        return
    intake.columns["text"] = "file"
    if not options.label_here:
        intake.columns["label"] = "folder"
    intake.prepare(repair=options.repair)
    roles = Columns(text="text", label="label", split="split")
    part = Part("", "", "", source.limits)
    documents = iter(source.files)
    while batch := list(islice(documents, _DOCUMENTS_AT_ONCE)):
        columns = {
            "text": [_document(one.path, source.limits) for one in batch],
            "label": [one.label for one in batch],
            "split": [outer or _document_split(one, options, intake) for one in batch],
            **{name: [one.extra.get(name, "") for one in batch] for name in source.files[0].extra},
        }
        cells = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        rows = Rows(np.arange(len(batch)), cells)
        texts = _Texts(rows, roles, part, options, tuple(one.name for one in batch))
        yield from intake.take(_text_chunk(texts, intake))


def _document_split(document: ItemFile, options: ImportOptions, intake: Intake) -> str:
    return intake.place(document.fold, options) or (
        "" if document.split == "unlabelled" else document.split
    )


def _document(path: Path, limits: Limits) -> str:
    """The text of a file in whatever encoding it has; "" when it is no text or too long."""
    try:
        if path.stat().st_size > 4 * limits.cell_chars:
            return ""
        with Utf8(path, sniff_coding(path)) as handle:
            return handle.read(path.stat().st_size * 4 + 1).decode()
    except (DataError, OSError):
        return ""


@dataclass(frozen=True)
class _Texts:
    """Rows of a table of texts, or of documents, whose names are then `called`."""

    rows: Rows
    roles: Columns
    part: Part
    options: ImportOptions
    called: tuple[str, ...] = ()

    def names(self) -> pa.Array:
        """What to call each row: the document, or the table and the number in it."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.called:
            return pa.array(self.called, pa.string())
        table = readable(self.part.file.rpartition(".")[0] or self.part.file)
        numbers = pa.array(self.rows.numbers).cast(pa.string())
        return pc.binary_join_element_wise(f"{table} row ", numbers, "")

    def texts(self, cells: pa.Table) -> pa.Array:
        """What the model reads of each row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = column(cells, self.roles.text)
        if self.roles.title:
            texts = pc.binary_join_element_wise(column(cells, self.roles.title), texts, JOIN)
        if self.options.repair:
            texts = pa.array([repaired(text) for text in texts.to_pylist()], pa.string())
        return pc.utf8_trim_whitespace(texts)

    def extras(self, cells: pa.Table) -> dict[str, pa.Array]:
        """The columns that are kept beside the text."""
        read = {
            self.roles.text,
            self.roles.label,
            *(("split",) if self.called else ()),
            *(self.roles.one_hot if self.roles.several else ()),
        }
        return {
            extra_column(name): column(cells, name)
            for name in cells.column_names
            if name not in read
        }


def _text_chunk(source: _Texts, intake: Intake) -> Read:
    """The rows of `source` that hold a text of allowed length."""
    import pyarrow as pa
    import pyarrow.compute as pc

    roles, part = source.roles, source.part
    cells, numbers, names = source.rows.cells.combine_chunks(), source.rows.numbers, source.names()
    texts = source.texts(cells)
    lengths = pc.utf8_length(texts).to_numpy()
    good = (lengths > 0) & (lengths <= part.limits.cell_chars)
    skipped = _left_out(names.filter(pa.array(~good)), lengths[~good], part.limits)
    empty_texts = int((lengths == 0).sum())
    if not good.all():
        keep = pa.array(np.flatnonzero(good))
        cells, texts, names = cells.take(keep), texts.take(keep), names.take(keep)
        numbers = numbers[good]
    if not len(numbers):
        return None, skipped, empty_texts
    empty = _same("", len(numbers))
    chunk = Chunk(
        pa.table({"text": texts, "name": names, **source.extras(cells)}),
        row_labels(cells, roles, part, numbers),
        row_splits(cells, roles, part, source.options, intake),
        column(cells, roles.group) if roles.group else empty,
        column(cells, roles.date) if roles.date else empty,
        text_facts(texts),
        *_text_bytes(texts),
    )
    return chunk, skipped, empty_texts


def _left_out(names: pa.Array, lengths: NDArray[np.int32], limits: Limits) -> list[dict[str, str]]:
    """Rows whose text is empty or too long, each with its reason."""
    too_long = f"over {limits.cell_chars:,} characters"
    return [
        {"item": str(name), "reason": too_long if length else "no text"}
        for name, length in zip(names.to_pylist(), lengths.tolist(), strict=True)
    ]


def row_labels(cells: pa.Table, roles: Columns, part: Part, numbers: NDArray[np.int64]) -> pa.Array:
    """The class of each row: of its table, its column, or its columns of 0 and 1."""
    if part.label or part.split == "unlabelled":
        return _same(part.label, cells.num_rows)
    if roles.one_hot and set(roles.one_hot) <= set(cells.column_names):
        return one_hot_labels(cells, roles.one_hot, numbers, several=roles.several)
    return column(cells, roles.label) if roles.label else _same("", cells.num_rows)


def row_splits(
    cells: pa.Table, roles: Columns, part: Part, options: ImportOptions, intake: Intake
) -> pa.Array:
    """The split of each row as the source says it: of its table, its fold or its column."""
    import pyarrow as pa

    if part.split:
        return _same("" if part.split == "unlabelled" else part.split, cells.num_rows)
    if roles.fold:
        folds = column(cells, roles.fold).to_pylist()
        placed = [intake.place(fold, options) for fold in folds]
        if options.test_fold:
            return pa.array(placed, pa.string())
    return column(cells, roles.split) if roles.split else _same("", cells.num_rows)


def column(cells: pa.Table, name: str) -> pa.Array:
    """The cells of a column as one array, empty texts where there is no such column."""
    import pyarrow as pa

    if name not in cells.column_names:
        return _same("", cells.num_rows)
    values = cells.column(name).combine_chunks()
    return values if isinstance(values, pa.Array) else pa.concat_arrays(values.chunks)


def _same(value: str, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(value, pa.string()), count)


def _text_bytes(texts: pa.Array) -> tuple[bytes, bytes]:
    """All texts as they lie in memory, and their lengths."""
    import pyarrow.compute as pc

    _, offsets, values = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return (
        values.slice(int(ends[0]), int(ends[-1] - ends[0])) if values else b"",
        pc.binary_length(texts).to_numpy().tobytes(),
    )
