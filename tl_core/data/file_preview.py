"""A first look at items that are files: how many of each class, some of them drawn, and the table
beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.peek import peek
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.outlook import Preview
from tl_core.data.sources.types import ItemFile, Source
from tl_core.errors import DataError

_THUMBNAILS, _OF_EACH = 8, 2  # drawn files, and how many of one class


def look_at_files(
    files: Iterable[ItemFile],
    source: Source,
    options: ImportOptions,
    intake: Intake,
    draw: Callable[[bytes], bytes],
) -> Preview:
    """Counts by class and split, pictures (JPEG bytes) of some files, columns of the table.

    Args:
        files: of the source, one at a time: a table may hold gigabytes of them.
        source: of which `files` are.
        options: of the import.
        intake: which reading the files tells what columns are for.
        draw: makes a small picture of an encoded file.
    """
    classes: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    folds: set[str] = set()
    thumbnails: list[tuple[str, bytes]] = []
    for file in files:
        classes[file.label] += 1
        splits[file.split] += 1
        folds |= {file.fold} - {""}
        if len(thumbnails) < _THUMBNAILS and seen[file.label] < _OF_EACH:
            try:
                data = file.path.read_bytes() if file.data is None else file.data
                thumbnails.append((file.label, draw(data)))
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
