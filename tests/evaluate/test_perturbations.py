"""Worse items: repeatable, worse with severity, never empty."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tl_core.evaluate.perturbations.item_perturbations import SEVERITIES
from tl_core.evaluate.perturbations.photo_perturbations import PHOTO_PERTURBATIONS as PHOTOS
from tl_core.evaluate.perturbations.text_perturbations import TEXT_PERTURBATIONS as TEXTS


@pytest.fixture
def picture():
    values = np.random.default_rng(0).integers(60, 180, (80, 100, 3), dtype=np.uint8)
    picture = Image.fromarray(values).resize((200, 160))
    ImageDraw.Draw(picture).rectangle((60, 40, 140, 120), fill=(200, 40, 40))
    return picture


def distance(first, second):
    return float(
        np.abs(
            np.asarray(first, dtype=float) - np.asarray(second.resize(first.size), dtype=float)
        ).mean()
    )


@pytest.mark.parametrize("kind", PHOTOS.kinds)
def test_pictures_get_worse_with_severity_and_the_same_every_time(picture, kind):
    worse = [PHOTOS.worsen(picture, kind, severity, 7) for severity in SEVERITIES]
    for severity, one in zip(SEVERITIES, worse, strict=True):
        assert one.mode == "RGB"
        assert np.array_equal(
            np.asarray(one), np.asarray(PHOTOS.worsen(picture, kind, severity, 7))
        )
    far = [distance(picture, one) for one in worse]
    assert 0 < far[0] < far[2]


@pytest.mark.parametrize("kind", TEXTS.kinds)
def test_texts_change_are_repeatable_and_never_empty(kind):
    text = "Where is my parcel? It should have been here on Monday, they said so."
    for severity in SEVERITIES:
        worse = TEXTS.worsen(text, kind, severity, 3)
        assert worse == TEXTS.worsen(text, kind, severity, 3)
        assert worse.strip()
        assert worse != text
    for short in ("a", "?", "Hm ?"):
        assert all(TEXTS.worsen(short, kind, severity, 0).strip() for severity in SEVERITIES)


def test_sizes_of_tiny_pictures_survive():
    tiny = Image.new("RGB", (1, 2), "red")
    for kind in PHOTOS.kinds:
        for severity in SEVERITIES:
            assert min(PHOTOS.worsen(tiny, kind, severity, 0).size) >= 1


def test_typos_keep_the_letters_and_missing_words_keep_the_order():
    text = "several longer words stand in this sentence today"
    assert sorted(TEXTS.worsen(text, "typos", 3, 1)) == sorted(text)
    kept = TEXTS.worsen(text, "words missing", 2, 1).split()
    assert [word for word in text.split() if word in kept] == kept
