"""A first look into a source, before it becomes a dataset: what is in it and how it would be understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.data import split
from tl_core.data.chunks import Intake
from tl_core.data.columns import guess_columns, guess_image_columns
from tl_core.data.image_tables import labelled_files
from tl_core.data.images import open_image
from tl_core.data.limits import Limits
from tl_core.data.rows import Codes, as_seconds, as_split
from tl_core.data.schema import ImportOptions
from tl_core.data.sources import Source, open_source
from tl_core.data.tables import Reading, read_table
from tl_core.data.text_facts import clean_label
from tl_core.errors import DataError

_PREVIEW_ROWS = 8
_PREVIEW_CHARS = 300
_THUMBNAILS = 8
_SIDE = 192
_PLANNED_ROWS = 200_000  # beyond this many the plan of the splits would keep the page waiting


def look_into(path: Path, staging: Path, limits: Limits, options: dict[str, Any]) -> dict[str, Any]:
    """Modality, counts, splits, skipped items, and columns with a preview or thumbnails (JPEG bytes).

    A zip is unpacked below `staging`; `source` in the answer is then the folder to import from.

    Raises:
        DataError: when nothing in it can be learnt from.
    """
    unpacked = staging / "unpacked"
    source = open_source(path, staging, limits)
    facts = {"modality": source.modality, "skipped": source.skipped[:200], "skipped_count": len(source.skipped),
             "source": str(unpacked if unpacked.is_dir() else path)}
    chosen = ImportOptions.from_dict(options)
    if source.modality == "image":
        return facts | _look_at_images(source, chosen)
    return facts | _look_at_tables(source, chosen)


def _look_at_images(source: Source, options: ImportOptions) -> dict[str, Any]:
    classes: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    thumbnails: list[tuple[str, bytes]] = []
    for image in labelled_files(source, options, Intake()):  # one at a time: a table may hold gigabytes of pictures
        classes[image.label] += 1
        splits[as_split(image.split)] += 1
        if len(thumbnails) < _THUMBNAILS and seen[image.label] < 2:
            try:
                thumbnails.append((image.label, thumbnail(image.data or image.path.read_bytes())))
                seen[image.label] += 1
            except (DataError, OSError):
                continue  # the import will list it with its reason
    found = {"rows": classes.total(), "classes": dict(classes), "splits": dict(splits), "thumbnails": thumbnails,
             "table": [], "guess": {}}
    if source.image_tables:
        head = next(read_table(source.image_tables[0], Reading(options.encoding, options.sheet))).cells
        frame = head.slice(0, 1000).to_pandas()
        found |= {"table": head.column_names, "guess": vars(guess_image_columns(frame, options))}
    return found


def thumbnail(data: bytes, side: int = _SIDE, *, whole: bool = False) -> bytes:
    """A small JPEG of an encoded picture, upright and RGB: a square from its middle, or all of it."""
    import io

    from PIL import ImageOps

    picture = (ImageOps.contain if whole else ImageOps.fit)(open_image(data), (side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _look_at_tables(source: Source, options: ImportOptions) -> dict[str, Any]:
    main = source.tables.get("") or source.tables.get("train") or next(iter(source.tables.values()))
    sheets: list[str] = []
    if main.suffix.lower() == ".xlsx":
        from tl_core.data.workbook import sheet_names

        try:
            sheets = sheet_names(main)
        except ValueError as error:
            raise DataError(f"{main.name!r} cannot be read as an Excel file.", f"{error}.",
                            "Open it in Excel and save it again.") from error
    head = next(read_table(main, Reading(options.encoding, options.sheet, source.limits))).cells
    frame = head.slice(0, 1000).to_pandas()
    guess: dict[str, str] = {}
    problem = ""
    try:
        guess = vars(guess_columns(frame, options))
    except DataError as error:
        problem = str(error)
    preview = [{name: value[:_PREVIEW_CHARS] for name, value in record.items()}
               for record in head.slice(0, _PREVIEW_ROWS).to_pylist()]
    return {"columns": head.column_names, "guess": dict(guess), "problem": problem, "preview": preview,
            "splits": dict.fromkeys(source.tables, 0), "rows": head.num_rows, "sheets": sheets}


def plan_splits(path: Path, staging: Path, limits: Limits, options: dict[str, Any]) -> dict[str, Any]:
    """How many rows of each class would go to each split, before anything is frozen.

    Copies are not looked for, so a few rows may still change sides. `classes` maps class to split to rows.

    Raises:
        DataError: as the import would.
    """
    chosen = ImportOptions.from_dict(options)
    source = open_source(path, staging, limits)
    columns = _image_labels(source, chosen) if source.modality == "image" else _table_labels(source, chosen)
    if columns is None:
        return {"classes": {}, "too_many": True}
    classes, given, groups, dates = columns
    codes = Codes(clean_label)
    labels = codes.add(classes)
    named = Codes().add(groups)
    units = np.where(named >= 0, named, named.max(initial=0) + 1 + np.arange(len(named)))
    own = np.array([as_split(name) for name in given.to_pylist()], dtype="<U10")
    result = split.assign_splits(labels, units, own, replace(chosen, new_rows="train"), as_seconds(dates))
    used = [name for name in ("train", "validation", "test") if (result.splits == name).any()]
    table = {name: np.bincount(labels[(result.splits == name) & (labels >= 0)], minlength=len(codes.names))
             for name in used}
    return {"classes": {name: {part: int(table[part][place]) for part in used} for place, name in
                        sorted(enumerate(codes.names), key=lambda pair: pair[1])},
            "unlabelled": int((labels < 0).sum()), "too_many": False}


def _image_labels(source: Source, options: ImportOptions) -> tuple[Any, ...] | None:
    import pyarrow as pa

    facts = [(file.label, file.split, file.group, file.date) for file in labelled_files(source, options, Intake())]
    return tuple(pa.array(list(column), pa.string()) for column in zip(*facts, strict=True)) if facts else None


def _table_labels(source: Source, options: ImportOptions) -> tuple[Any, ...] | None:
    """Class, split, group and date of all rows with a text, or None for too many of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: list[pa.Table] = []
    roles, count = None, 0
    for own, path in source.tables.items():
        for rows in read_table(path, Reading(options.encoding, options.sheet, source.limits)):
            roles = roles or guess_columns(rows.cells.slice(0, 1000).to_pandas(), options)
            count += len(rows.numbers)
            if count > _PLANNED_ROWS:
                return None
            cells = rows.cells.filter(pc.not_equal(pc.utf8_trim_whitespace(rows.cells.column(roles.text)), ""))
            empty = pa.repeat(pa.scalar("", pa.string()), cells.num_rows)
            told = pa.repeat(pa.scalar(own, pa.string()), cells.num_rows)
            parts.append(pa.table({
                "label": cells.column(roles.label), "group": cells.column(roles.group) if roles.group else empty,
                "date": cells.column(roles.date) if roles.date else empty,
                "split": told if own else cells.column(roles.split) if roles.split else empty}))
    whole = pa.concat_tables(parts).combine_chunks()
    return tuple(pa.concat_arrays(whole.column(name).chunks) if whole.num_rows else pa.array([], pa.string())
                 for name in ("label", "split", "group", "date"))
