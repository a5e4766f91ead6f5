"""What is remembered of each row while its content lies on disk: class, split, group and facts, as
arrays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.dates import DateReader
from tl_core.data.cells.label_cells import label_name
from tl_core.data.cells.label_checks import doubts, placeholders, several_lines
from tl_core.data.cells.split_cells import as_split as as_split
from tl_core.data.cells.split_cells import split_values as split_values
from tl_core.data.chunks import Chunk
from tl_core.data.near import Pairs, clusters, similar_pictures, similar_texts
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_LOOSE_CLUSTER = (
    10  # more look-alikes than this are a common layout, not copies, and may stand on both sides
)
_MOST_SPLITS, _SHOWN = 200, 40
_BREAK = re.compile(r"[\t\n\r\v\f\u2028]")
_WIDE: dict[str, Any] = {"signature": np.uint32, "colours": np.uint8}


class Codes:
    """Numbers for strings that come again and again, given out in order of appearance; "" is -1."""

    def __init__(self, tidy: Any = str) -> None:  # noqa: ANN401
        self.names: list[str] = []
        self.broken: dict[
            str, str
        ] = {}  # names whose cell has several lines or tabs, with that cell
        self._known: dict[str, int] = {"": -1}
        self._tidy = tidy

    def add(self, values: pa.Array) -> NDArray[np.int64]:
        packed = values.dictionary_encode()
        numbers = np.array(
            [self._number(name) for name in packed.dictionary.to_pylist()] or [-1], dtype=np.int64
        )
        found: NDArray[np.int64] = numbers[packed.indices.to_numpy(zero_copy_only=False)]
        return found

    def _number(self, cell: str) -> int:
        name = self._tidy(cell)
        if name and _BREAK.search(cell.strip()):
            self.broken[name] = cell
        if name not in self._known:
            self._known[name] = len(self.names)
            self.names.append(name)
        return self._known[name]


@dataclass
class RowFacts:
    """Arrays with one entry per row.

    `labels` are places in `classes` or -1; `given` the source's own split or ""; `named` a number
    for each named group or -1; `dates` seconds or NaN; `facts` what `text_facts` or the pictures
    gave; `pairs` near-duplicates.
    """

    modality: str
    classes: list[str]
    labels: NDArray[np.int64]
    given: NDArray[np.str_]
    named: NDArray[np.int64]
    dates: NDArray[np.float64]
    facts: dict[str, NDArray[Any]]
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def find_pairs(self, folder: Path) -> None:
        """Fill `pairs`, with the texts in `folder` for the exact check."""
        facts = self.facts
        if self.modality == "image":
            self.pairs = similar_pictures(
                facts["key"], facts["look"], facts["colours"], facts["contrast"]
            )
            return
        from tl_core.data.store import open_items

        texts = open_items(folder).column("text")
        self.pairs = similar_texts(
            facts["key"], facts["signature"], lambda rows: list(texts.take(rows).to_pylist())
        )

    def groups(self) -> NDArray[np.int64]:
        """Rows that must stay on one side of a split made here: named groups, exact copies, small
        sets of near-duplicates, and whatever chains of these connect.
        """
        count = len(self)
        links = [_to_first(self.facts["key"]), _to_first(self.named, self.named >= 0)]
        if len(self.pairs):
            own = clusters(count, self.pairs)
            small = np.bincount(own)[own] <= _LOOSE_CLUSTER
            links.append(self.pairs[small[self.pairs[:, 0]]])
        return clusters(count, np.concatenate(links))


def _to_first(values: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Pairs:
    """A link from each row to the first one with its value."""
    rows = np.arange(len(values)) if mask is None else np.flatnonzero(mask)
    _, first, back = np.unique(values[rows], return_index=True, return_inverse=True)
    start: NDArray[np.int64] = rows[first][back].astype(np.int64)
    apart = start != rows
    return np.stack([start[apart], rows[apart].astype(np.int64)], axis=1)


class Collector:
    """Gathers chunks into `RowFacts`; a few dozen bytes per row.

    Once finished, `dates` tells how its column was read (`notes`, `unreadable`), `blank_splits` how
    many cells of the split column say nothing among others that do, `notes` what was done about
    classes that are placeholders, and `doubts` what a person should look at among the classes.
    """

    def __init__(self, modality: str, date_order: str = "", split_column: str = "") -> None:
        self._modality, self.split_column = modality, split_column
        self._labels, self._splits, self._groups = Codes(label_name), Codes(str.strip), Codes()
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._facts: list[dict[str, NDArray[Any]]] = []
        self.dates = DateReader(date_order)
        self.blank_splits = 0
        self.count = 0
        self.notes: list[str] = []
        self.doubts: list[str] = []

    def add(self, chunk: Chunk) -> None:
        """Take some rows.

        Raises:
            DataError: when the split column holds far too many different values to be one.
        """
        self._parts.append(
            (
                self._labels.add(chunk.labels),
                self._splits.add(chunk.splits),
                self._groups.add(chunk.groups),
            )
        )
        self.dates.add(chunk.dates)
        self._facts.append(chunk.facts)
        self.count += len(chunk.labels)
        if len(self._splits.names) > _MOST_SPLITS:
            raise DataError(
                f"The split column {self.split_column!r} holds over {_MOST_SPLITS} different"
                " values.",
                f"Such as {', '.join(repr(name[:_SHOWN]) for name in self._splits.names[:3])}.",
                "Name the column that says train, validation or test.",
            )

    def finish(self) -> RowFacts:
        """All that was gathered, classes in alphabetical order.

        Raises:
            AmbiguousError: when the dates can be read in two orders.
            DataError: when cells of the split column name no split.
        """
        labels, splits, groups = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        given = self._given(splits)
        blank, self.notes = placeholders(self._labels.names, labels, given)
        gone = set(np.unique(labels[blank]).tolist())
        labels[blank] = -1
        self.doubts = doubts(self._labels.names, labels, given)
        lists = several_lines(self._labels.names, self._labels.broken)
        names = [lists.get(name, name) for name in self._labels.names]
        order = sorted(
            (place for place in range(len(names)) if place not in gone),
            key=lambda place: names[place],
        )
        places = np.full(len(names) + 1, -1, dtype=np.int64)
        places[np.array(order, dtype=np.int64)] = np.arange(len(order))
        facts = {
            name: np.concatenate([part.pop(name) for part in self._facts])
            for name in list(self._facts[0])
        }
        return RowFacts(
            self._modality,
            [names[place] for place in order],
            places[labels],
            given,
            groups,
            self.dates.finish(),
            facts,
        )

    def _given(self, codes: NDArray[np.int64]) -> NDArray[np.str_]:
        """What the cells of the split column mean."""
        counts = np.bincount(codes + 1, minlength=len(self._splits.names) + 1).tolist()
        cells = dict(zip(["", *self._splits.names], counts, strict=True))
        meaning = split_values(
            self.split_column, {cell: count for cell, count in cells.items() if count}
        )
        if self.split_column and len(meaning) > 1 and not meaning.get("", "train"):
            self.blank_splits = cells[""]
        given: NDArray[np.str_] = np.array(
            [*(meaning.get(name, "") for name in self._splits.names), meaning.get("", "")],
            dtype="<U10",
        )[codes]
        return given


def as_seconds(dates: pa.Array, order: str = "") -> NDArray[np.float64]:
    """All dates of a column as seconds since 1970, NaN where they cannot be read.

    Raises:
        AmbiguousError: when they can be read in several orders and `order` (dmy, mdy or ymd) does
        not say which.
        DataError: when they are written in an order that cannot be read.
    """
    reader = DateReader(order)
    reader.add(dates)
    return reader.finish()


def write_facts(folder: Path, rows: RowFacts) -> None:
    """`facts.parquet` (one line per row) and `pairs.parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"named": rows.named, "date": rows.dates}
    for name, values in rows.facts.items():
        if values.ndim == 2:
            width = values.shape[1] * values.itemsize
            columns[name] = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(width), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
            )
        else:
            columns[name] = values
    pq.write_table(pa.table(columns), folder / "facts.parquet", compression="zstd")
    pq.write_table(
        pa.table({"a": rows.pairs[:, 0], "b": rows.pairs[:, 1]}), folder / "pairs.parquet"
    )


def read_facts(folder: Path) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """The columns of `facts.parquet` as arrays, and the pairs.

    Raises:
        DataError: for a version that was made before facts were kept.
    """
    import pyarrow.parquet as pq

    if not (folder / "facts.parquet").is_file():
        raise DataError(
            "This version was made by an older release of this program.",
            "It holds no facts about its rows, so it cannot be compared or mended.",
            "Add the data again; runs on it stay as they are.",
        )
    table = pq.read_table(folder / "facts.parquet", memory_map=True)
    found: dict[str, NDArray[Any]] = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if name in _WIDE:
            raw = b"".join(column.to_pylist())
            found[name] = np.frombuffer(raw, dtype=_WIDE[name]).reshape(len(column), -1)
        else:
            found[name] = column.to_numpy(zero_copy_only=False)
    pairs = pq.read_table(folder / "pairs.parquet")
    return found, np.stack([pairs.column(name).to_numpy() for name in ("a", "b")], axis=1).astype(
        np.int64
    )
