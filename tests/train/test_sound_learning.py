"""Recordings are learnt from: decoded once, varied, without transfer, by probe and by tuning."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.fft import dct
from tests_support.datasets import build
from tests_support.waves import RATE, made, wav, write_recordings

from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig
from tl_core.errors import BackboneError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.robustness import stress
from tl_core.select.starter import suggested
from tl_core.settings import Settings, read_settings
from tl_core.train.features.sound_variations import (
    VARIATIONS,
    cut_in,
    vary,
    without_band,
    without_time,
)
from tl_core.train.features.waves import SoundExamples, read_sounds, waves
from tl_core.train.items.item_training import training_of
from tl_core.train.items.sound_baseline import mfcc, sound_features


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    return build(write_recordings(folder / "s", each=14), folder / "v")


def trained(version, folder, recipe, backbone="", **options):
    folder.mkdir()
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe, options)
    return run_recipe(config, version, folder, folder.parent / "cache", Progress())


def plain_mfcc(sound, frames=3):
    """The same by sums that are written out: a Fourier transform as a matrix, triangles point by
    point.
    """
    size, hop, points, bands = 400, 160, 512, 40

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    corners = [
        700 * (10 ** ((mel(20) + (mel(7600) - mel(20)) * i / (bands + 1)) / 2595) - 1)
        for i in range(bands + 2)
    ]
    turn = np.exp(-2j * np.pi * np.outer(np.arange(points // 2 + 1), np.arange(size)) / points)
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1))
    out = []
    for frame in range(frames):
        part = sound[frame * hop : frame * hop + size].astype(np.float64) * shape
        power = np.abs(turn @ part) ** 2
        levels = []
        for band in range(bands):
            low, middle, high = corners[band : band + 3]
            total = 0.0
            for place, value in enumerate(power):
                hertz = place * RATE / points
                if low < hertz <= middle:
                    total += value * (hertz - low) / (middle - low)
                elif middle < hertz < high:
                    total += value * (high - hertz) / (high - middle)
            levels.append(np.log(max(total, 1e-10)))
        out.append(dct(np.array(levels), norm="ortho")[:20])
    return np.array(out)


def test_cepstral_coefficients_are_those_of_plain_sums():
    for kind in ("tone", "noise"):
        sound = made(kind, 0)
        np.testing.assert_allclose(mfcc(sound)[:3], plain_mfcc(sound), atol=2e-3)
    assert mfcc(made("tone", 0, 0.01)).shape == (1, 20)
    assert sound_features(made("clicks", 1)).shape == (120,)
    assert np.isfinite(sound_features(np.zeros(16_000, np.float32))).all()


def test_the_same_sounds_come_from_the_cache(version, tmp_path):
    rows = version.rows_of("train")
    once = waves(version, rows, tmp_path, Progress())
    again = waves(version, rows, tmp_path, Progress())
    for place in (0, len(rows) - 1):
        np.testing.assert_array_equal(once.at(place), again.at(place))
        np.testing.assert_array_equal(
            once.at(place), read_sounds(version, rows[place : place + 1])[0]
        )
    assert (once.lengths == training_of("audio").sizes(version, rows)).all()


def test_variations_depend_on_seed_epoch_and_place_alone(version, tiny, tmp_path):
    backbone = load_backbone(f"local:{tiny('wav2vec2')}", ["a", "b", "c"], Settings())
    rows = version.rows_of("train")
    read = waves(version, rows, tmp_path, Progress())
    labels = version.labels[rows]
    examples = SoundExamples(read, labels, backbone, "standard", "none", 3)
    first, second = (examples.__getitems__([(0, 1), (0, 2)]) for _ in range(2))
    torch.testing.assert_close(first["input_values"], second["input_values"])
    other = examples.__getitems__([(1, 1), (0, 2)])["input_values"]
    assert other.shape != first["input_values"].shape or not torch.equal(
        other, first["input_values"]
    )
    plain = SoundExamples(read, labels, backbone)
    batch = plain.__getitems__([(5, 1)])
    torch.testing.assert_close(batch["input_values"], backbone.encode([read.at(1)])["input_values"])
    assert batch["labels"].tolist() == [labels[1]]


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_mixed_sounds_tell_the_share_of_the_first_label(version, tiny, tmp_path, mix):
    backbone = load_backbone(f"local:{tiny('wav2vec2')}", ["a", "b", "c"], Settings())
    rows = version.rows_of("train")
    read = waves(version, rows, tmp_path, Progress())
    examples = SoundExamples(read, version.labels[rows], backbone, "none", mix, 1)
    batch = examples.__getitems__([(0, 0), (0, 1), (0, 2), (0, 3)])
    assert 0 <= float(batch["kept"]) <= 1
    assert sorted(batch["mixed_labels"].tolist()) == sorted(batch["labels"].tolist())


def test_silenced_stretches_lie_where_they_should():
    tone = made("tone", 0)
    silent = without_time(tone, 0.25, 0.5)
    quarter = len(tone) // 4
    assert not silent[quarter : 2 * quarter].any() and (silent[:quarter] == tone[:quarter]).all()
    times = np.arange(RATE) / RATE
    two = (np.sin(2 * np.pi * 500 * times) + np.sin(2 * np.pi * 5000 * times)).astype(np.float32)
    mel = 2595 * np.log10(1 + np.array([400, 600, 8000]) / 700)
    low, high = mel[:2] / mel[2]
    spectrum = np.abs(np.fft.rfft(without_band(two, low, high)))
    assert spectrum[500] < 1e-2 * spectrum[5000]
    other = np.ones(100, np.float32)
    cut = cut_in(np.zeros(200, np.float32), other, 0.5, 0.5)
    assert cut.sum() == 50 and cut[50:100].all()  # beyond the other's end there is silence


@pytest.mark.parametrize("kind", [name for name, one in VARIATIONS.items() if one])
def test_every_variation_gives_a_sound(kind):
    for seed in range(20):
        varied = vary(made("chirp", seed), VARIATIONS[kind], 4000, np.random.default_rng(seed))
        assert varied.dtype == np.float32 and 0 < len(varied) <= 4000
        assert np.isfinite(varied).all()
    calm = vary(made("tone", 1), VARIATIONS[kind], 10**6, np.random.default_rng(0))
    assert calm.any()


def test_without_transfer_tones_noise_and_clicks_are_told_apart(version, tmp_path):
    report = trained(version, tmp_path / "b", "baseline")
    assert report["baselines"]["mfcc"]["test"]["accuracy"]["value"] >= 0.9


@pytest.mark.parametrize("family", ["sound_picture", "wav2vec2", "whisper"])
def test_a_probe_and_a_tuning_go_from_recordings_to_a_proven_model(version, tiny, tmp_path, family):
    for recipe, options in (
        ("probe", {"repeats": 0, "folds": 2, "c_values": [0.1, 1.0]}),
        ("finetune", {"epochs": 1.0, "batch_size": 8, "patience": 0, "augment": "strong"}),
    ):
        report = trained(
            version, tmp_path / recipe, recipe, f"local:{tiny(family)}", baseline=False, **options
        )
        assert report["parity"]["auto_classes"] <= 1e-4
        assert report["parity"]["pipeline"] <= 1e-4
        assert report["test"]["n"] == len(version.rows_of("test"))
        model = load_classifier(tmp_path / recipe / "model")
        rows = version.rows_of("test")
        said = model.probabilities(read_sounds(version, rows))
        assert said.shape == (len(rows), 3)
    tried = stress(tmp_path / "probe" / "model", version, tmp_path / "probe", Progress())
    assert {row["kind"] for row in tried["rows"]} >= {"noise", "faster", "muffled", "quieter"}
    assert "recordings" in tried["sentence"]


def test_other_strategies_and_their_refusals(version, tiny, tmp_path):
    reference = f"local:{tiny('sound_picture')}"
    quick = {"epochs": 0.5, "batch_size": 8, "patience": 0, "baseline": False}
    for name, options in {
        "lora": {"strategy": "lora"},
        "scratch": {"strategy": "scratch"},
        "adapt": {"strategy": "full", "batchnorm": "adapt", "mix": "mixup"},
    }.items():
        report = trained(version, tmp_path / name, "finetune", reference, **quick, **options)
        assert report["parity"]["pipeline"] <= 1e-4, name
    with pytest.raises(BackboneError, match="cannot compare them with words"):
        trained(version, tmp_path / "zero", "zero_shot", reference)


def test_a_ladder_and_a_search_climb_over_recordings(version, tiny, tmp_path):
    reference = f"local:{tiny('sound_picture')}"
    ladder = trained(
        version,
        tmp_path / "ladder",
        "ladder",
        reference,
        rungs=["baseline", "probe", "lpft"],
        seeds=1,
        epochs=0.5,
    )
    assert [row["name"] for row in ladder["ladder"]["rows"]] == ["baseline", "probe", "lpft"]
    trained(version, tmp_path / "auto", "auto", reference, budget_minutes=0.1)
    found = json.loads((tmp_path / "auto" / "search.json").read_text())
    assert found


def test_a_backbone_that_hears_less_than_there_is_says_so(version, tiny):
    rows = version.rows_of("train")
    short = load_backbone(
        f"local:{tiny('audio-spectrogram-transformer')}", ["a", "b", "c"], Settings()
    )
    (finding,) = short.check(version, rows)
    longer = (version.facts()["seconds"][rows] > 0.64).mean()
    assert finding["count"] == round(100 * longer) and "0.6 s" in finding["text"]
    whole = load_backbone(f"local:{tiny('wav2vec2')}", ["a", "b", "c"], Settings())
    assert whole.check(version, rows) == []


def test_where_people_speak_the_starter_for_speech_is_recommended(version, tmp_path):
    assert suggested(version.folder, read_settings()) == "starter:audio"
    for kind in ("tone", "noise"):
        for number, speaker in enumerate(("anna", "ben", "cleo", "dora")):
            for take in range(3):
                path = tmp_path / "s" / kind / f"{kind}_{speaker}_{take}.wav"
                wav(made(kind, 10 * number + take, 0.3), path)
    spoken = build(tmp_path / "s", tmp_path / "v")
    assert suggested(spoken.folder, read_settings()) == "starter:speech"
    rows = np.arange(spoken.info.rows)
    who = training_of("audio").slice_facts(spoken, rows)["speaker"]
    assert set(who) == {"anna", "ben", "cleo", "dora"}


def test_what_should_not_tell_the_class_is_looked_at(version):
    rows = version.rows_of("train")
    groups = training_of("audio").nuisances(version, rows)
    assert {"length", "loudness", "silence", "the numbers in file names"} < set(groups)
    assert all(len(values) == len(rows) for values in groups.values())
    facts = training_of("audio").slice_facts(version, rows)
    assert {"length in seconds", "loudness", "sample rate"} <= set(facts)
