"""A first look into a source, before it becomes a dataset: what is in it and how it would be understood."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tl_core.data.archive import Limits
from tl_core.data.images import open_image
from tl_core.data.schema import ImportOptions, guess_columns
from tl_core.data.sources import Source, open_source
from tl_core.data.tables import read_table
from tl_core.errors import DataError

_PREVIEW_ROWS = 8
_THUMBNAILS = 8
_SIDE = 192


def look_into(path: Path, staging: Path, limits: Limits, options: dict[str, Any]) -> dict[str, Any]:
    """Modality, counts, splits, skipped items, and columns with a preview or thumbnails (JPEG bytes).

    A zip is unpacked below `staging`; `source` in the answer is then the folder to import from.

    Raises:
        DataError: when nothing in it can be learnt from.
    """
    source = open_source(path, staging, limits)
    unpacked = staging / "unpacked"
    facts = {"modality": source.modality, "skipped": source.skipped[:200], "skipped_count": len(source.skipped),
             "source": str(unpacked if unpacked.is_dir() else path)}
    return facts | (_look_at_images(source) if source.modality == "image" else _look_at_tables(source, options))


def _look_at_images(source: Source) -> dict[str, Any]:
    splits = Counter(image.split for image in source.images)
    thumbnails: list[tuple[str, bytes]] = []
    seen: Counter[str] = Counter()
    for image in sorted(source.images, key=lambda image: image.name):
        if len(thumbnails) < _THUMBNAILS and seen[image.label] < 2:
            try:
                thumbnails.append((image.label, thumbnail(image.path.read_bytes())))
                seen[image.label] += 1
            except (DataError, OSError):
                continue  # the import will list it with its reason
    return {"rows": len(source.images), "classes": dict(Counter(image.label for image in source.images)),
            "splits": dict(splits), "thumbnails": thumbnails}


def thumbnail(data: bytes, side: int = _SIDE) -> bytes:
    """A small square JPEG from the middle of an encoded picture, upright and RGB."""
    import io

    from PIL import ImageOps

    picture = ImageOps.fit(open_image(data), (side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _look_at_tables(source: Source, options: dict[str, Any]) -> dict[str, Any]:
    main = source.tables.get("") or source.tables["train"]
    head = next(read_table(main))
    guess: dict[str, str] = {}
    problem = ""
    try:
        guess = vars(guess_columns(head, ImportOptions.from_dict(options)))
    except DataError as error:
        problem = str(error)
    return {"columns": [str(name) for name in head.columns], "guess": dict(guess), "problem": problem,
            "preview": head.head(_PREVIEW_ROWS).to_dict("records"), "splits": dict.fromkeys(source.tables, 0),
            "rows": len(head)}
