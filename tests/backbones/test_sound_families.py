"""Every family that hears: features, fold, save, reload through Auto classes and pipeline, equal
probabilities; two steps of tuning, whole and by LoRA.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support.tiny_sound_backbones import SOUND_FAMILIES, sounds

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.inputs.sound_inputs import SOUND_INPUTS
from tl_core.backbones.load import load_backbone
from tl_core.backbones.open import modality_of_family
from tl_core.backbones.parity import verify_folder
from tl_core.config import SurgeryPlan
from tl_core.errors import BackboneError
from tl_core.settings import Settings
from tl_core.surgery import heads
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.lora import merge_lora

LABELS = ["NA", "007", "a_b_c"]
OWN = ("sound_picture", "speech_embedding")


def open_tiny(tiny, family, **options):
    return load_backbone(f"local:{tiny(family)}", LABELS, Settings(), **options)


def features_of(backbone, items):
    """Of each, batched as the program batches them."""
    out = np.zeros((len(items), backbone.port.width), np.float32)
    with backbone.extracting() as extract:
        for places in backbone.batches(items, 8):
            out[places] = extract(backbone.encode([items[place] for place in places]))
    return out


def fold_random(backbone):
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(len(LABELS), backbone.port.width, generator=generator)
    bias = torch.randn(len(LABELS), generator=generator)
    heads.fold(backbone.model, backbone.port, weight, bias)
    return weight.double().numpy(), bias.double().numpy()


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("family", SOUND_FAMILIES)
def test_a_folded_head_survives_saving_and_batching(tiny, tmp_path, family):
    backbone = open_tiny(tiny, family)
    assert backbone.modality == "audio"
    items = sounds()
    features = features_of(backbone, items)
    assert features.std(axis=0).max() > 0
    weight, bias = fold_random(backbone)
    save_classifier(backbone, tmp_path / "model")
    parity = verify_folder(tmp_path / "model", items, softmax(features @ weight.T + bias))
    assert max(parity["auto_classes"], parity["pipeline"]) <= 1e-4
    alone = np.concatenate([features_of(backbone, [item]) for item in items])
    np.testing.assert_allclose(features, alone, atol=2e-6 * np.abs(alone).max(), rtol=1e-5)
    assert not list((tmp_path / "model").glob("*.bin"))


@pytest.mark.parametrize("family", SOUND_FAMILIES)
@pytest.mark.parametrize("plan", ["full", "lora"])
def test_two_steps_of_tuning_are_saved_as_they_are(tiny, tmp_path, family, plan):
    backbone = open_tiny(tiny, family)
    model, report = apply_plan(backbone, SurgeryPlan(lora=plan == "lora"))
    kinds = [group["name"] for group in report.groups]
    assert kinds[-1] == "classifier" and any(name.startswith("block ") for name in kinds)
    items = sounds((0.5, 0.5, 0.12))
    places = backbone.batches(items, 2)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model.train()
    for step in range(2):
        batch = backbone.encode([items[place] for place in places[step % len(places)]])
        size = len(next(iter(batch.values())))
        loss = torch.nn.functional.cross_entropy(
            model(**batch).logits, torch.arange(size) % len(LABELS)
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    moved = {name for name, value in model.named_parameters() if not value.equal(before[name])}
    stands_still = set(report.scale_of) - moved
    assert all(_unread(name) for name in stands_still), sorted(stands_still)[:5]
    model.eval()
    with torch.inference_mode():
        wanted = model(**backbone.encode(items[:2])).logits.double().softmax(1).numpy()
    backbone.model = merge_lora(model)
    save_classifier(backbone, tmp_path / "m")
    said = load_classifier(tmp_path / "m").probabilities(items[:2])
    np.testing.assert_allclose(said, wanted, atol=1e-4)


def _unread(name):
    """Weights that serve the pretraining alone; the first matrices of LoRA move one step later, and
    the bias of a key changes no attention; a conformer with relative positions has convolutions for
    them that it never calls.
    """
    unread = ("masked_spec_embed", ".lora_A.", "k_proj.bias", "conformer.encoder.pos_conv_embed")
    return any(part in name for part in unread)


def test_group_normalised_networks_hear_sounds_of_one_length_together(tiny):
    items = sounds((0.5, 1.0, 0.5))
    base, large = open_tiny(tiny, "wav2vec2"), open_tiny(tiny, "wav2vec2-layer")
    assert base.batches(items, 8) == [[1], [0, 2]]
    assert large.batches(items, 8) == [[1, 0, 2]]
    padded = SOUND_INPUTS.encode(base.processor, items[:2])
    with base.extracting() as extract:  # why: silence behind a sound changes what it is heard as
        assert not np.allclose(extract(padded)[0], features_of(base, items[:1])[0], atol=1e-3)


def test_the_projection_of_a_pretraining_is_plain_and_that_of_a_training_stays(tiny, tmp_path):
    backbone = open_tiny(tiny, "hubert")
    assert backbone.port.width == 32  # all that the network has heard
    projector = backbone.model.projector
    torch.testing.assert_close(projector.weight, torch.eye(32))
    with torch.no_grad():
        projector.weight.mul_(2)
    save_classifier(backbone, tmp_path / "m")
    again = load_backbone(f"local:{tmp_path / 'm'}", LABELS, Settings())
    torch.testing.assert_close(again.model.projector.weight, 2 * torch.eye(32))


def test_wavlm_learns_by_lora_where_its_layers_are_called(tiny):
    backbone = open_tiny(tiny, "wavlm")
    _, report = apply_plan(backbone, SurgeryPlan(lora=True))
    assert {
        name.split(".lora_")[0].rpartition(".")[2] for name in report.scale_of if "lora" in name
    } == {
        "intermediate_dense",
        "output_dense",
    }


@pytest.mark.parametrize("pooling", ["max", "concat", "mean", "depth:1", "depth:all"])
@pytest.mark.parametrize("family", ["wav2vec2-layer", "hubert", "audio-spectrogram-transformer"])
def test_other_poolings_leave_the_padding_out(tiny, tmp_path, family, pooling):
    backbone = open_tiny(tiny, family, pooling=pooling)
    items = sounds((0.5, 1.0, 0.7))
    together = features_of(backbone, items)
    alone = np.concatenate([features_of(backbone, [item]) for item in items])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    weight, bias = fold_random(backbone)
    save_classifier(backbone, tmp_path / "model")
    verify_folder(tmp_path / "model", items, softmax(together @ weight.T + bias))


def test_what_is_heard_of_a_sound_is_counted_in_samples(tiny):
    wanted = {"whisper": 16_000, "audio-spectrogram-transformer": 10_240, "wav2vec2": 960_001}
    for family, samples in wanted.items():
        assert open_tiny(tiny, family).max_length == samples


def test_what_does_not_fit_is_refused_in_words(tiny, tmp_path):
    from transformers import Wav2Vec2FeatureExtractor

    with pytest.raises(BackboneError, match="no other pooling"):
        open_tiny(tiny, "sound_picture", pooling="max")
    folder = tmp_path / "slow"
    open_tiny(tiny, "wav2vec2").model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(folder)
    with pytest.raises(BackboneError, match="hears 8,000 samples a second"):
        load_backbone(f"local:{folder}", LABELS, Settings())
    with pytest.raises(BackboneError, match="cannot compare them with words"):
        SOUND_INPUTS.word_vectors(["dog"], folder, lambda _items: np.zeros((1, 1)))


def test_a_folder_of_sounds_is_no_folder_of_pictures(tiny):
    for family in ("wav2vec2", "whisper", "audio-spectrogram-transformer", *OWN):
        folder = tiny(family)
        assert modality_of_family(folder, family) == "audio"
        from tl_core.backbones.inputs.input_kind import modality_in

        assert modality_in(folder, ["image", "text", "audio"]) == "audio"
