"""A first look at pictures: how many of each class, some of them small, and the table beside
them.
"""

from __future__ import annotations

from collections import Counter

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.peek import peek
from tl_core.data.pictures.labelled_images import labelled_files
from tl_core.data.pictures.thumbnails import thumbnail
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.outlook import Preview
from tl_core.data.sources.types import Source
from tl_core.errors import DataError

_THUMBNAILS = 8


def look_at_pictures(source: Source, options: ImportOptions) -> Preview:
    """Counts by class and split, thumbnails (JPEG bytes) of some classes, columns of the table."""
    classes: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    thumbnails: list[tuple[str, bytes]] = []
    intake = Intake()
    for image in labelled_files(
        source, options, intake
    ):  # one at a time: a table may hold gigabytes of pictures
        classes[image.label] += 1
        splits[image.split] += 1
        if len(thumbnails) < _THUMBNAILS and seen[image.label] < 2:
            try:
                thumbnails.append((image.label, thumbnail(image.data or image.path.read_bytes())))
                seen[image.label] += 1
            except (DataError, OSError):
                continue  # the import will list it with its reason
    facts: Preview = {
        "rows": classes.total(),
        "classes": dict(classes),
        "splits": dict(splits),
        "thumbnails": thumbnails,
        "table": [],
        "guess": intake.columns,
        "folds": sorted({image.fold for image in source.files if image.fold} | intake.folds),
    }
    if source.listings:
        table = source.listings[0]
        head = None if table.kind else peek(table.path, options, source.limits, table.sheet)
        facts["table"] = list(head.frame.columns) if head else []
    return facts
