"""Chunks of rows gathered into arrays: classes, splits and groups as numbers, dates as seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.dates import DateReader
from tl_core.data.cells.label_cells import label_name
from tl_core.data.cells.label_checks import doubts, placeholders, several_lines
from tl_core.data.cells.label_lists import read_sets
from tl_core.data.cells.split_cells import split_values
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import LabelSets, gathered
from tl_core.data.sources.intake import Chunk
from tl_core.data.versions.rows import Facts, RowFacts
from tl_core.errors import DataError
from tl_core.tasks import MULTI_LABEL

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_SPLITS, _SHOWN = 200, 40
_BREAK = re.compile(r"[\t\n\r\v\f\u2028]")


class Codes:
    """Numbers for strings that come again and again, given out in order of appearance; "" is -1."""

    def __init__(self, tidy: Callable[[str], str] = str) -> None:
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
        codes: NDArray[np.int64] = numbers[packed.indices.to_numpy(zero_copy_only=False)]
        return codes

    def _number(self, cell: str) -> int:
        name = self._tidy(cell)
        if name and _BREAK.search(cell.strip()):
            self.broken[name] = cell
        if name not in self._known:
            self._known[name] = len(self.names)
            self.names.append(name)
        return self._known[name]


class Collector:
    """Gathers chunks into `RowFacts`; a few dozen bytes per row.

    Of the options those count that say how classes and dates are written. Once finished, `dates`
    tells how its column was read (`notes`, `unreadable`), `blank_splits` how many cells of the
    split column say nothing among others that do, `notes` what was done about classes that are
    lists or placeholders, and `doubts` what a person should look at among the classes.
    """

    def __init__(
        self,
        modality: str,
        options: ImportOptions = ImportOptions(),  # noqa: B008 - frozen
        split_column: str = "",
    ) -> None:
        self._modality, self._options, self.split_column = modality, options, split_column
        self._labels, self._splits, self._groups = Codes(label_name), Codes(str.strip), Codes()
        self._parts: list[tuple[NDArray[np.int64], ...]] = []
        self._facts: list[Facts] = []
        self.dates = DateReader(options.date_order)
        self.blank_splits = 0
        self.count = 0
        self.separator = options.label_separator
        self.notes: list[str] = []
        self.doubts: list[str] = []

    def add(self, chunk: Chunk) -> None:
        """Take some rows.

        Raises:
            DataError: when the split column holds far too many different values to be one.
        """
        said = [chunk.labels, chunk.splits]
        if self._options.label_here:
            said = [_nothing(len(cells)) for cells in said]
        self._parts.append(
            (self._labels.add(said[0]), self._splits.add(said[1]), self._groups.add(chunk.groups))
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

    def finish(self, one_hot: Collection[str] = ()) -> RowFacts:
        """All that was gathered, classes in alphabetical order, as one of each row or as sets.

        Args:
            one_hot: columns that are one class each, where the classes were read from such.

        Raises:
            AmbiguousError: when the dates can be read in two orders.
            DataError: when cells of the split column name no split.
        """
        labels, splits, groups = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        given = self._given(splits)
        sets, labels = self._meaning(labels, given, one_hot)
        facts = {
            name: np.concatenate([part.pop(name) for part in self._facts])
            for name in list(self._facts[0])
        }
        return RowFacts(
            self._modality,
            sets,
            labels,
            given,
            groups,
            self.dates.finish(),
            facts,
        )

    def _meaning(
        self, labels: NDArray[np.int64], given: NDArray[np.str_], one_hot: Collection[str]
    ) -> tuple[LabelSets, NDArray[np.int64]]:
        """The classes, and which of them each row has."""
        if self._options.label_here:
            several = self._options.task == MULTI_LABEL.name
            return LabelSets.of_places([], []) if several else LabelSets.of_classes([]), labels
        lists = several_lines(self._labels.names, self._labels.broken)
        names = [lists.get(name, name) for name in self._labels.names]
        read = read_sets(names, labels, self._options.task, self._options.label_separator, one_hot)
        if read.sets.several:
            self.notes, self.doubts, self.separator = read.notes, read.doubts, read.separator
            return read.sets, read.labels
        blank, empty = placeholders(read.sets.classes, read.labels, given)
        self.notes = [*read.notes, *empty]
        read.labels[blank] = -1
        self.doubts = doubts(read.sets.classes, read.labels, given)
        return gathered(read.sets.named, read.labels, several=False)

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


def _nothing(count: int) -> pa.Array:
    """Cells that say nothing."""
    import pyarrow as pa

    return pa.repeat(pa.scalar("", pa.string()), count)


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
