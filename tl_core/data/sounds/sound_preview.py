"""A first look at recordings: how many of each class, some of them drawn, and the table beside
them.
"""

from __future__ import annotations

from collections import Counter

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.peek import peek
from tl_core.data.sounds.decoding import decoded
from tl_core.data.sounds.drawing import sound_thumbnail
from tl_core.data.sounds.labelled_sounds import labelled_sounds
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.outlook import Preview
from tl_core.data.sources.types import Source
from tl_core.errors import DataError

_THUMBNAILS = 8


def look_at_sounds(source: Source, options: ImportOptions) -> Preview:
    """Counts by class and split, pictures (JPEG bytes) of some recordings, columns of the table."""
    classes: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    folds: set[str] = set()
    thumbnails: list[tuple[str, bytes]] = []
    intake = Intake()
    for file in labelled_sounds(source, options, intake):
        classes[file.label] += 1
        splits[file.split] += 1
        folds |= {file.fold} - {""}
        if len(thumbnails) < _THUMBNAILS and seen[file.label] < 2:
            try:
                data = file.path.read_bytes() if file.data is None else file.data
                thumbnails.append((file.label, sound_thumbnail(decoded(data))))
                seen[file.label] += 1
            except (DataError, OSError):
                continue  # the import will list it with its reason
    facts: Preview = {
        "rows": classes.total(),
        "classes": dict(classes),
        "splits": dict(splits),
        "thumbnails": thumbnails,
        "table": [],
        "guess": intake.columns,
        "folds": sorted(folds | intake.folds),
    }
    if source.listings:
        table = source.listings[0]
        head = None if table.kind else peek(table.path, options, source.limits, table.sheet)
        facts["table"] = list(head.frame.columns) if head else []
    return facts
