"""Texts on the pages: tables, boxes to type into, what a backbone reads of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from pages.sections.data import source_facts
from pages.sections.data.import_settings import ReadingSettings
from pages.sections.items import expectations, new_item, reading_check
from pages.sections.items.item_pages import (
    Card,
    Content,
    FileWords,
    Painter,
    Relevance,
)
from pages.shell.words import plain
from pages.widgets import gallery, relevance
from tl_core.config import RunConfig
from tl_core.data.preparation import Preparation
from tl_core.data.tables.encodings import ENCODINGS
from tl_core.data.versions.store import DatasetVersion
from tl_core.registry.run import Run

_CELL = 2000  # characters of a text that a cell holds
_MOST_NAMED = 7  # columns that a sentence can hold


class TextPages:
    """What texts answer to the pages (`ItemPages`)."""

    worsened = "typos, letter case, punctuation, cut short, words missing"
    baseline_features = "word and letter counts"
    in_languages = True
    searchable = True
    first_view = "Table"
    tile_framed = True
    tile_width = 240
    row_height = None
    reading = ReadingSettings(
        (
            ("encoding", "Text encoding", ("", *ENCODINGS)),
            ("header", "First line names the columns", ("", "yes", "no")),
        ),
        (("repair", "Repair texts"),),
    )
    argument = '"a text of yours"'

    def value(self, version: DatasetVersion, row: int) -> Content:
        return version.texts(np.array([row]))[0]

    def small(self, version: DatasetVersion, rows: Sequence[int]) -> list[Content]:
        return list(version.texts(np.array(rows, dtype=np.int64)))

    def draw(self, value: Content, width: int) -> None:
        del width
        with st.container(border=True):
            st.text(str(value))

    def draw_tile(self, content: Content) -> None:
        gallery.excerpt(str(content))

    def cell(self, content: Content) -> str:
        return str(content)[:_CELL]

    def column(self) -> ColumnConfig:
        return st.column_config.TextColumn("text", width="large")

    def facts(self, value: Content, known: Mapping[str, object]) -> dict[str, str]:
        del known
        return {"Length": f"{len(str(value).split()):,} words, {len(value):,} characters"}

    def draw_strip(self, cards: Sequence[Card], key: str | None = None) -> None:
        gallery.texts([{"text": card.content, **card.facts} for card in cards], key)

    def draw_cards(self, cards: Sequence[Card], key: str) -> None:
        self.draw_strip(cards, key)

    def painter(self, value: Content, model: Path) -> Painter:
        del value, model

        def paint(words: list[str], relevances: Relevance) -> None:
            st.markdown(relevance.marked(words, [float(one) for one in np.ravel(relevances)]))

        return paint

    def show_source(self, facts: source_facts.SourceFacts) -> dict[str, object]:
        return (
            source_facts.documents(facts) if facts.get("documents") else source_facts.table(facts)
        )

    def reach(self, size: int) -> str:
        return f"up to {size:,} tokens"

    def preview(self, config: RunConfig) -> None:
        if config.backbone:
            reading_check.show(config)

    def show_behaviour_tests(self, run: Run, labels: list[str]) -> None:
        expectations.show(run, labels)

    def example(self) -> bytes | None:
        return None

    def show_input(
        self, kept: Preparation, key: str, ask_about: Callable[[Content, str], None]
    ) -> None:
        new_item.text(kept, key, ask_about)

    def file_words(self, kept: Preparation) -> FileWords:
        named = " and ".join(map(plain, kept.columns)) if len(kept.columns) <= _MOST_NAMED else ""
        return FileWords(
            f"A table with the columns {named}. They are joined as in training, and your columns"
            " come back with the answer beside them."
            if kept.joined
            else "A table with a column of texts. Your columns come back with the answer beside"
            " them.",
            "CSV, TSV, Excel, JSONL, Parquet, or a zip of one.",
        )

    def columns_of_file(self, kept: Preparation) -> dict[str, str]:
        if kept.joined:
            return {"title_column": kept.columns[0], "text_column": kept.columns[-1]}
        return {"text_column": kept.columns[0] if kept.columns else "the longest texts"}


TEXT_PAGES = TextPages()
