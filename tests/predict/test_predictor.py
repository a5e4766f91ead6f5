"""Many at once say the same as one by one: threads, lengths, number formats, for every family and
graft.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.exported import EACH
from tests_support.tiny_sound_backbones import sounds

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.errors import ConfigError, DataError
from tl_core.predict import predictor
from tl_core.predict.predictor import Predictor
from tl_core.settings import Settings

TEXTS = [f"good film {'and so on ' * (i % 9)}{i}" for i in range(150)]


def noise(seed):
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (40, 40 + seed % 9, 3), dtype=np.uint8)
    )


def made(modality):
    if modality == "audio":
        return sounds(tuple(0.06 + 0.05 * (number % 9) for number in range(40)))
    return TEXTS if modality == "text" else [noise(number) for number in range(40)]


@pytest.fixture
def model(tiny, tmp_path):
    save_classifier(
        load_backbone(f"local:{tiny('bert')}", ["a", "b", "c"], Settings()), tmp_path / "model"
    )
    return tmp_path / "model"


@pytest.mark.parametrize("name", EACH)
def test_threads_say_what_the_classifier_says_of_each_alone(exported, name):
    """Grafts listen inside their network while it computes, so each thread needs modules of its
    own.
    """
    folder = exported.run(name)[0] / "model"
    alone = load_classifier(folder)
    items = made(alone.modality)
    expected = np.concatenate([alone.probabilities([item]) for item in items])
    with Predictor(folder, workers=3) as many:
        for _ in range(2):
            scores, errors = many.probabilities(items)
            np.testing.assert_allclose(scores, expected, atol=2e-5)
    assert not any(errors)


def test_the_rest_of_the_process_keeps_its_cores(model):
    before = torch.get_num_threads()
    with Predictor(model, workers=2) as many:
        many.probabilities(TEXTS)
        assert torch.get_num_threads() == before
        assert {
            thread.result()
            for thread in [many._pool.submit(torch.get_num_threads) for _ in range(8)]
        } == {max(before // 2, 1)}
    assert torch.get_num_threads() == before


def test_what_an_item_cannot_give_is_its_own_trouble(tiny, tmp_path):
    save_classifier(
        load_backbone(f"local:{tiny('vit')}", ["a", "b"], Settings()), tmp_path / "model"
    )

    def read(number):
        if number % 9 == 0:
            raise DataError("It is broken.", "Why.", "What.")
        return noise(number)

    counts = []
    with Predictor(tmp_path / "model", workers=2) as many:
        scores, errors = many.probabilities([partial(read, n) for n in range(30)], counts.append)
    assert [place for place, error in enumerate(errors) if error] == [0, 9, 18, 27]
    assert errors[9] == "It is broken." and not scores[9].any() and sum(counts) == 30
    np.testing.assert_allclose(
        scores[5], load_classifier(tmp_path / "model").probabilities([noise(5)])[0], atol=1e-6
    )


def test_bf16_near_a_border_is_float32(model):
    with Predictor(model, "float32") as exact:
        expected = exact.probabilities(TEXTS)[0]
    with Predictor(model) as many:
        many.choose(bf16=True, doubt=0.0, reason="told")
        rough = many.probabilities(TEXTS)[0]
        assert np.abs(rough - expected).max() > 1e-6  # it is another format
        top = np.sort(expected, axis=1)
        border = float(np.median(top[:, 2] - top[:, 1]))
        many.choose(bf16=True, doubt=border, reason="told")
        scores = many.probabilities(TEXTS)[0]
        near = (np.sort(rough, axis=1)[:, 2] - np.sort(rough, axis=1)[:, 1]) <= border
        assert 0 < near.sum() < len(TEXTS)
        np.testing.assert_allclose(scores[near], expected[near], atol=1e-7)
        np.testing.assert_array_equal(scores[~near], rough[~near])
        many.least = float(top[~near][:, 2].mean())  # a threshold is a border as well
        many.choose(bf16=True, doubt=1.0, reason="told")
        np.testing.assert_allclose(many.probabilities(TEXTS)[0], expected, atol=1e-7)


def test_bf16_is_taken_where_it_is_fast_and_harmless(model, monkeypatch):
    monkeypatch.setattr(predictor, "has_bf16", lambda: True)
    ticks = iter(range(100))
    monkeypatch.setattr(
        predictor.time, "perf_counter", lambda: (0.0, 2.0, 2.0, 3.0)[next(ticks) % 4]
    )
    with Predictor(model) as many:
        many.settle(TEXTS, 5000)
        assert many.bf16 and "2.0 times as fast" in many.reason
        kept = many.chosen
    with Predictor(model) as other:
        other.choose(**kept)
        assert other.chosen == kept
    monkeypatch.setattr(predictor, "_HARM", 1e-9)
    with Predictor(model) as many:
        many.settle(TEXTS, 5000)
        assert not many.bf16 and "moves probabilities" in many.reason


def test_bf16_is_not_even_tried_for_a_few_or_where_there_is_none(model, monkeypatch):
    monkeypatch.setattr(predictor, "has_bf16", lambda: False)
    for total, reason in ((999, "too few"), (1000, "no fast bf16")):
        with Predictor(model) as many:
            many.settle(TEXTS, total)
            assert not many.bf16 and reason in many.reason
    with pytest.raises(ConfigError, match="precision"):
        Predictor(model, "int4")
