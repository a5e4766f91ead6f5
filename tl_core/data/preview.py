"""A first look into a source, before it becomes a dataset: what is in it and how it would be
understood.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np

from tl_core.data.cells.label_cells import label_name
from tl_core.data.cells.split_cells import split_values
from tl_core.data.checks.class_names import check_counts
from tl_core.data.layouts.peek import HEAD, peek, reading_of
from tl_core.data.limits import Limits
from tl_core.data.pictures.images import open_image
from tl_core.data.pictures.labelled_images import labelled_files
from tl_core.data.preparation import JOIN, repaired
from tl_core.data.roles.columns import Columns, guess_columns
from tl_core.data.schema import ImportOptions
from tl_core.data.sources.detect import open_source
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.plan import PlanFacts, SampleRow
from tl_core.data.sources.types import ItemFile, Source
from tl_core.data.tables.chunks import column, row_labels, row_splits, table_rows
from tl_core.data.tables.table import read_table
from tl_core.data.versions import split
from tl_core.data.versions.collector import Codes, as_seconds
from tl_core.errors import AmbiguousError, DataError, ErrorObject

if TYPE_CHECKING:
    import pyarrow as pa

_PREVIEW_ROWS = 8
_PREVIEW_CHARS = 300
_THUMBNAILS = 8
_SIDE = 192
_PLANNED_ROWS = 200_000  # beyond this many the plan of the splits would keep the page waiting
_SAMPLES = 3


class Preview(TypedDict, total=False):
    """What is in a source; the keys from `columns` on are those of its kind."""

    source: str
    question: ErrorObject | None
    modality: str
    skipped: list[dict[str, str]]
    skipped_count: int
    rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    guess: dict[str, str]
    folds: list[str]
    columns: list[str]
    one_hot: list[str]
    preview: list[dict[str, str]]
    sheets: list[str]
    documents: bool
    files_are_classes: bool
    table: list[str]
    thumbnails: list[tuple[str, bytes]]


class ImportPlan(TypedDict, total=False):
    """How a source would be imported, or the question that only a person can answer."""

    question: ErrorObject | None
    classes: dict[str, dict[str, int]]
    unlabelled: int
    too_many: bool
    plan: PlanFacts


class _RowFacts(NamedTuple):
    """What the source says of each row: arrays of strings."""

    classes: pa.Array
    splits: pa.Array
    groups: pa.Array
    dates: pa.Array


def look_into(path: Path, staging: Path, limits: Limits, options: dict[str, object]) -> Preview:
    """Modality, counts, splits, skipped items, and columns with a preview or thumbnails (JPEG
    bytes).

    A zip is unpacked below `staging`; `source` in the answer is then the folder to import from.
    Where only a person can say how the source is meant, the answer is `question`, with the option
    and its choices.

    Raises:
        DataError: when nothing in it can be learnt from.
    """
    unpacked = staging / "unpacked"
    chosen = ImportOptions.from_dict(options)
    try:
        source = open_source(path, staging, limits, chosen)
        facts: Preview = {
            "modality": source.modality,
            "skipped": source.skipped[:200],
            "skipped_count": len(source.skipped),
            "source": str(unpacked if unpacked.is_dir() else path),
            "question": None,
        }
        if source.modality == "image":
            return facts | _look_at_images(source, chosen)
        return facts | (
            _look_at_documents(source) if source.documents else _look_at_tables(source, chosen)
        )
    except AmbiguousError as error:
        return {"source": str(unpacked if unpacked.is_dir() else path), "question": error.as_dict()}


def _look_at_images(source: Source, options: ImportOptions) -> Preview:
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
        "folds": sorted({image.fold for image in source.images if image.fold} | intake.folds),
    }
    if source.image_tables:
        table = source.image_tables[0]
        head = None if table.kind else peek(table.path, options, source.limits, table.sheet)
        facts["table"] = list(head.frame.columns) if head else []
    return facts


def thumbnail(data: bytes, side: int = _SIDE, *, whole: bool = False) -> bytes:
    """A small JPEG of an encoded picture, upright and RGB: a square from its middle, or all of
    it.
    """
    import io

    from PIL import ImageOps

    picture = (ImageOps.contain if whole else ImageOps.fit)(open_image(data), (side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _look_at_documents(source: Source) -> Preview:
    classes = Counter(one.label for one in source.documents if one.label)
    return {
        "rows": len(source.documents),
        "classes": dict(classes),
        "columns": [],
        "guess": {},
        "preview": [],
        "sheets": [],
        "documents": True,
        "folds": sorted({one.fold for one in source.documents if one.fold}),
        "splits": dict(Counter(one.split for one in source.documents if one.split)),
    }


def _look_at_tables(source: Source, options: ImportOptions) -> Preview:
    main = source.tables[0]
    sheets: list[str] = []
    if main.path.suffix.lower() == ".xlsx":
        from tl_core.data.readers.workbook import sheet_names

        try:
            sheets = sheet_names(main.path)
        except ValueError as error:
            raise DataError(
                f"{main.path.name!r} cannot be read as an Excel file.",
                f"{error}.",
                "Open it in Excel and save it again.",
            ) from error
    reading = reading_of(options, source.limits, main.sheet)
    head = next(read_table(main.path, reading)).cells
    frame = head.slice(0, HEAD).to_pandas()
    roles = Columns()
    with suppress(
        DataError
    ):  # the plan says what is unclear; here the columns are shown to choose among
        roles = guess_columns(frame, options, reading.roles, label=not main.label)
    preview = [
        {name: value[:_PREVIEW_CHARS] for name, value in record.items()}
        for record in head.slice(0, _PREVIEW_ROWS).to_pylist()
    ]
    return {
        "columns": head.column_names,
        "guess": roles.named(),
        "one_hot": list(roles.one_hot),
        "folds": sorted({cell for cell in frame[roles.fold] if cell})[:100] if roles.fold else [],
        "preview": preview,
        "splits": dict.fromkeys((one.split for one in source.tables), 0),
        "rows": head.num_rows,
        "sheets": sheets,
        "files_are_classes": bool(main.label),
    }


def plan_import(
    path: Path, staging: Path, limits: Limits, options: dict[str, object]
) -> ImportPlan:
    """How the source would be imported, before anything is frozen: what was taken for what, and the
    rows of each class by split.

    Copies are not looked for, so a few rows may still change sides. `classes` maps class to split
    to rows, `plan` is that of the dataset object, `question` what only a person can say.

    Raises:
        DataError: as the import would.
    """
    chosen = ImportOptions.from_dict(options)
    try:
        source = open_source(path, staging, limits, chosen)
        intake = Intake(list(source.skipped), plan=source.plan)
        sample: list[SampleRow] = []
        facts = (_image_facts if source.modality == "image" or source.documents else _table_facts)(
            source, chosen, intake, sample
        )
        if facts is None:
            return {
                "classes": {},
                "too_many": True,
                "unlabelled": 0,
                "question": None,
                "plan": intake.plan.as_dict(intake.skipped, 0, sample),
            }
        return _planned(source, facts, chosen, intake, sample)
    except AmbiguousError as error:
        return {"question": error.as_dict()}


def _planned(
    source: Source,
    facts: _RowFacts,
    options: ImportOptions,
    intake: Intake,
    sample: list[SampleRow],
) -> ImportPlan:
    classes, given, groups, dates = facts
    named_so = source.class_list.meaning(
        {label_name(cell) for cell in classes.unique().to_pylist()}
    )
    codes = Codes(lambda cell: named_so.get(label_name(cell), label_name(cell)))
    labels = codes.add(classes)
    named = Codes().add(groups)
    units = np.where(named >= 0, named, named.max(initial=0) + 1 + np.arange(len(named)))
    cells = given.to_pylist()
    meaning = split_values(intake.columns.get("split", ""), Counter(cells))
    if options.ignore_splits:
        meaning = {}
    own = np.array([meaning.get(cell, "") for cell in cells], dtype="<U10")
    result = split.assign_splits(
        labels,
        units,
        own,
        replace(options, new_rows="train"),
        as_seconds(dates, options.date_order),
    )
    used = [name for name in ("train", "validation", "test") if (result.splits == name).any()]
    table = {
        name: np.bincount(
            labels[(result.splits == name) & (labels >= 0)], minlength=len(codes.names)
        )
        for name in used
    }
    unlabelled = int((labels < 0).sum())
    if len(codes.names) > 1:  # rows that are added to a dataset may be of one class
        check_counts(
            Counter({name: int((labels == place).sum()) for place, name in enumerate(codes.names)}),
            options.task,
        )
    return {
        "classes": {
            name: {part: int(table[part][place]) for part in used}
            for place, name in sorted(enumerate(codes.names), key=lambda pair: pair[1])
        },
        "unlabelled": unlabelled,
        "too_many": False,
        "question": None,
        "plan": intake.plan.as_dict(intake.skipped, unlabelled, sample),
    }


def _image_facts(
    source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
) -> _RowFacts | None:
    import pyarrow as pa

    files: list[tuple[str, str, str, str]] = []
    for file in source.documents or labelled_files(source, options, intake):
        if len(sample) < _SAMPLES and file.label not in {one["label"] for one in sample}:
            sample.append(_shown_file(file))
        files.append(
            (file.label, intake.place(file.fold, options) or file.split, file.group, file.date)
        )
    if not files:
        raise DataError("No usable picture is left.", "", "Look at what was left out and why.")
    return _RowFacts(*(pa.array(list(part), pa.string()) for part in zip(*files, strict=True)))


def _shown_file(file: ItemFile) -> SampleRow:
    return {"name": file.name, "label": file.label}


def _table_facts(
    source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
) -> _RowFacts | None:
    """Class, split, group and date of all rows with a text, or None for too many of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: list[pa.Table] = []
    count = 0
    for rows, roles, part in table_rows({"": source}, options, intake):
        count += len(rows.numbers)
        if count > _PLANNED_ROWS:
            return None
        keep = pc.not_equal(pc.utf8_trim_whitespace(column(rows.cells, roles.text)), "")
        cells = rows.cells.filter(keep).combine_chunks()
        numbers = rows.numbers[keep.to_numpy(zero_copy_only=False)]
        empty = pa.repeat(pa.scalar("", pa.string()), cells.num_rows)
        parts.append(
            pa.table(
                {
                    "label": row_labels(cells, roles, part, numbers),
                    "split": row_splits(cells, roles, part, options, intake),
                    "group": column(cells, roles.group) if roles.group else empty,
                    "date": column(cells, roles.date) if roles.date else empty,
                }
            )
        )
        _add_samples(sample, parts[-1], cells, intake, options)
    whole = pa.concat_tables(parts).combine_chunks()
    return _RowFacts(
        *(
            pa.concat_arrays(whole.column(name).chunks)
            if whole.num_rows
            else pa.array([], pa.string())
            for name in ("label", "split", "group", "date")
        )
    )


def _add_samples(
    sample: list[SampleRow],
    facts: pa.Table,
    cells: pa.Table,
    intake: Intake,
    options: ImportOptions,
) -> None:
    """Up to three rows as the model will see them, of different classes where there are."""
    labels = facts.column("label").slice(0, HEAD).to_pylist()
    for place, label in enumerate(labels):
        if len(sample) >= _SAMPLES:
            return
        if not label or label_name(label) in {one["label"] for one in sample}:
            continue
        text = JOIN.join(cells.column(name)[place].as_py() for name in intake.preparation.columns)
        sample.append(
            {
                "text": (repaired(text) if options.repair else text).strip()[:_PREVIEW_CHARS],
                "label": label_name(label),
            }
        )
