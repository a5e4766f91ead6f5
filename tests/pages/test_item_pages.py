"""What every modality answers to the pages, drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from tests_support.recordings import encoded, vowel

from pages.sections.items.item_pages import ItemPages, pages_of
from pages.widgets import sound_player
from tl_core.data.preparation import Preparation
from tl_core.modalities import MODALITIES


def photo():
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


CONTENT = {"image": photo(), "text": "a *short* text", "audio": encoded(vowel("a"))}
SMALL = {**CONTENT, "audio": sound_player.small(CONTENT["audio"])}


def drawn(modality, content, small, words, relevance):
    from pathlib import Path

    import streamlit as st

    from pages.sections.items.item_pages import Card, pages_of

    own = pages_of(modality)
    own.draw(content, 100)
    cards = [Card(small, {"class": "ripe", "split": "test"}, "1: **ripe**")] * 5
    own.draw_strip(cards, "strip")
    own.draw_strip([Card(small)], "bare")
    own.draw_cards(cards, "cards")
    own.draw_tile(small)
    assert own.cell(small)
    own.painter(content, Path("no-such-model"))(words, relevance)
    st.caption(f"{own.worsened} {own.baseline_features} {own.reach(224)}")


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_answers_all_that_pages_ask(modality):
    own = pages_of(modality)
    wanted = {name for name in (*vars(ItemPages), *ItemPages.__annotations__) if name[0] != "_"}
    assert len(wanted) > 12 and not {name for name in wanted if not hasattr(own, name)}
    assert own.reading.choices and own.argument.startswith('"')
    assert own.file_words(Preparation()).caption.startswith("A ")


@pytest.mark.parametrize(
    "modality, words, relevance",
    [
        ("image", [], [[0.0, 1.0], [0.5, 0.0]]),
        ("audio", [], [[0.0, 1.0], [0.5, 0.0]]),
        ("text", ["a", "short", "text"], [0.1, 1.0, -0.4]),
    ],
)
def test_items_are_drawn_alone_in_strips_in_cards_and_with_what_speaks_for_an_answer(
    modality, words, relevance
):
    arguments = (modality, CONTENT[modality], SMALL[modality], words, relevance)
    app = AppTest.from_function(drawn, args=arguments).run()
    assert not app.exception
    said = " ".join(
        str(element.value) for kind in ("text", "caption", "markdown") for element in app.get(kind)
    )
    if modality == "text":
        assert "a *short* text" in said and ":green-background[**short**]" in said
        strip = app.dataframe[0].value
        assert list(strip.columns) == ["text", "class", "split"] and len(strip) == 5
    else:
        assert said.count("ripe") == 10 and "1: **ripe**" in said  # five in the strip, five framed
    if modality == "image":
        assert len(app.get("image")) == 13
    if modality == "audio":
        players = [one.proto.body for one in app.get("html") if "<audio controls" in one.proto.body]
        assert len(players) == 12 and len(app.get("audio")) == 1


def one_photo():
    from pages.sections.items import new_item
    from pages.shell import state
    from tl_core.data.preparation import Preparation

    state.set_defaults()
    new_item.picture(Preparation(), lambda _content, _name: None)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("letter.pdf", b"%PDF-1.4 nothing", "PDF"),
        ("answers.docx", b"PK\x03\x04 word/document.xml", "not an image"),
        ("cut.jpg", photo()[:60], "damaged"),
    ],
)
def test_what_is_no_photo_is_said_in_words(name, content, words):
    app = AppTest.from_function(one_photo).run()
    app.file_uploader[0].set_value((name, content, "application/octet-stream")).run()
    assert not app.exception and words in app.error[0].value
