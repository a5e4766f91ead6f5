"""Recordings on the pages: drawn by time and pitch, played, recorded, brought as files."""

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
from pages.shell import problems
from pages.shell.words import size
from pages.widgets import gallery, relevance, sound_player
from tl_core.config import RunConfig
from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import decoded
from tl_core.data.sounds.drawing import spectrogram_picture
from tl_core.data.versions.store import DatasetVersion
from tl_core.registry.run import Run

_MOST_PARTS = 6  # of a file's name that may be chosen as the speaker
_MAP = (320, 160)  # pixels of what an explanation is drawn over
_FILES = "A zip of recordings (WAV, FLAC, OGG, MP3)."


class SoundPages:
    """What recordings answer to the pages (`ItemPages`)."""

    worsened = "noisy, soft, clipped, faster, slower, without high or low tones, with an echo"
    baseline_features = "loudness and tone colour"
    in_languages = False
    searchable = False
    first_view = "Gallery"
    tile_framed = False
    tile_width = 180
    row_height = 64
    reading = ReadingSettings(
        (
            ("labels_from", "Where the classes are", ("", "folders", "table", "names")),
            ("speaker_part", "Who speaks, by the file name", (0, -1, *range(1, _MOST_PARTS + 1))),
        )
    )
    argument = '"recording.wav"'

    def value(self, version: DatasetVersion, row: int) -> Content:
        return version.file_bytes(row)

    def small(self, version: DatasetVersion, rows: Sequence[int]) -> list[Content]:
        return [sound_player.small(version.file_bytes(row)) for row in rows]

    def draw(self, value: Content, width: int) -> None:
        with problems.caught():
            sound_player.large(_encoded(value), width)

    def draw_tile(self, content: Content) -> None:
        sound_player.tile(_encoded(content))

    def cell(self, content: Content) -> str:
        return gallery.data_url(sound_player.picture_of(_encoded(content)))

    def column(self) -> ColumnConfig:
        return st.column_config.ImageColumn("recording", width="small")

    def facts(self, value: Content, known: Mapping[str, object]) -> dict[str, str]:
        told = {"File size": size(len(value))}
        if "seconds" in known:
            channels = known["channels"]
            told["Length"] = f"{known['seconds']:.2f} s"
            told["Sample rate"] = f"{known['rate']:,} a second" + (
                f", {channels} channels" if channels != 1 else ""
            )
            told["Loudness"] = f"{known['loudness']:.0f} dB of full scale"
            told["Silence"] = f"{known['silence']:.0%} of its length"
            told["Tones up to"] = f"{known['bandwidth']:,.0f} Hz (99 % of its energy)"
            told["Clipped"] = f"{known['clipped']:.1%} of its samples"
        return told

    def draw_strip(self, cards: Sequence[Card], key: str | None = None) -> None:
        del key
        captions = [str(next(iter(card.facts.values()), "")) for card in cards]
        sound_player.tiles([_encoded(card.content) for card in cards], captions)

    def draw_cards(self, cards: Sequence[Card], key: str) -> None:
        del key
        with st.grid(min_column_width=self.tile_width):
            for card in cards:
                with st.container(border=True, height="stretch"):
                    sound_player.tile(_encoded(card.content))
                    st.caption(card.caption)

    def painter(self, value: Content, model: Path) -> Painter:
        del model
        with problems.caught():
            picture = spectrogram_picture(decoded(_encoded(value)), *_MAP)

        def paint(words: list[str], relevances: Relevance) -> None:
            del words
            st.image(
                relevance.overlay(picture, np.array(relevances)),
                width="stretch",
                alt="When, and at which pitch, what speaks for the answer is heard",
            )
            st.caption("Time from left to right, high tones above.")

        return paint

    def show_source(self, facts: source_facts.SourceFacts) -> dict[str, object]:
        return source_facts.files(facts, "recordings", "audio", "graphic_eq")

    def reach(self, size: int) -> str:
        return f"recordings of {size:,} s" if size > 1 else "recordings of 1 s"

    def preview(self, config: RunConfig) -> None:
        """There is none: what training varies in a recording is heard, not seen."""

    def show_behaviour_tests(self, run: Run, labels: list[str]) -> None:
        """There are none: nobody types a recording."""

    def example(self) -> bytes | None:
        return new_item.one_sound()

    def show_input(
        self, kept: Preparation, key: str, ask_about: Callable[[Content, str], None]
    ) -> None:
        del kept, key
        new_item.sound(ask_about)

    def file_words(self, kept: Preparation) -> FileWords:
        del kept
        return FileWords(_FILES, _FILES)

    def columns_of_file(self, kept: Preparation) -> dict[str, str]:
        del kept
        return {}


def _encoded(value: Content) -> bytes:
    """Recordings are kept as encoded files.

    Raises:
        TypeError: for a text.
    """
    if isinstance(value, str):
        raise TypeError("a recording is kept as bytes")
    return value


SOUND_PAGES = SoundPages()
