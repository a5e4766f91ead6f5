"""What goes into a step: tokens, pixels, variations, batches, weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.encoding import encode_images, encode_texts
from tl_core.backbones.load import load_backbone
from tl_core.errors import ConfigError
from tl_core.progress import Progress
from tl_core.settings import Settings
from tl_core.train.class_weights import class_weights
from tl_core.train.features import augment, pixels
from tl_core.train.features.augment import ImageExamples
from tl_core.train.features.tokens import TextExamples, tokenize
from tl_core.train.loop.batches import EpochBatches


@pytest.fixture
def texts(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 40), tmp_path / "v")
    backbone = load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings(), max_length=12)
    return (
        version,
        backbone,
        tokenize(version, version.rows_of("train"), backbone, tmp_path / "cache"),
    )


def test_batches_of_tokens_are_what_the_tokenizer_makes_at_prediction(texts):
    version, backbone, tokens = texts
    rows = version.rows_of("train")
    labels = version.labels[rows]
    batch = TextExamples(tokens, labels, backbone.processor.pad_token_id).__getitems__(
        [(0, 3), (0, 0), (0, 7)]
    )
    expected = encode_texts(backbone.processor, version.texts(rows[[3, 0, 7]]), 12)
    assert torch.equal(batch["input_ids"], expected["input_ids"])
    assert torch.equal(batch["attention_mask"], expected["attention_mask"])
    assert batch["labels"].tolist() == labels[[3, 0, 7]].tolist()


def test_tokens_are_encoded_once_and_read_again(texts, tmp_path, monkeypatch):
    version, backbone, tokens = texts
    monkeypatch.setattr(
        "tl_core.train.features.tokens._encode", lambda *_: pytest.fail("encoded again")
    )
    again = tokenize(version, version.rows_of("train"), backbone, tmp_path / "cache")
    assert np.array_equal(again.ids, tokens.ids)


def test_word_dropout_leaves_out_whole_words_repeatably_and_never_special_tokens(texts):
    version, backbone, tokens = texts
    labels = version.labels[version.rows_of("train")]
    dropped = TextExamples(tokens, labels, 0, word_dropout=0.5, seed=3)
    plain = TextExamples(tokens, labels, 0)
    one, same, other = (
        dropped.__getitems__([(epoch, 5)])["input_ids"][0].tolist() for epoch in (1, 1, 2)
    )
    whole = plain.__getitems__([(1, 5)])["input_ids"][0].tolist()
    assert one == same and (one != other or len(one) < len(whole))
    assert one[0] == whole[0] and one[-1] == whole[-1] and len(one) < len(whole)
    words = tokens.words[tokens.starts[5] : tokens.starts[6]]
    kept = [word for word, token in zip(words, whole, strict=True) if token in one]
    assert len(kept) >= len(one)


@pytest.mark.parametrize("family", ("vit", "convnext", "resnet", "timm"))
def test_bytes_and_the_affine_step_give_what_the_processor_gives(tmp_path, tiny, family):
    """Trap 8 for training: pixels seen while judging are those of prediction."""
    version = build(write_pictures(tmp_path / "d", each=4), tmp_path / "v")
    backbone = load_backbone(f"local:{tiny(family)}", ["a", "b", "c"], Settings())
    view, rows = pixels.measure_view(backbone.processor), version.rows_of("train")
    read = pixels.seen(version, rows, backbone, view, tmp_path / "cache", Progress())
    from tl_core.train.items.item_training import read_inputs

    expected = encode_images(backbone.processor, read_inputs(version, rows))["pixel_values"]
    torch.testing.assert_close(
        view.normalise(read(np.arange(len(rows)))), expected, atol=1e-4, rtol=1e-4
    )


def test_trap_19_pictures_that_judge_are_never_varied_and_training_ones_are(tmp_path, tiny):
    version = build(write_pictures(tmp_path / "d", each=6), tmp_path / "v")
    backbone = load_backbone(f"local:{tiny('resnet')}", ["a", "b", "c"], Settings())
    view, rows = pixels.measure_view(backbone.processor), version.rows_of("train")
    labels = version.labels[rows]
    seen = ImageExamples(
        pixels.seen(version, rows, backbone, view, tmp_path / "c", Progress()), labels, view
    )
    read = pixels.whole(version, rows, backbone, view, tmp_path / "c", Progress())
    whole = ImageExamples(read, labels, view, "strong")
    first, second = (
        seen.__getitems__([(epoch, 0), (epoch, 1)])["pixel_values"] for epoch in (0, 1)
    )
    assert torch.equal(first, second)
    first, again, second = (
        whole.__getitems__([(epoch, 0), (epoch, 1)])["pixel_values"] for epoch in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, second)
    alone = whole.__getitems__([(0, 1)])["pixel_values"]
    torch.testing.assert_close(alone[0], first[1])  # neighbours in the batch change nothing


def test_presets_keep_what_they_promise():
    letters = Image.new("RGB", (80, 60))
    letters.paste((255, 255, 255), (0, 0, 30, 60))
    view = pixels.View(32, 32, torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1))
    whole = pixels.shrunk(letters, view)
    for kind, mirrored in (("orientation matters", False), ("standard", True)):
        seen = set()
        for epoch in range(40):
            out = augment.vary_shape(
                whole, augment.RECIPES[kind], view, np.random.default_rng([0, epoch])
            ).float()
            seen.add(bool(out[:, :, :8].mean() + 20 < out[:, :, -8:].mean()))
        assert (True in seen) is mirrored
    grey = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    draw = [np.random.default_rng(1)]
    assert torch.equal(
        augment.vary_colour(grey, augment.RECIPES["colour matters"], draw), grey.float()
    )
    assert not torch.equal(augment.vary_colour(grey, augment.RECIPES["strong"], draw), grey.float())


@pytest.mark.parametrize("mix", ("mixup", "cutmix"))
def test_mixed_pictures_come_with_both_labels_and_the_share(mix):
    view = pixels.View(8, 8, torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1))
    values = torch.arange(4, dtype=torch.uint8).mul(60).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    examples = ImageExamples(lambda places: values[places], np.arange(4), view, "none", mix, seed=2)
    batch = examples.__getitems__([(0, i) for i in range(4)])
    kept = float(batch["kept"])
    expected = kept * batch["labels"] * 60.0 + (1 - kept) * batch["mixed_labels"] * 60.0
    torch.testing.assert_close(
        batch["pixel_values"].mean(dim=(1, 2, 3)), expected.float(), atol=1e-3, rtol=1e-3
    )


def test_every_example_is_seen_once_an_epoch_in_another_order():
    batches = EpochBatches(103, 10, seed=1, lengths=np.random.default_rng(0).integers(3, 90, 103))
    orders = []
    for epoch in (0, 1):
        batches.set_epoch(epoch)
        parts = list(batches)
        assert len(parts) == len(batches) == 11 and {key[0] for part in parts for key in part} == {
            epoch
        }
        orders.append([place for part in parts for _, place in part])
        assert sorted(orders[-1]) == list(range(103))
    assert orders[0] != orders[1]


@pytest.mark.parametrize("count", (31, 32, 33, 64, 65, 97))
def test_trap_16_no_part_of_a_batch_holds_a_single_example(count):
    for accumulate in (1, 2, 4, 16):
        batches = EpochBatches(count, 32, seed=0, accumulate=accumulate)
        sizes = [len(part) for part in batches]
        assert min(sizes) >= 2 and sum(sizes) == count and len(sizes) == len(batches)
        assert len(sizes) == batches.steps * batches.accumulate


@pytest.mark.parametrize("count", (3, 5, 33, 65, 97, 206, 1000, 1009))
@pytest.mark.parametrize("batch", (2, 8, 32))
def test_no_epoch_has_a_ragged_batch(count, batch):
    sizes = [len(part) for part in EpochBatches(count, batch, seed=0)]
    assert sum(sizes) == count and max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch + 1 and min(sizes) >= min(2, count)


def test_processes_share_each_batch_without_overlap():
    whole = list(EpochBatches(56, 16, seed=4))
    parts = [list(EpochBatches(56, 16, seed=4, rank=rank, world=2)) for rank in (0, 1)]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert sorted(key for share in shares for key in share) == sorted(batch) and all(shares)


def test_like_lengths_stand_together():
    lengths = np.random.default_rng(0).integers(3, 120, 3200)

    def padding(parts):
        return (
            sum(len(part) * max(lengths[place] for _, place in part) for part in parts)
            / lengths.sum()
        )

    assert (
        padding(EpochBatches(3200, 32, 0, lengths=lengths))
        < 1.1
        < padding(EpochBatches(3200, 32, 0))
    )


def test_oversampling_shows_rare_classes_as_often():
    labels = np.array([0] * 900 + [1] * 100)
    batches = EpochBatches(1000, 50, 0, chances=1.0 / np.bincount(labels)[labels])
    shown = labels[[place for part in batches for _, place in part]]
    assert 0.4 < shown.mean() < 0.6


def test_class_weights_against_scikit_learn_and_their_mean():
    from sklearn.utils.class_weight import compute_class_weight

    counts = [70, 20, 10]
    labels = np.repeat([0, 1, 2], counts)
    ours = class_weights(counts, "balanced")
    np.testing.assert_allclose(
        ours, compute_class_weight("balanced", classes=np.arange(3), y=labels)
    )
    for kind in ("none", "balanced", "sqrt"):
        assert class_weights(counts, kind)[labels].mean() == pytest.approx(1)
    assert class_weights(counts, "custom", (1, 2, 0))[2] == 0
    with pytest.raises(ConfigError, match="2 class weights"):
        class_weights(counts, "custom", (1, 2))
