"""What pages ask of a modality: how its items are shown, what is known of them, how new ones come.

A page knows no modality by name. It asks `pages_of(modality)`, whose answer is the entry `pages` of
`tl_core/modalities`: one class for each modality, such as `TextPages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from pages.sections.data.import_settings import ReadingSettings
from pages.sections.data.source_facts import SourceFacts
from tl_core.config import RunConfig
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities import modality_of
from tl_core.registry.run import Run

Content = str | bytes  # an item as it is kept: a text, or an encoded file
Relevance = Sequence[float] | Sequence[Sequence[float]]  # of each word, or of each point of a map
Painter = Callable[[list[str], Relevance], None]  # draws the relevance of the words or of the map


@dataclass(frozen=True)
class Card:
    """An item to be shown among others.

    Args:
        content: what `small` gave for it.
        facts: what is known of it, by column of a table; the first alone stands under an item that
            has room for no more.
        caption: the facts in Markdown, for where they stand under a larger item.
    """

    content: Content
    facts: Mapping[str, object] = field(default_factory=dict)
    caption: str = ""


@dataclass(frozen=True)
class FileWords:
    """What a file of items to be predicted has to be: in a sentence, and in the help of the box."""

    caption: str
    help: str


class ItemPages(Protocol):
    """What pages ask of a modality.

    Attributes:
        worsened: in which ways its items are made worse, to see what a model stands.
        baseline_features: what the baseline without transfer looks at.
        in_languages: whether backbones for it differ in the languages that they know.
        reading: import settings that only its sources have.
        argument: a new item as an argument of the command line.
        searchable: whether words are looked for in the items themselves, not in their names.
        first_view: how many of them are looked through at first: `Gallery` or `Table`.
        tile_framed: whether a frame stands around it there.
        tile_width: least width of one in a gallery, in pixels.
        row_height: of a line in a table, in pixels; None for one line of text.
    """

    worsened: str
    baseline_features: str
    in_languages: bool
    reading: ReadingSettings
    argument: str
    searchable: bool
    first_view: str
    tile_framed: bool
    tile_width: int
    row_height: int | None

    def value(self, version: DatasetVersion, row: int) -> Content:
        """One item, as a model is asked about it.

        Raises:
            DataError: when it cannot be read.
        """

    def small(self, version: DatasetVersion, rows: Sequence[int]) -> list[Content]:
        """Some items, small enough to be shown side by side.

        Raises:
            DataError: when one of them cannot be read.
        """

    def draw(self, value: Content, width: int) -> None:
        """One item, large; `width` in pixels."""

    def draw_tile(self, content: Content) -> None:
        """One item in a gallery, from what `small` gave for it."""

    def cell(self, content: Content) -> str:
        """The same in a cell of a table."""

    def column(self) -> ColumnConfig:
        """The column of such cells."""

    def facts(self, value: Content, known: Mapping[str, object]) -> dict[str, str]:
        """What is known of one item besides its class, in words.

        Args:
            value: the item itself.
            known: its stored facts, such as `width`.
        """

    def draw_strip(self, cards: Sequence[Card], key: str | None = None) -> None:
        """Many items in little room, each with its first fact, or with all where there is room."""

    def draw_cards(self, cards: Sequence[Card], key: str) -> None:
        """A few items in more room, each with its facts or its caption."""

    def painter(self, value: Content, model: Path) -> Painter:
        """Draws what of an item speaks for an answer of the model in that folder."""

    def show_source(self, facts: SourceFacts) -> dict[str, object]:
        """What a first look into a source has found; gives the columns that somebody chose."""

    def reach(self, size: int) -> str:
        """How much of an item a backbone takes in whose input has that size."""

    def preview(self, config: RunConfig) -> None:
        """What a training would make of the user's own items, before it starts."""

    def show_behaviour_tests(self, run: Run, labels: list[str]) -> None:
        """Tests of a trained model with items that somebody types or makes up, if there are any."""

    def example(self) -> bytes | None:
        """Where a file is brought that similar items are looked for by; None where none is."""

    def show_input(
        self, kept: Preparation, key: str, ask_about: Callable[[Content, str], None]
    ) -> None:
        """The box for one new item.

        Args:
            kept: what was done to an item before the model saw it.
            key: tells this model's widgets from those of others.
            ask_about: has the model asked about an item, once for each name.
        """

    def file_words(self, kept: Preparation) -> FileWords:
        """What a whole file of new items has to be."""

    def columns_of_file(self, kept: Preparation) -> dict[str, str]:
        """Columns of such a file that may have other names: the option that says so, and the name
        in training.
        """


def pages_of(modality: str) -> ItemPages:
    """What a modality answers to the pages.

    Raises:
        ConfigError: when there is no such modality.
    """
    return cast(ItemPages, modality_of(modality).part("pages"))


@st.cache_data(max_entries=400, ttl=3600, show_spinner=False)
def small_items(folder: str, rows: tuple[int, ...]) -> list[Content]:
    """Some rows of the dataset version in `folder`, small enough to be shown side by side."""
    version = DatasetVersion(Path(folder))
    return pages_of(version.info.modality).small(version, rows)
