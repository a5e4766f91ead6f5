"""Similar items: cosines against a plain loop, by a row, by another item, by words, and where no
words are known.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.recordings import write_vowels

from tl_core.data.browse.sought import LONGEST_WORDS, Sought, sought_in
from tl_core.data.preparation import Preparation
from tl_core.errors import BackboneError, DataError, NotFoundError
from tl_core.predict.predicted_items import predicted_items_of
from tl_core.progress import Progress
from tl_core.services.search_examples import MEGABYTES, example, keep_example
from tl_core.settings import read_settings
from tl_core.train.similar import cosines as module
from tl_core.train.similar.cosines import cosines, most_alike
from tl_core.train.similar.item_search import open_search


def plainly(features, wanted):
    """The same by a loop over numbers."""
    found = []
    for row in features.tolist():
        inner = sum(a * b for a, b in zip(row, wanted.tolist(), strict=True))
        length = sum(a * a for a in row) ** 0.5 * sum(b * b for b in wanted.tolist()) ** 0.5
        found.append(inner / length if length else 0.0)
    return np.array(found)


@pytest.mark.parametrize("at_once", [1, 7, 100, 4096])
def test_cosines_are_those_of_a_plain_loop_however_the_rows_are_cut(monkeypatch, at_once):
    random = np.random.default_rng(0)
    features = random.normal(size=(100, 12)).astype(np.float32)
    features[[3, 50]] = 0.0
    features[60] = features[61]  # as alike as each other
    wanted = features[61]
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    assert np.allclose(cosines(features, wanted), plainly(features, wanted), atol=1e-12)
    rows, alike = most_alike(
        [(np.arange(50, 100), features[50:]), (np.arange(50), features[:50])], wanted, 10
    )
    order = sorted(range(100), key=lambda row: (-round(plainly(features, wanted)[row], 12), row))
    assert rows.tolist() == order[:10] and rows[:2].tolist() == [60, 61]
    assert np.allclose(alike, plainly(features, wanted)[rows])


def test_many_items_are_searched_in_little_memory(tmp_path):
    rows, width = 100_000, 96
    features = np.lib.format.open_memmap(
        tmp_path / "f.npy", mode="w+", dtype=np.float32, shape=(rows, width)
    )
    features[:] = np.random.default_rng(0).normal(size=(rows, width))
    features.flush()
    kept = np.load(tmp_path / "f.npy", mmap_mode="r")
    tracemalloc.start()
    found, _ = most_alike([(np.arange(rows), kept)], np.asarray(kept[77_777]), 5)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0] == 77_777 and most < 25e6  # the features have 38 MB, 77 MB as float64


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("similar")
    return build(write_pictures(root / "d"), root / "v")


def search_of(version, folder, cache):
    return open_search(f"local:{folder}", version, cache, read_settings())


def test_a_row_is_most_like_itself_and_copies_come_first(tmp_path, tiny):
    lines = [f"a note about {word} {n},{'ab'[n % 2]}" for n in range(20) for word in ("fish",)]
    lines += ["the money is late today,a", "the money is late today!,b"]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v")
    search = search_of(version, tiny("bert"), tmp_path / "cache")
    assert search.missing == 22
    rows, alike = search.like_row(20, Progress())
    assert search.missing == 0 and rows[0] == 20 and rows[1] == 21
    assert alike[0] == pytest.approx(1) and (np.diff(alike) <= 1e-12).all() and len(rows) == 22
    said, by_words = search.like_words("the money is late today", Progress())
    assert said.tolist() == rows.tolist() and np.allclose(by_words, alike, atol=1e-5)
    with pytest.raises(NotFoundError, match="no row 22"):
        search.like_row(22, Progress())


def test_what_a_probe_has_read_is_not_read_again(tmp_path, tiny):
    from tl_core.config import RunConfig
    from tl_core.recipes import run_recipe

    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    config = RunConfig("train", "local", "", "", f"local:{tiny('bert')}", "probe", {"repeats": 0})
    run_recipe(config, version, tmp_path / "run", tmp_path / "cache", Progress())
    assert search_of(version, tiny("bert"), tmp_path / "cache").missing == 0


def test_a_photo_that_was_brought_finds_its_like(tmp_path, tiny, pictures):
    search = search_of(pictures, tiny("resnet"), tmp_path / "cache")
    row = int(pictures.rows_of("train")[3])
    item = predicted_items_of("image").as_given(pictures.file_bytes(row), Preparation())
    rows, alike = search.like_item(item, Progress())
    assert rows[0] == row and alike[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_words_meet_photos_where_the_backbone_knows_both(tmp_path, tiny, pictures, family):
    search = search_of(pictures, tiny(family), tmp_path / "cache")
    rows, alike = search.like_words("a red disc", Progress())
    assert len(rows) == 36 and np.abs(alike).max() <= 1
    vectors, _ = search.backbone.kind.word_vectors(
        ["a red disc"], search.backbone.folder, lambda items: items
    )
    parts = search.read(Progress())
    features = np.concatenate([part for _, part in parts])
    numbers = np.concatenate([some for some, _ in parts])
    expected = plainly(features, vectors.numpy()[0])
    assert np.allclose(alike, expected[np.argsort(numbers)][rows], atol=1e-6)


def test_a_backbone_without_words_says_so(tmp_path, tiny, pictures):
    search = search_of(pictures, tiny("resnet"), tmp_path / "cache")
    with pytest.raises(BackboneError, match="cannot compare photos with words"):
        search.like_words("red", Progress())


def test_recordings_are_searched_by_example_alone(tmp_path, tiny):
    version = build(write_vowels(tmp_path / "d"), tmp_path / "v")
    search = search_of(version, tiny("wav2vec2"), tmp_path / "cache")
    assert search.like_row(0, Progress())[0][0] == 0
    with pytest.raises(BackboneError, match="cannot compare recordings with words"):
        search.like_words("a", Progress())


def test_a_backbone_for_other_items_is_refused(tmp_path, tiny, pictures):
    with pytest.raises(DataError, match="the dataset holds photos"):
        search_of(pictures, tiny("bert"), tmp_path / "cache")


@pytest.mark.parametrize(
    ("address", "sought"),
    [
        ("row:17", Sought("row", "17")),
        ("row:007", Sought("row", "7")),
        ("words: red: discs ", Sought("words", "red: discs")),
        ("words:" + "x" * 999, Sought("words", "x" * LONGEST_WORDS)),
        ("file:ab12", Sought("file", "ab12")),
        *((bad, None) for bad in ("", "row", "row:", "row:-1", "row:x", "row:²", "words: ")),
        *((bad, None) for bad in ("file:", "file:../x", "file:a/b", "other:1", "row:" + "9" * 99)),
    ],
)
def test_what_an_address_asks_for(address, sought):
    assert sought_in(address) == sought
    if sought:
        assert sought_in(sought.as_address()) == sought


def test_an_example_is_kept_by_its_content(home):
    settings = read_settings()
    key = keep_example(settings, b"abc")
    assert key == keep_example(settings, b"abc") != keep_example(settings, b"abd")
    assert example(settings, key) == b"abc"
    for missing in ("0" * 40, "../" * 3):
        with pytest.raises(NotFoundError):
            example(settings, missing)
    for content in (b"", bytes((MEGABYTES << 20) + 1)):
        with pytest.raises(DataError):
            keep_example(settings, content)


def test_a_picture_of_noise_is_read_like_the_rows(tmp_path, tiny, pictures):
    search = search_of(pictures, tiny("resnet"), tmp_path / "cache")
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (30, 60, 3), dtype=np.uint8))
    rows, alike = search.like_item(noise, Progress())
    assert len(rows) == 36 and np.isfinite(alike).all()
