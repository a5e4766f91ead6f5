"""Recordings as items of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.checks.near_duplicates import similar_sounds
from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.file_preview import look_at_files
from tl_core.data.layouts.file_sources import lists_files_beside, open_item_files
from tl_core.data.layouts.table_set import TableSet
from tl_core.data.limits import Limits
from tl_core.data.preparation import PreparationFacts
from tl_core.data.sounds.decoding import HEAD_BYTES, SUFFIXES, decoded, sound_kind
from tl_core.data.sounds.drawing import sound_thumbnail
from tl_core.data.sounds.labelled_sounds import labelled_sounds
from tl_core.data.sounds.likeness import SameRecording
from tl_core.data.sounds.sound_chunks import NAME, sound_chunks
from tl_core.data.sounds.sound_findings import sound_findings
from tl_core.data.sounds.speakers import part_in_words
from tl_core.data.sources.file_kind import SOUNDS
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


class SoundItems:
    """Files, rows that name files, or rows that hold recordings."""

    stored = StoredColumn(NAME, {"decode": False, "_type": "Audio"}, at_once=64)
    formats = ("folders", "parquet")
    near_copy = "saved in another format, louder or cut at its ends"

    def is_item(self, path: Path) -> bool:
        """By the ending; a file without one by its first bytes."""
        suffix = path.suffix.lower()
        return suffix in SUFFIXES or (not suffix and _begins_as_sound(path))

    def open_files(
        self, contents: Contents, limits: Limits, options: ImportOptions
    ) -> Source | None:
        """Recordings wherever there are any; tables are then what lies beside them."""
        found = contents.items[NAME]
        return open_item_files(contents, limits, options, SOUNDS) if found else None

    def open_tables(self, tables: TableSet) -> Source | None:
        """Parquet files that hold recordings, or a table that lists some lying beside it."""
        if tables.held:
            return (
                Source(NAME, tables=tables.tables, root=tables.root)
                if tables.held == NAME
                else None
            )
        head = tables.head
        if head and tables.alone and lists_files_beside(tables.first, head, SOUNDS):
            return Source(NAME, listings=[tables.listing], root=tables.root)
        return None

    def look_into(self, source: Source, options: ImportOptions) -> Preview:
        """Counts, pictures of some, and the columns of the table that lists them."""
        intake = Intake()
        files = labelled_sounds(source, options, intake)
        return look_at_files(
            files, source, options, intake, lambda data: sound_thumbnail(decoded(data))
        )

    def stated_facts(
        self, source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
    ) -> StatedFacts:
        """Of all recordings, however many.

        Raises:
            DataError: when there are none.
        """
        facts = facts_of_files(labelled_sounds(source, options, intake), options, intake, sample)
        if facts is None:
            raise DataError(
                "No usable recording is left.", "", "Look at what was left out and why."
            )
        return facts

    def chunks(
        self, sources: dict[str, Source], options: ImportOptions, intake: Intake
    ) -> Iterator[Chunk]:
        """Decoded and measured, a few at a time."""
        return sound_chunks(sources, options, intake)

    def options_like(
        self, options: ImportOptions, columns: dict[str, str], preparation: PreparationFacts
    ) -> ImportOptions:
        """The speaker at the same place of the file names."""
        del preparation
        part = options.speaker_part or part_in_words(columns.get("group", ""))
        return replace(options, speaker_part=part)

    def near_pairs(self, facts: Facts, items: pa.Table) -> NDArray[np.int64]:
        """By a fingerprint of their spectrogram, then by the waves themselves."""
        column = items.column(NAME)

        def data_of(row: int) -> bytes:
            data: bytes = column.slice(row, 1).to_pylist()[0]["bytes"]
            return data

        return similar_sounds(facts["key"], facts["look"], facts["shape"], SameRecording(data_of))

    def findings(self, view: View) -> list[Finding]:
        """Recordings that hold little, are damaged, or differ in what should not matter."""
        return sound_findings(view)

    def glimpse(self, items: pa.Table, facts: Facts, row: int) -> SampleRow:
        """How long it is, and how it came."""
        del items
        return {
            "recording": f"{facts['seconds'][row]:.2f} s, {facts['rate'][row]:,} samples a second"
        }

    def titles(self, items: pa.Table) -> list[str]:
        """Names of files."""
        return list(items.column("name").to_pylist())


def _begins_as_sound(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return bool(sound_kind(handle.read(HEAD_BYTES)))
    except OSError:
        return False


SOUND_ITEMS = SoundItems()
