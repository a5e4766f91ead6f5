"""A first look at texts: columns and first rows of a table, or counts of documents."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from tl_core.data.cells.label_cells import label_name
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.peek import HEAD, reading_of
from tl_core.data.preparation import JOIN, repaired
from tl_core.data.roles.columns import Columns, guess_columns
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.outlook import SAMPLES, Preview, StatedFacts, facts_of_files
from tl_core.data.sources.plan import SampleRow
from tl_core.data.sources.types import Source
from tl_core.data.tables.chunks import column, row_labels, row_splits, table_rows
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_PREVIEW_ROWS = 8
_PREVIEW_CHARS = 300
_PLANNED_ROWS = 200_000  # beyond this many the plan of the splits would keep the page waiting


def look_at_texts(source: Source, options: ImportOptions) -> Preview:
    """Counts of documents, or the columns of a table with a guess and the first rows."""
    return _look_at_documents(source) if source.files else _look_at_tables(source, options)


def facts_of_texts(
    source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
) -> StatedFacts | None:
    """What the source says of each text; None for too many rows of a table."""
    if source.files:
        return facts_of_files(source.files, options, intake, sample)
    return _facts_of_rows(source, options, intake, sample)


def _look_at_documents(source: Source) -> Preview:
    classes = Counter(one.label for one in source.files if one.label)
    return {
        "rows": len(source.files),
        "classes": dict(classes),
        "columns": [],
        "guess": {},
        "preview": [],
        "sheets": [],
        "documents": True,
        "folds": sorted({one.fold for one in source.files if one.fold}),
        "splits": dict(Counter(one.split for one in source.files if one.split)),
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


def _facts_of_rows(
    source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
) -> StatedFacts | None:
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
    return StatedFacts(
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
        if len(sample) >= SAMPLES:
            return
        if not options.label_here and (
            not label or label_name(label) in {one["label"] for one in sample}
        ):
            continue
        text = JOIN.join(cells.column(name)[place].as_py() for name in intake.preparation.columns)
        sample.append(
            {
                "text": (repaired(text) if options.repair else text).strip()[:_PREVIEW_CHARS],
                "label": label_name(label),
            }
        )
