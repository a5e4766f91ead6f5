"""What a dataset needs to know of a modality's items: how they are recognised in what a person
brings, how they come in, how they are stored, and how they are judged and shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.layouts.table_set import TableSet
from tl_core.data.limits import Limits
from tl_core.data.preparation import PreparationFacts
from tl_core.data.sources.intake import Chunk, Intake
from tl_core.data.sources.outlook import Preview, StatedFacts
from tl_core.data.sources.plan import SampleRow
from tl_core.data.sources.types import Contents, Source
from tl_core.data.versions.items import StoredColumn
from tl_core.data.versions.rows import Facts
from tl_core.modalities import MODALITIES, modality_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class ItemKind(Protocol):
    """How the data layer treats the items of one modality."""

    @property
    def stored(self) -> StoredColumn:
        """The column in which a version keeps them."""
        ...

    @property
    def formats(self) -> tuple[str, ...]:
        """What a dataset of them can be written as, of `versions.export.FORMATS`."""
        ...

    @property
    def near_copy(self) -> str:
        """How one that hardly differs from another came about."""
        ...

    def is_item(self, path: Path) -> bool:
        """Whether a file is one item, or may be, by its ending or its first bytes."""
        ...

    def open_files(
        self, contents: Contents, limits: Limits, options: ImportOptions
    ) -> Source | None:
        """The source that the files of a folder make; None where they are no items.

        Raises:
            AmbiguousError: when their classes can be read in several ways.
            DataError: when they have no classes.
        """
        ...

    def open_tables(self, tables: TableSet) -> Source | None:
        """The source that tables make whose rows hold or name items; None where they do not."""
        ...

    def look_into(self, source: Source, options: ImportOptions) -> Preview:
        """What a person sees of a source before its import."""
        ...

    def stated_facts(
        self, source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
    ) -> StatedFacts | None:
        """What the source says of each item, and into `sample` a few of them as a model will see
        them; None where there are too many to be counted while a person waits.
        """
        ...

    def chunks(
        self, sources: dict[str, Source], options: ImportOptions, intake: Intake
    ) -> Iterator[Chunk]:
        """All items of the sources, some at a time, with facts about each."""
        ...

    def options_like(
        self, options: ImportOptions, columns: dict[str, str], preparation: PreparationFacts
    ) -> ImportOptions:
        """The options under which further items are read as those of a version were."""
        ...

    def near_pairs(self, facts: Facts, items: pa.Table) -> NDArray[np.int64]:
        """Pairs of items (pairs, 2) that hardly differ."""
        ...

    def findings(self, view: View) -> list[Finding]:
        """What is wrong with single items."""
        ...

    def glimpse(self, items: pa.Table, facts: Facts, row: int) -> SampleRow:
        """A stored item in a few words, as a model will see it."""
        ...

    def titles(self, items: pa.Table) -> list[str]:
        """What a person knows each stored item by: itself, or its name."""
        ...


def kind_of(modality: str) -> ItemKind:
    """How the items of a modality are treated."""
    return cast(ItemKind, modality_of(modality).part("data"))


def kinds() -> dict[str, ItemKind]:
    """The kinds of all modalities, in the order in which a source is held to be of them."""
    return {name: kind_of(name) for name in MODALITIES}


def own_columns() -> set[str]:
    """Names of stored columns that no column of a source may take."""
    return {"name", *(kind.stored.name for kind in kinds().values())}


def extra_column(name: str) -> str:
    """What a column of a source is called that is kept beside the item."""
    return f"input_{name}" if name in own_columns() else name
