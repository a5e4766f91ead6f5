"""Photos on the pages: thumbnails, upload and camera, previews of augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from pages.sections.data import source_facts
from pages.sections.data.import_settings import ReadingSettings
from pages.sections.items import new_item
from pages.sections.items.item_pages import (
    Card,
    Content,
    FileWords,
    Painter,
    Relevance,
)
from pages.sections.train import estimate
from pages.shell import problems
from pages.shell.words import size
from pages.widgets import gallery, relevance
from tl_core.config import RunConfig
from tl_core.data.pictures.thumbnails import thumbnail
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.predict.carried import preparation_of
from tl_core.predict.picture_files import open_page
from tl_core.registry.run import Run

_TABLES = "CSV, TSV, Excel, JSONL, Parquet, or a zip of one."


class PhotoPages:
    """What photos answer to the pages (`ItemPages`)."""

    worsened = "noisy, blurred, dark, bright, low in contrast, compressed, rotated, cropped"
    baseline_features = "colours and edges"
    in_languages = False
    searchable = False
    first_view = "Gallery"
    tile_framed = False
    tile_width = 132
    row_height = 64
    reading = ReadingSettings(
        (
            ("labels_from", "Where the classes are", ("", "folders", "table", "names")),
            ("pages", "Files with several pages", ("", "first", "all")),
        )
    )
    argument = '"photo.jpg"'

    def value(self, version: DatasetVersion, row: int) -> Content:
        return version.image_bytes(row)

    def small(self, version: DatasetVersion, rows: Sequence[int]) -> list[Content]:
        return [thumbnail(version.image_bytes(row)) for row in rows]

    def draw(self, value: Content, width: int) -> None:
        st.image(gallery.whole_picture(_encoded(value)), width=width, alt="The photo")

    def draw_tile(self, content: Content) -> None:
        gallery.tile(_encoded(content))

    def cell(self, content: Content) -> str:
        return gallery.data_url(_encoded(content))

    def column(self) -> ColumnConfig:
        return st.column_config.ImageColumn("photo", width="small")

    def facts(self, value: Content, known: Mapping[str, object]) -> dict[str, str]:
        told = {"File size": size(len(value))}
        if "width" in known:
            told["Size"] = f"{known['width']:,} × {known['height']:,} pixels"
            told["Brightness"] = f"{known['light']:.0f} of 255 on average"
            told["Contrast"] = f"{known['contrast']:.0f} (standard deviation)"
            told["Sharpness"] = f"{known['sharpness']:.3f}"
        return told

    def draw_strip(self, cards: Sequence[Card], key: str | None = None) -> None:
        del key
        captions = [str(next(iter(card.facts.values()), "")) for card in cards]
        gallery.pictures([card.content for card in cards], captions if any(captions) else None)

    def draw_cards(self, cards: Sequence[Card], key: str) -> None:
        del key
        gallery.framed_pictures([(_encoded(card.content), card.caption) for card in cards])

    def painter(self, value: Content, model: Path) -> Painter:
        with problems.caught():
            picture = open_page(_encoded(value), 0, preparation_of(model) or Preparation())

        def paint(words: list[str], relevances: Relevance) -> None:
            del words
            st.image(
                relevance.overlay(picture, np.array(relevances)),
                width="stretch",
                alt="Where what speaks for the answer lies in the photo",
            )

        return paint

    def show_source(self, facts: source_facts.SourceFacts) -> dict[str, object]:
        return source_facts.files(facts, "photos", "image", "photo_library")

    def reach(self, size: int) -> str:
        return f"pictures of {size} pixels"

    def preview(self, config: RunConfig) -> None:
        if config.recipe == "finetune":
            estimate.preview(config, str(config.options.get("augment", "standard")))

    def show_behaviour_tests(self, run: Run, labels: list[str]) -> None:
        """There are none: nobody types a photo."""

    def example(self) -> bytes | None:
        return new_item.one_picture()

    def show_input(
        self, kept: Preparation, key: str, ask_about: Callable[[Content, str], None]
    ) -> None:
        del key
        new_item.picture(kept, ask_about)

    def file_words(self, kept: Preparation) -> FileWords:
        if kept.pixels:
            return FileWords(
                "A table of pixels like that of the training, or a zip of photos.", _TABLES
            )
        return FileWords("A zip of photos.", "A zip of photos.")

    def columns_of_file(self, kept: Preparation) -> dict[str, str]:
        del kept
        return {}


def _encoded(value: Content) -> bytes:
    """Photos are kept as encoded files.

    Raises:
        TypeError: for a text.
    """
    if isinstance(value, str):
        raise TypeError("a photo is kept as bytes")
    return value


PHOTO_PAGES = PhotoPages()
