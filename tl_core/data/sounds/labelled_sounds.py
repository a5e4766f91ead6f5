"""Recordings with class, split and speaker, wherever these stand: folders, names, a table beside
them, or a table that holds them.
"""

from __future__ import annotations

from collections.abc import Iterator

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.held_files import held_files
from tl_core.data.layouts.listed_files import listed_files
from tl_core.data.sounds.speakers import with_speakers
from tl_core.data.sources.file_kind import SOUNDS
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.types import ItemFile, Source


def labelled_sounds(source: Source, options: ImportOptions, intake: Intake) -> Iterator[ItemFile]:
    """The recordings of `source`; of those that a table holds one at a time is in memory."""
    if source.tables:
        for table in source.tables:
            yield from held_files(table, options, intake, SOUNDS)
        return
    files = listed_files(source, options, intake) if source.listings else source.files
    spoken = with_speakers(list(files), intake.plan, options.speaker_part)
    if spoken.where:
        intake.columns["group"] = spoken.where
    yield from spoken.files
