"""The starters that hear: what they are turned into computes what the published weights compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support.tiny_sound_backbones import sounds
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from tl_core.backbones.load import load_backbone
from tl_core.backbones.sound_networks import MelPower, SoundPictureConfig
from tl_core.backbones.sources import starters
from tl_core.backbones.sources.model_folder import has_classifier
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.settings import read_settings

RATE = 16_000


def test_the_spectrogram_is_that_of_another_program():
    """transformers computes the same with NumPy's Fourier transform."""
    config = SoundPictureConfig()
    sound = sounds((1.0,))[0]
    ours = MelPower(config)(torch.from_numpy(sound)[None])[0].numpy()
    filters = mel_filter_bank(
        config.transform // 2 + 1,
        config.bands,
        config.lowest,
        config.highest,
        RATE,
        norm="slaney",
        mel_scale="htk",
    )
    before = (config.window - config.hop) // 2
    theirs = spectrogram(
        np.pad(sound, (before, config.window)),
        window_function(config.window, "hann", periodic=True),
        frame_length=config.window,
        hop_length=config.hop,
        fft_length=config.transform,
        power=2.0,
        center=False,
        mel_filters=filters,
    )
    count = min(ours.shape[1], theirs.shape[1])
    assert count >= 100
    np.testing.assert_allclose(
        ours[:, :count], theirs[:, :count], rtol=1e-3, atol=1e-6 * theirs.max()
    )


def test_the_speech_starter_computes_what_the_published_files_compute():
    """Each window by itself through ONNX Runtime, the spectrogram sound by sound."""
    import onnxruntime

    package = starters.PACKAGED["speech"].package
    mel, network = (
        onnxruntime.InferenceSession(str(starters.packaged_file(package, name, "speech")))
        for name in ("melspectrogram.onnx", "embedding_model.onnx")
    )
    model = load_backbone("starter:speech", ["a", "b"], read_settings()).model
    for sound in sounds((1.0, 2.5)):
        wave = torch.from_numpy(sound)[None]
        levels = mel.run(None, {"input": sound[None] * 32768})[0].squeeze() / 10 + 2
        windows = np.stack([levels[at : at + 76] for at in range(0, len(levels) - 75, 8)])
        wanted = network.run(None, {"input_1": windows[..., None].astype(np.float32)})[0].squeeze()
        with torch.inference_mode():
            said = model.mel(wave)
            torch.testing.assert_close(said[0], torch.from_numpy(levels), atol=1e-4, rtol=0)
            answers = model.network(said)[0]
        np.testing.assert_allclose(answers.numpy(), np.atleast_2d(wanted), atol=2e-4)
    assert sum(value.numel() for value in model.network.parameters()) == 328_128


def test_the_audio_starter_looks_with_the_weights_of_the_image_starter():
    folder = resolve_folder(parse_reference("starter:audio"), read_settings())
    assert not has_classifier(folder)
    ear = load_backbone("starter:audio", ["a", "b"], read_settings())
    eye = load_backbone("starter:image", ["a", "b"], read_settings())
    assert ear.modality == "audio" and ear.notes == []
    looking, seeing = ear.model.timm_model.state_dict(), eye.model.timm_model.state_dict()
    for name, value in looking.items():
        torch.testing.assert_close(value, seeing[name], msg=name)


@pytest.mark.parametrize("name", ["audio", "speech"])
def test_a_sound_is_heard_the_same_louder_alone_or_beside_longer_ones(name):
    backbone = load_backbone(f"starter:{name}", ["a", "b"], read_settings())
    items = sounds((0.4, 2.9, 1.3, 0.1))

    def read(some):
        with backbone.extracting() as extract:
            return extract(backbone.encode(some))

    together = read(items)
    alone = np.concatenate([read([item]) for item in items])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    if name == "audio":
        np.testing.assert_allclose(read([items[0] / 8]), together[:1], atol=1e-3)
    assert np.abs(together[0] - together[1]).max() > 0.01


@pytest.mark.parametrize("name", ["audio", "speech"])
def test_random_weights_hear_through_the_same_spectrogram(name):
    settings = read_settings()
    random = load_backbone(f"starter:{name}", ["a", "b"], settings, scratch=True).model
    trained = load_backbone(f"starter:{name}", ["a", "b"], settings).model
    for table, value in random.mel.named_buffers():
        assert value.any()
        torch.testing.assert_close(value, trained.mel.get_buffer(table))
    weights = zip(random.parameters(), trained.parameters(), strict=True)
    assert not all(torch.equal(one, other) for one, other in weights)


def test_changed_weights_are_found_out(monkeypatch):
    from dataclasses import replace

    assert starters.problem("speech", read_settings()) == ""
    false = replace(starters.PACKAGED["speech"], file_sha256="0" * 64)
    monkeypatch.setitem(starters.PACKAGED, "speech", false)
    assert "not the published ones" in starters.problem("speech", read_settings())
