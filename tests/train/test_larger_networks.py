"""What a training holds in memory, and settings that make it hold less."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import Ear, open_setup, train, weights
from torch.profiler import ProfilerActivity, profile

from tl_core.errors import ConfigError
from tl_core.train.larger.fitting import Counts, Saved, Way, advice, held, measure_saved, ways
from tl_core.train.loop.memory import step_once

HAS_BITS = importlib.util.find_spec("bitsandbytes") is not None
FULL = {"strategy": "full", "precision": "float32"}


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "texts.csv"), tmp_path / "texts")


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=8), tmp_path / "pictures")


def gradients(setup):
    """After one pass, by name."""
    torch.manual_seed(1)
    setup.model.train()
    step_once(setup.model, next(setup.batches()), False, setup.task)
    return {
        name: weight.grad.clone()
        for name, weight in setup.model.named_parameters()
        if weight.grad is not None
    }


@pytest.mark.parametrize(
    ("how", "family", "kind"),
    [
        ("recompute", "bert", "texts"),
        ("offload", "vit", "pictures"),
        ("recompute", "resnet", "pictures"),
    ],
)
def test_what_is_computed_again_gives_the_same_gradients(
    how, family, kind, tmp_path, tiny, request
):
    """With dropout: chance is the same the second time."""
    version = request.getfixturevalue(kind)
    kept = open_setup(version, tmp_path / "kept", tiny(family), **FULL)
    again = open_setup(version, tmp_path / "again", tiny(family), activations=how, **FULL)
    assert all("forward" in block.__dict__ for block in again.blocks())
    one, two = gradients(kept), gradients(again)
    assert one.keys() == two.keys() and len(one) > 10
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-6, rtol=1e-4)
    again.stack.close()
    assert not any("forward" in block.__dict__ for block in again.blocks())


def peak_bytes(setup, size):
    """The most that the tensors of a step took at once, its batch among them, beside what was there
    before: by torch's own account of its allocations.
    """
    batch = setup.largest(size)
    setup.model.train()
    step_once(setup.model, batch, False, setup.task)
    setup.model.zero_grad(set_to_none=True)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as record:
        step_once(setup.model, batch, False, setup.task)
    now = most = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most + sum(value.nbytes for value in batch.values())


@pytest.mark.parametrize("how", ["keep", "recompute"])
@pytest.mark.parametrize("family", ["vit", "resnet"])
def test_what_a_step_is_said_to_hold_is_what_it_takes(how, family, tmp_path, tiny, pictures):
    """Activations and gradients against the peak of torch's allocations, for a large batch."""
    setup = open_setup(pictures, tmp_path / "run", tiny(family), activations=how, **FULL)
    saved = measure_saved(setup, setup.blocks())
    size = 64
    gradients_ = 4 * setup.report.trainable
    said = size * saved.of(how)
    found = peak_bytes(setup, size)
    assert said == pytest.approx(found, rel=0.15, abs=gradients_)
    setup.stack.close()


def test_parts_of_the_memory_by_hand():
    counts = Counts(total=1000, moving=1000, block=100, frozen=800, beside=50, part=8)
    saved = Saved(outside=10, inside=[100, 200], inputs=[5, 7])
    full = held(Way("keep", "adamw", "none", lora=False), counts, saved)
    assert full == {
        "weights": 4000,
        "gradients": 4000,
        "optimizer": 8000,
        "best_state": 4000,
        "activations": 8 * 310,
    }
    less = held(Way("recompute", "adamw", "4bit", lora=True), counts, saved)
    assert less["weights"] == 4 * 200 + 800 * 0.5625 and less["optimizer"] == 400
    assert less["activations"] == 8 * (10 + 12 + 200)
    four = held(Way("offload", "adamw", "none", lora=False, gpus=4), counts, saved)
    assert four["weights"] == 1000 + 800 and four["gradients"] == 1000
    assert four["activations"] == 2 * (10 + 7 + 200)


def test_the_first_way_that_fits_is_advised(tmp_path, tiny, pictures):
    setup = open_setup(pictures, tmp_path / "run", tiny("vit"), **FULL)
    roomy = ways(setup, setup.settings, 1e12)
    assert all(way.fits for way in roomy) and advice(roomy, 1e12).startswith("It fits as set")
    tight = ways(setup, setup.settings, roomy[0].total / 0.9 - 1)
    assert not tight[0].fits and tight[1].fits
    assert "It does with activations: recompute:" in advice(tight, 1.0)
    assert "nor in any way" in advice(ways(setup, setup.settings, 1.0), 1.0)


@pytest.mark.skipif(HAS_BITS, reason="bitsandbytes is installed")
@pytest.mark.parametrize(
    "options", [{"optimizer": "adamw-8bit"}, {"quantise": "4bit", "lora": True}]
)
def test_without_bitsandbytes_few_bits_are_refused_in_words(options, tmp_path, tiny, texts):
    with pytest.raises(ConfigError, match="needs the package bitsandbytes"):
        open_setup(texts, tmp_path / "run", tiny("bert"), **options)


@pytest.mark.skipif(not HAS_BITS, reason="needs the extra few-bits (bitsandbytes)")
def test_frozen_layers_of_4_bits_become_ordinary_ones_again(tmp_path, tiny, texts):
    """QLoRA: saved is what was trained with, within the steps of 16 values for 64 weights."""
    options = {"strategy": "lora", "lora": True, "max_length": 16, "epochs": 1.0}
    train(texts, tmp_path / "few", tiny("bert"), quantise="4bit", **options)
    train(texts, tmp_path / "all", tiny("bert"), **options)
    few, whole = weights(tmp_path / "few"), weights(tmp_path / "all")
    assert few.keys() == whole.keys()
    inside = [name for name in few if ".layer.0." in name and name.endswith("dense.weight")]
    assert inside
    for name in inside:
        apart = (few[name] - whole[name]).abs().max() / whole[name].abs().max()
        assert 0.005 < apart < 0.2, name


@pytest.mark.skipif(not HAS_BITS, reason="needs the extra few-bits (bitsandbytes)")
def test_a_state_of_8_bits_learns_nearly_the_same(tmp_path, tiny, texts):
    options = {"strategy": "full", "max_length": 16, "epochs": 2.0, "precision": "float32"}
    plain, few = Ear(), Ear()
    train(texts, tmp_path / "plain", tiny("bert"), plain, **options)
    train(texts, tmp_path / "few", tiny("bert"), few, optimizer="adamw-8bit", **options)
    one, two = (ear.curves["validation"][-1]["log_loss"] for ear in (plain, few))
    assert two == pytest.approx(one, abs=0.05)
