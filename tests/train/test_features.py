"""Features: cached by content, resumed batch by batch, never random."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.clustered import pieces_here
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.load import load_backbone
from tl_core.errors import BackboneError, Cancelled, ConfigError
from tl_core.progress import Progress
from tl_core.settings import Settings
from tl_core.train.features.batch_reading import BatchReading
from tl_core.train.features.cache import cache_key, extract_features, plan_batches


class Counting:
    """An extractor that counts the rows it really computes, and may die."""

    def __init__(self, inner, die_after=10**9):
        self.inner, self.rows, self.calls, self.die_after = inner, 0, 0, die_after

    def __call__(self, batch, *, bf16=False):
        self.calls += 1
        if self.calls > self.die_after:
            raise Cancelled
        features = self.inner(batch, bf16=bf16)
        self.rows += len(features)
        return features


@pytest.fixture
def texts(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    return version, load_backbone(f"local:{tiny('bert')}", version.info.labels, Settings())


def run(version, backbone, extractor, cache, batch_size=8):
    rows = np.arange(len(version.items))
    return np.asarray(
        extract_features(
            version,
            rows,
            backbone,
            extractor,
            cache,
            bf16=False,
            batch_size=batch_size,
            progress=Progress(),
        )
    )


def test_features_are_in_row_order_and_cached(texts, tmp_path):
    version, backbone = texts
    with backbone.extracting() as inner:
        first = Counting(inner)
        features = run(version, backbone, first, tmp_path / "cache")
        plain = np.concatenate([inner(backbone.encode([text])) for text in version.items["text"]])
        np.testing.assert_allclose(features, plain, atol=2e-5)
        again = Counting(inner)
        assert (run(version, backbone, again, tmp_path / "cache") == features).all()
    assert (first.rows, again.rows) == (60, 0)


def test_after_a_kill_only_missing_batches_are_embedded(texts, tmp_path):
    version, backbone = texts
    with backbone.extracting() as inner:
        dying = Counting(inner, die_after=5)
        with pytest.raises(Cancelled):
            run(version, backbone, dying, tmp_path / "cache")
        rest = Counting(inner)
        features = run(version, backbone, rest, tmp_path / "cache")
        np.testing.assert_array_equal(
            features, run(version, backbone, Counting(inner), tmp_path / "other")
        )
    assert dying.rows + rest.rows == 60
    assert rest.rows == 60 - 5 * 8


def test_a_damaged_batch_is_computed_again(texts, tmp_path):
    version, backbone = texts
    with backbone.extracting() as inner:
        with pytest.raises(Cancelled):
            run(version, backbone, Counting(inner, die_after=5), tmp_path / "cache")
        folder = next((tmp_path / "cache").iterdir())
        values = np.load(folder / "values.npy", mmap_mode="r+")
        batches = plan_batches(version, np.arange(60), 8)
        values[batches[2][0]] = 7.0
        values.flush()
        with (folder / "batches.jsonl").open("a") as log:
            log.write("[5, 12")  # the kill came while this was being written
        rest = Counting(inner)
        features = run(version, backbone, rest, tmp_path / "cache")
        np.testing.assert_array_equal(
            features, run(version, backbone, Counting(inner), tmp_path / "other")
        )
    assert rest.rows == 60 - 4 * 8


def test_trap_18_the_key_holds_everything_that_decides(texts, tmp_path, tiny):
    version, backbone = texts
    rows = np.arange(60)
    keys = {
        cache_key(version, rows, backbone, False),
        cache_key(version, rows, backbone, True),
        cache_key(version, rows[:59], backbone, False),
    }
    for options in ({"max_length": 16}, {"pooling": "mean"}):
        other = load_backbone(f"local:{tiny('bert')}", version.info.labels, Settings(), **options)
        keys.add(cache_key(version, rows, other, False))
    keys.add(
        cache_key(
            version,
            rows,
            load_backbone(f"local:{tiny('electra')}", version.info.labels, Settings()),
            False,
        )
    )
    relabelled = build(write_texts(tmp_path / "u.csv", 58), tmp_path / "w")
    keys.add(cache_key(relabelled, rows, backbone, False))
    assert len(keys) == 7


def test_trap_18_random_preprocessing_is_refused(tmp_path, tiny, monkeypatch):
    version = build(write_pictures(tmp_path / "d"), tmp_path / "v")
    backbone = load_backbone(f"local:{tiny('resnet')}", version.info.labels, Settings())
    plain = backbone.encode
    random = np.random.default_rng(0)

    def flipping(inputs):
        batch = plain(inputs)
        return {"pixel_values": batch["pixel_values"] + float(random.normal())}

    monkeypatch.setattr(backbone, "encode", flipping)
    with backbone.extracting() as extractor, pytest.raises(ConfigError, match="random"):
        run(version, backbone, extractor, tmp_path / "cache")


def test_longest_texts_come_first_and_every_row_once(texts):
    version, _ = texts
    batches = plan_batches(version, np.arange(60), 7)
    lengths = [max(len(version.items["text"][i]) for i in batch) for batch in batches]
    assert lengths == sorted(lengths, reverse=True)
    assert sorted(np.concatenate(batches)) == list(range(60))


def test_training_leaves_the_backbone_as_it_was(texts, tmp_path):
    """Trap 1 and 29 in spirit: frozen means that no parameter or buffer moves while features are
    taken.
    """
    version, backbone = texts
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    with backbone.extracting() as extractor:
        run(version, backbone, extractor, tmp_path / "cache")
    assert all((before[name] == value).all() for name, value in backbone.model.state_dict().items())
    assert not backbone.model.training


def test_a_cluster_reads_each_row_as_this_machine_does(texts, tmp_path, monkeypatch):
    """After a kill the batches that are finished stay; another network is refused."""
    version, backbone = texts
    rows = np.arange(len(version.items))
    with backbone.extracting() as extractor:
        here = run(version, backbone, extractor, tmp_path / "here")
        dying = Counting(extractor, die_after=5)
        with pytest.raises(Cancelled):
            run(version, backbone, dying, tmp_path / "there")
        calls = pieces_here(monkeypatch)
        about = (version, rows, backbone, extractor, tmp_path / "there")
        options = {"bf16": False, "batch_size": 8, "progress": Progress(), "processes": 2}
        there = np.asarray(extract_features(*about, **options))
    np.testing.assert_array_equal(there, here)
    assert calls == [[5, 6, 7]]
    made_of = {
        "version": str(version.folder),
        "backbone": backbone.reference,
        "identity": {},
        "pooling": backbone.pooling,
        "max_length": 8,
        "batch_size": 8,
        "bf16": False,
        "rows": str(next(tmp_path.rglob("rows.npy"))),
    }
    with pytest.raises(BackboneError, match="another network on this machine"):
        BatchReading(made_of)
