"""Rows on their way in, a few thousand at a time: what the model sees, its class, and facts about
it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.columns import Columns, guess_columns
from tl_core.data.encodings import Utf8, sniff_coding
from tl_core.data.layouts.peek import HEAD, reading_of
from tl_core.data.limits import Limits
from tl_core.data.names import readable
from tl_core.data.plan import Plan
from tl_core.data.preparation import JOIN, Preparation, repaired
from tl_core.data.roles.wide import one_hot_labels
from tl_core.data.schema import ImportOptions
from tl_core.data.sources import Source
from tl_core.data.tables import Reading, Rows, read_table
from tl_core.data.text_facts import text_facts
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_DOCUMENTS_AT_ONCE = 1000
_WORKERS = 2  # the decoders and Arrow release the interpreter's lock
_RESERVED = ("text", "image", "name")


@dataclass
class Chunk:
    """Some rows. `items` are the columns to store (text or image, name, then extra ones), all
    strings but the image; `labels`, `splits`, `groups` and `dates` hold what the source says, ""
    where it says nothing.
    """

    items: pa.Table
    labels: pa.Array
    splits: pa.Array
    groups: pa.Array
    dates: pa.Array
    facts: dict[str, NDArray[Any]]
    content: bytes  # the inputs one after the other, or their digests
    lengths: (
        bytes  # where each of them ends; with `content` the same however rows are cut into chunks
    )


@dataclass
class Intake:
    """What is learnt while the rows stream by."""

    skipped: list[dict[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    empty: int = 0
    damaged: list[str] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    preparation: Preparation = field(default_factory=Preparation)
    folds: set[str] = field(default_factory=set)
    several_pages: int = 0
    disagreeing: int = 0  # items to which annotators gave different classes
    undecided: int = 0  # of these, items without a commonest one

    def take(self, read: _Read) -> Iterator[Chunk]:
        """Note what was left out of a chunk and hand on the rest."""
        chunk, skipped, empty = read
        self.skipped += skipped
        self.empty += empty
        if chunk is not None:
            yield chunk

    def told(self, reading: Reading, name: str) -> None:
        """Keep what the reader of the table `name` has noticed."""
        self.skipped += [
            {"item": f"{name} row {number}", "reason": reason} for number, reason in reading.bad
        ]
        self.skipped += [
            {"item": name, "reason": reason, "count": str(count)}
            for reason, count in reading.set_aside.items()
        ]
        self.disagreed(reading.disagreeing, reading.undecided)
        self.plan.format = self.plan.format or reading.format
        self.plan.note(*reading.notes)
        self.plan.doubt(*reading.doubts)

    def took(self, roles: Columns) -> None:
        """Keep which columns were taken for what."""
        self.columns.update(roles.named())
        roles.tell(self.plan)

    def prepare(self, **what: Any) -> None:  # noqa: ANN401
        """Keep what is done to each row, for the model to repeat."""
        self.preparation = replace(self.preparation, **what)

    def disagreed(self, items: int, ties: int) -> None:
        """Keep that annotators gave different classes to the same items."""
        self.disagreeing += items
        self.undecided += ties

    def place(self, fold: str, options: ImportOptions) -> str:
        """The split of a row by its fold, where one fold was chosen for the test."""
        if fold and len(self.folds) < 1000:
            self.folds.add(fold)
        if not options.test_fold or not fold:
            return ""
        return "test" if _fold_name(fold) == _fold_name(options.test_fold) else "train"


def _fold_name(fold: str) -> str:
    """A fold as it can be compared: fold_1, Fold 1 and 1 are one."""
    digits = "".join(filter(str.isdecimal, fold))
    return str(int(digits)) if digits else fold.strip().lower()


_Read = tuple[Chunk | None, list[dict[str, str]], int]


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
    ahead: deque[Future[_Read]] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for rows, roles, part in table_rows(sources, options, intake):
            ahead.append(pool.submit(_text_chunk, rows, roles, part, options, intake))
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
                    intake.took(roles)
                    intake.prepare(
                        columns=tuple(filter(None, (roles.title, roles.text))),
                        repair=options.repair,
                    )
                _check_columns(rows, roles, readable(table.path.name))
                yield rows, roles, part
            intake.told(reading, readable(table.path.name))


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

    if not source.documents:
        return
    intake.columns.update({"text": "file", "label": "folder"})
    intake.prepare(repair=options.repair)
    roles = Columns(text="text", label="label", split="split")
    documents = iter(source.documents)
    while batch := list(islice(documents, _DOCUMENTS_AT_ONCE)):
        texts = [_document(one.path, source.limits) for one in batch]
        cells = pa.table(
            {
                "text": pa.array(texts, pa.string()),
                **{
                    name: pa.array(values, pa.string())
                    for name, values in (
                        ("label", [one.label for one in batch]),
                        (
                            "split",
                            [
                                outer
                                or intake.place(one.fold, options)
                                or ("" if one.split == "unlabelled" else one.split)
                                for one in batch
                            ],
                        ),
                    )
                },
            }
        )
        rows = Rows(np.arange(len(batch)), cells)
        part = Part("", "", "", source.limits)
        yield from intake.take(
            _text_chunk(rows, roles, part, options, intake, [one.name for one in batch])
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


def _text_chunk(
    rows: Rows,
    roles: Columns,
    part: Part,
    options: ImportOptions,
    intake: Intake,
    called: list[str] | None = None,
) -> _Read:
    """The chunk, what was left out of it, and how many of these had no text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells, numbers = rows.cells.combine_chunks(), rows.numbers
    names = (
        pa.array(called, pa.string())
        if called
        else pc.binary_join_element_wise(
            f"{readable(part.file.rpartition('.')[0] or part.file)} row ",
            pa.array(numbers).cast(pa.string()),
            "",
        )
    )
    texts = column(cells, roles.text)
    if roles.title:
        texts = pc.binary_join_element_wise(column(cells, roles.title), texts, JOIN)
    if options.repair:
        texts = pa.array([repaired(text) for text in texts.to_pylist()], pa.string())
    texts = pc.utf8_trim_whitespace(texts)
    lengths = pc.utf8_length(texts).to_numpy()
    good = (lengths > 0) & (lengths <= part.limits.cell_chars)
    skipped = [
        {
            "item": str(name),
            "reason": f"over {part.limits.cell_chars:,} characters" if length else "no text",
        }
        for name, length in zip(
            names.filter(pa.array(~good)).to_pylist(), lengths[~good].tolist(), strict=True
        )
    ]
    empty_texts = int((lengths == 0).sum())
    if not good.all():
        keep = pa.array(np.flatnonzero(good))
        cells, texts, numbers, names = (
            cells.take(keep),
            texts.take(keep),
            numbers[good],
            names.take(keep),
        )
    if not len(numbers):
        return None, skipped, empty_texts
    extra = {
        f"input_{name}" if name in _RESERVED else name: column(cells, name)
        for name in cells.column_names
        if name not in (roles.text, roles.label, *(("split",) if called else ()))
    }
    empty = _same("", len(numbers))
    chunk = Chunk(
        pa.table({"text": texts, "name": names, **extra}),
        row_labels(cells, roles, part, numbers),
        row_splits(cells, roles, part, options, intake),
        column(cells, roles.group) if roles.group else empty,
        column(cells, roles.date) if roles.date else empty,
        text_facts(texts),
        *_text_bytes(texts),
    )
    return chunk, skipped, empty_texts


def row_labels(cells: pa.Table, roles: Columns, part: Part, numbers: NDArray[np.int64]) -> pa.Array:
    """The class of each row: of its table, its column, or its columns of 0 and 1."""
    if part.label or part.split == "unlabelled":
        return _same(part.label, cells.num_rows)
    if roles.one_hot and set(roles.one_hot) <= set(cells.column_names):
        return one_hot_labels(cells, roles.one_hot, numbers)
    return column(cells, roles.label) if roles.label else _same("", cells.num_rows)


def row_splits(
    cells: pa.Table, roles: Columns, part: Part, options: ImportOptions, intake: Intake
) -> pa.Array:
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
    import pyarrow as pa

    if name not in cells.column_names:
        return _same("", cells.num_rows)
    found = cells.column(name).combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


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
