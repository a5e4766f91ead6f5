"""Rows on their way in: a chunk of them, and what is learnt while they stream by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict, Unpack

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.preparation import Preparation
from tl_core.data.roles.columns import Columns
from tl_core.data.sources.plan import Plan
from tl_core.data.tables.reading import Reading
from tl_core.data.versions.rows import Facts

if TYPE_CHECKING:
    import pyarrow as pa


class Prepared(TypedDict, total=False):
    """Fields of `Preparation` that are known by now."""

    columns: tuple[str, ...]
    pixels: tuple[int, ...]
    scale: tuple[float, ...]
    page: str
    repair: bool


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
    facts: Facts
    content: bytes  # the inputs one after the other, or their digests
    lengths: (
        bytes  # where each of them ends; with `content` the same however rows are cut into chunks
    )


@dataclass
class Intake:
    """What is learnt while the rows stream by."""

    skipped: list[dict[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    one_hot: set[str] = field(default_factory=set)  # columns that are one class each
    empty: int = 0
    damaged: list[str] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    preparation: Preparation = field(default_factory=Preparation)
    folds: set[str] = field(default_factory=set)
    several_pages: int = 0
    disagreeing: int = 0  # items to which annotators gave different classes
    undecided: int = 0  # of these, items without a commonest one

    def take(self, read: Read) -> Iterator[Chunk]:
        """Note what was left out of a chunk and hand on the rest."""
        chunk, skipped, empty = read
        self.skipped += skipped
        self.empty += empty
        if chunk is not None:
            yield chunk

    def note_reading(self, reading: Reading, name: str) -> None:
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

    def note_columns(self, roles: Columns) -> None:
        """Keep which columns were taken for what."""
        self.columns.update(roles.named())
        self.one_hot.update(roles.one_hot)
        roles.tell(self.plan)

    def prepare(self, **what: Unpack[Prepared]) -> None:
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


Read = tuple[Chunk | None, list[dict[str, str]], int]
"""A chunk, what was left out of it, and how many of these had no text."""
