"""Near-duplicate indexes against comparing all pairs, and their speed in pairs rather than
seconds.
"""

from __future__ import annotations

import io
import itertools

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tl_core.data.checks.image_facts import picture_facts
from tl_core.data.checks.near_duplicates import clusters, similar_pictures, similar_texts
from tl_core.data.checks.text_facts import CARD, EMAIL, PHONE, text_facts


def words_of(text):
    return {"".join(filter(str.isalnum, word)) for word in text.lower().split()} - {""}


def altered(random, text, vocabulary):
    words = text.split()
    for _ in range(int(random.integers(0, 4))):
        words[int(random.integers(len(words)))] = str(random.choice(vocabulary))
    return " ".join(words)


def test_text_pairs_are_those_of_the_plain_double_loop():
    random = np.random.default_rng(0)
    vocabulary = np.array([f"w{i}" for i in range(400)])
    base = [" ".join(random.choice(vocabulary, 22)) for _ in range(150)]
    texts = base + [altered(random, text, vocabulary) for text in base]
    facts = text_facts(pa.array(texts))
    found = {
        tuple(pair)
        for pair in similar_texts(
            facts["key"], facts["signature"], lambda rows: [texts[row] for row in rows]
        ).tolist()
    }
    sets = [words_of(text) for text in texts]
    true = {
        (a, b)
        for a, b in itertools.combinations(range(len(texts)), 2)
        if texts[a] != texts[b] and len(sets[a] & sets[b]) >= 0.8 * len(sets[a] | sets[b])
    }
    assert found <= true
    assert len(true) > 80
    assert len(found) >= 0.95 * len(true)


def test_keys_are_equal_for_the_same_words_alone():
    texts = [
        "Hello  World",
        "hello world",
        "world hello",
        "hello world world",
        "helloworld",
        "HELLO\nWORLD",
    ]
    keys = text_facts(pa.array(texts))["key"]
    assert keys[0] == keys[1] == keys[5]
    assert len(set(keys.tolist())) == 4


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("call +44 20 7946 0958", PHONE),
        ("tel 030/1234567-8", PHONE),
        ("(555) 123-4567", PHONE),
        ("0171 2345678", PHONE),
        ("from 1929 - 1933", 0),
        ("on 01/03/2024 10:15", 0),
        ("2024-03-01", 0),
        ("order 20260315", 0),
        ("it costs 1.000.000", 0),
        ("4111 1111 1111 1111", CARD),
        ("4111 1111 1111 1112", 0),
        ("me@example.org", EMAIL),
        ("look @ this", 0),
        ("me@example.org or +49 30 123456", EMAIL | PHONE),
    ],
)
def test_personal_data_is_hinted_at_and_dates_are_not(text, kinds):
    assert text_facts(pa.array([text]))["private"][0] == kinds


def test_facts_do_not_depend_on_how_rows_are_cut():
    texts = pa.array([f"text number {i} with some words {i % 7} 你好" for i in range(50)])
    whole = text_facts(texts)
    for name, values in whole.items():
        parts = np.concatenate(
            [text_facts(texts.slice(start, 7))[name] for start in range(0, 50, 7)]
        )
        np.testing.assert_array_equal(values, parts)


def test_a_bucket_of_thousands_costs_no_square():
    """Ten thousand texts of the same few words fall into the same buckets."""
    random = np.random.default_rng(0)
    texts = [
        " ".join(random.choice(["a", "b", "c", "d", "e", "f", "g", "h"], 6)) for _ in range(10_000)
    ]
    facts = text_facts(pa.array(texts))
    pairs = similar_texts(
        facts["key"], facts["signature"], lambda rows: [texts[row] for row in rows]
    )
    assert len(pairs) <= 6 * 8 * len(texts)


def facts_of(pictures):
    found = [picture_facts(data) for data in pictures]
    return (
        np.arange(len(found), dtype=np.uint64),
        np.array([f.look for f in found], dtype=np.uint64),
        np.array([np.frombuffer(f.colours, dtype=np.uint8) for f in found]),
        np.array([f.contrast for f in found], dtype=np.float32),
    )


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def drawn(random):
    return Image.fromarray(random.integers(0, 256, (10, 10, 3), dtype=np.uint8)).resize(
        (150, 120), 3
    )


def test_resaved_scaled_and_rotated_by_exif_pictures_are_near_others_are_not():
    random = np.random.default_rng(0)
    originals = [drawn(random) for _ in range(60)]
    exif = Image.Exif()
    exif[0x0112] = 6
    copies = [
        encoded(originals[0], "JPEG", quality=60),
        encoded(originals[1].resize((90, 72))),
        encoded(originals[2], "WEBP", quality=70),
        encoded(originals[3].rotate(90, expand=True), "JPEG", exif=exif),
        encoded(originals[4].resize((300, 240)), "JPEG"),
    ]
    pairs = similar_pictures(*facts_of([encoded(image) for image in originals] + copies))
    assert pairs.tolist() == [[number, 60 + number] for number in range(5)]


def test_the_same_shape_in_another_colour_is_no_copy():
    random = np.random.default_rng(0)
    grey = np.asarray(drawn(random).convert("L")).astype(int)
    red = Image.fromarray(np.stack([grey, grey // 4, grey // 4], axis=2).astype("uint8"))
    blue = Image.fromarray(np.stack([grey // 4, grey // 4, grey], axis=2).astype("uint8"))
    assert not len(similar_pictures(*facts_of([encoded(red), encoded(blue)])))


def test_empty_pictures_have_no_look():
    flat = [encoded(Image.new("RGB", (50, 50), (shade, shade, shade))) for shade in (10, 11, 12)]
    assert not len(similar_pictures(*facts_of(flat)))


def test_the_perceptual_hash_is_the_sign_of_the_low_frequencies():
    """Against SciPy's cosine transform of the same 32 x 32 copy."""
    from scipy.fft import dctn

    from tl_core.data.checks.image_facts import _perceptual

    image = drawn(np.random.default_rng(5))
    small = np.asarray(image.convert("L").resize((32, 32), resample=4), dtype=np.float64)
    low = dctn(small, type=2)[:8, :8].ravel()
    expected = [value > np.median(low[1:]) for value in low[1:]]
    found = _perceptual(image)
    assert [bool(found >> place & 1) for place in range(1, 64)] == expected


def test_clusters_follow_chains():
    assert clusters(6, np.array([[0, 1], [1, 2], [4, 5]])).tolist() == [0, 0, 0, 1, 2, 2]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_near_nothing(count):
    facts = text_facts(pa.array(["hello there"] * count, pa.string()))
    assert not len(similar_texts(facts["key"], facts["signature"], lambda rows: []))
