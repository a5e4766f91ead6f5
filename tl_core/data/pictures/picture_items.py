"""Pictures as items of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.checks.near_duplicates import similar_pictures
from tl_core.data.checks.quality import picture_findings
from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.file_preview import look_at_files
from tl_core.data.layouts.file_sources import lists_files_beside, open_item_files
from tl_core.data.layouts.table_set import TableSet
from tl_core.data.limits import Limits
from tl_core.data.pictures.images import SUFFIXES, picture_kind
from tl_core.data.pictures.labelled_images import labelled_files
from tl_core.data.pictures.picture_chunks import image_chunks
from tl_core.data.pictures.thumbnails import thumbnail
from tl_core.data.preparation import PreparationFacts
from tl_core.data.roles.wide import pixel_columns
from tl_core.data.sources.file_kind import PICTURES
from tl_core.data.sources.intake import Chunk, Intake
from tl_core.data.sources.outlook import Preview, StatedFacts, facts_of_files
from tl_core.data.sources.plan import SampleRow
from tl_core.data.sources.types import Contents, Source
from tl_core.data.versions.items import StoredColumn
from tl_core.data.versions.rows import Facts
from tl_core.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_NAME = "image"


class PictureItems:
    """Files, rows that name files, or rows that hold pictures or their pixels."""

    stored = StoredColumn(_NAME, {"decode": False, "_type": "Image"}, at_once=64)
    formats = ("folders", "parquet")
    near_copy = "saved again or scaled"

    def is_item(self, path: Path) -> bool:
        """By the ending; a file without one by its first bytes."""
        suffix = path.suffix.lower()
        return suffix in SUFFIXES or (not suffix and _begins_as_picture(path))

    def open_files(
        self, contents: Contents, limits: Limits, options: ImportOptions
    ) -> Source | None:
        """Pictures wherever there are any; tables are then what lies beside them."""
        found = contents.items[_NAME]
        return open_item_files(contents, limits, options, PICTURES) if found else None

    def open_tables(self, tables: TableSet) -> Source | None:
        """Tables of pictures or pixels, or one that lists pictures lying beside it."""
        if tables.held:
            return (
                Source(_NAME, tables=tables.tables, root=tables.root)
                if tables.held == _NAME
                else None
            )
        head = tables.head
        if head is None:
            return None
        if pixel_columns(head.frame):
            return Source(_NAME, tables=tables.tables, root=tables.root)
        if tables.alone and lists_files_beside(tables.first, head, PICTURES):
            return Source(_NAME, listings=[tables.listing], root=tables.root)
        return None

    def look_into(self, source: Source, options: ImportOptions) -> Preview:
        """Counts, thumbnails, and the columns of the table that lists them."""
        intake = Intake()
        files = labelled_files(source, options, intake)
        return look_at_files(files, source, options, intake, thumbnail)

    def stated_facts(
        self, source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
    ) -> StatedFacts:
        """Of all pictures, however many.

        Raises:
            DataError: when there are none.
        """
        facts = facts_of_files(labelled_files(source, options, intake), options, intake, sample)
        if facts is None:
            raise DataError("No usable picture is left.", "", "Look at what was left out and why.")
        return facts

    def chunks(
        self, sources: dict[str, Source], options: ImportOptions, intake: Intake
    ) -> Iterator[Chunk]:
        """Decoded and measured, a few dozen at a time."""
        return image_chunks(sources, options, intake)

    def options_like(
        self, options: ImportOptions, columns: dict[str, str], preparation: PreparationFacts
    ) -> ImportOptions:
        """The same pages of a file with several."""
        del columns
        pages = "all" if preparation.get("page") == "all" else "first"
        return replace(options, pages=options.pages or pages)

    def near_pairs(self, facts: Facts, items: pa.Table) -> NDArray[np.int64]:
        """By their looks and colours; the stored pictures are not opened again."""
        del items
        return similar_pictures(facts["key"], facts["look"], facts["colours"], facts["contrast"])

    def findings(self, view: View) -> list[Finding]:
        """Pictures that show little."""
        return picture_findings(view)

    def glimpse(self, items: pa.Table, facts: Facts, row: int) -> SampleRow:
        """Its size."""
        del items
        return {"picture": f"{facts['width'][row]} x {facts['height'][row]} pixels"}

    def titles(self, items: pa.Table) -> list[str]:
        """Names of files."""
        return list(items.column("name").to_pylist())


def _begins_as_picture(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return bool(picture_kind(handle.read(32)))
    except OSError:
        return False


PICTURE_ITEMS = PictureItems()
