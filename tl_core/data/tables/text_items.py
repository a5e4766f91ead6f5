"""Texts as items of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.checks.near_duplicates import similar_texts
from tl_core.data.checks.quality import text_findings
from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.layouts.document_sources import open_documents
from tl_core.data.layouts.table_set import TableSet
from tl_core.data.limits import Limits
from tl_core.data.preparation import PreparationFacts
from tl_core.data.sources.intake import Chunk, Intake
from tl_core.data.sources.outlook import Preview, StatedFacts
from tl_core.data.sources.plan import Plan, SampleRow
from tl_core.data.sources.types import PLAIN_TEXTS, Contents, Source
from tl_core.data.tables.chunks import text_chunks
from tl_core.data.tables.text_preview import facts_of_texts, look_at_texts
from tl_core.data.versions.items import StoredColumn
from tl_core.data.versions.rows import Facts

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_NAME = "text"
_SHOWN_CHARS = 300


class TextItems:
    """Rows of tables, or files that are one text each."""

    stored = StoredColumn(_NAME, {"dtype": "string", "_type": "Value"}, at_once=5_000)
    formats = ("csv", "parquet")
    near_copy = "a word changed"

    def is_item(self, path: Path) -> bool:
        """By the ending; a file without a telling one by its first bytes."""
        suffix = path.suffix.lower()
        return suffix in PLAIN_TEXTS or (not suffix.strip(".0123456789") and _begins_as_text(path))

    def open_files(
        self, contents: Contents, limits: Limits, options: ImportOptions
    ) -> Source | None:
        """Documents in folders that name their classes."""
        del limits
        return open_documents(contents, options)

    def open_tables(self, tables: TableSet) -> Source:
        """Every table that holds nothing else holds texts."""
        plan = Plan()
        sheets = [one.sheet for one in tables.tables if one.sheet]
        if tables.alone and sheets:
            plan.take("sheets", "split", "sheets are named " + ", ".join(sheets))
        return Source(_NAME, tables=tables.tables, root=tables.root, plan=plan)

    def look_into(self, source: Source, options: ImportOptions) -> Preview:
        """Columns and first rows of the table, or counts of documents."""
        return look_at_texts(source, options)

    def stated_facts(
        self, source: Source, options: ImportOptions, intake: Intake, sample: list[SampleRow]
    ) -> StatedFacts | None:
        """Of all rows with a text."""
        return facts_of_texts(source, options, intake, sample)

    def chunks(
        self, sources: dict[str, Source], options: ImportOptions, intake: Intake
    ) -> Iterator[Chunk]:
        """A few thousand at a time."""
        return text_chunks(sources, options, intake)

    def options_like(
        self, options: ImportOptions, columns: dict[str, str], preparation: PreparationFacts
    ) -> ImportOptions:
        """The same columns, where two make a text."""
        del preparation
        title = columns.get("title", "")
        if not title or options.title_column:
            return options
        return replace(
            options, title_column=title, text_column=options.text_column or columns["text"]
        )

    def near_pairs(self, facts: Facts, items: pa.Table) -> NDArray[np.int64]:
        """By their words, checked with the texts themselves."""
        texts = items.column(_NAME)
        return similar_texts(
            facts["key"], facts["signature"], lambda rows: list(texts.take(rows).to_pylist())
        )

    def findings(self, view: View) -> list[Finding]:
        """Texts that say little, too much, or what is private."""
        return text_findings(view)

    def glimpse(self, items: pa.Table, facts: Facts, row: int) -> SampleRow:
        """Its beginning."""
        del facts
        return {_NAME: items.column(_NAME).slice(row, 1).to_pylist()[0][:_SHOWN_CHARS]}

    def titles(self, items: pa.Table) -> list[str]:
        """The texts themselves."""
        return list(items.column(_NAME).to_pylist())


def _begins_as_text(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            head = handle.read(512)
    except OSError:
        return False
    return bool(head.strip()) and not any(byte < 9 or 13 < byte < 32 for byte in head)


TEXT_ITEMS = TextItems()
