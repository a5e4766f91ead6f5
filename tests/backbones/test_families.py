"""Every family: features, fold, save, reload through Auto classes and pipeline, equal
probabilities.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.load import load_backbone
from tl_core.backbones.parity import verify_folder
from tl_core.errors import BackboneError
from tl_core.settings import Settings
from tl_core.surgery import heads

LABELS = ["NA", "007", "a_b_c"]
TEXTS = [
    "good film",
    "the order is late and my money is not back, which is bad",
    "is",
    "my order? " * 40,
]


def pictures(count=4):
    random = np.random.default_rng(1)
    return [
        Image.fromarray(random.integers(0, 255, (40, 50, 3), dtype=np.uint8)) for _ in range(count)
    ]


def open_tiny(tiny, family, **options):
    return load_backbone(f"local:{tiny(family)}", LABELS, Settings(), **options)


def fold_random(backbone):
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(len(LABELS), backbone.port.width, generator=generator)
    bias = torch.randn(len(LABELS), generator=generator) * backbone.port.has_bias
    heads.fold(backbone.model, backbone.port, weight, bias)
    return weight.double().numpy(), bias.double().numpy()


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("family", "pooling"),
    [
        *((family, "native") for family in TEXT_FAMILIES),
        *((family, "auto") for family in IMAGE_FAMILIES),
        *((family, "mean") for family in TEXT_FAMILIES if family != "gpt2"),
    ],
)
def test_a_folded_head_survives_saving_in_every_family(tiny, tmp_path, family, pooling):
    backbone = open_tiny(tiny, family, pooling=pooling, max_length=32)
    inputs = TEXTS if backbone.modality == "text" else pictures()
    with backbone.extracting() as extract:
        features = extract(backbone.encode(inputs))
    assert features.std(axis=0).max() > 0
    weight, bias = fold_random(backbone)
    save_classifier(backbone, tmp_path / "model")
    parity = verify_folder(tmp_path / "model", inputs, softmax(features @ weight.T + bias))
    assert max(parity["auto_classes"], parity["pipeline"]) <= 1e-4
    assert not list((tmp_path / "model").glob("*.bin"))


def test_verification_can_fail(tiny, tmp_path):
    backbone = open_tiny(tiny, "bert")
    fold_random(backbone)
    save_classifier(backbone, tmp_path / "model")
    with pytest.raises(BackboneError, match="does not predict the same"):
        verify_folder(tmp_path / "model", TEXTS, np.full((4, 3), 1 / 3))


@pytest.mark.parametrize("family", ["bert", "distilbert", "electra", "deberta-v2", "roberta"])
def test_the_mean_layer_puts_the_masked_mean_at_position_zero(tiny, family):
    backbone = open_tiny(tiny, family, pooling="mean")
    base, seen = backbone.model.base_model, []
    from tl_core.surgery.poolings.mean_layer import layers_of

    layers = layers_of(backbone.model)
    handles = [
        layers[i].register_forward_hook(
            lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out)
        )
        for i in (-2, -1)
    ]
    batch = backbone.encode(TEXTS[:3])
    with torch.inference_mode():
        base(**batch)
    for handle in handles:
        handle.remove()
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = (seen[0] * mask).sum(1) / mask.sum(1)
    mean = (mean - mean.mean(1, keepdim=True)) / mean.std(1, keepdim=True, unbiased=False)
    assert torch.cosine_similarity(seen[1][:, 0], mean).min() > 0.995


def test_trap_6_a_head_of_the_same_size_is_still_made_new(tiny, tmp_path):
    backbone = open_tiny(tiny, "resnet")
    weight, _ = fold_random(backbone)
    save_classifier(backbone, tmp_path / "model")
    again = load_backbone(f"local:{tmp_path / 'model'}", LABELS, Settings())
    head = again.model.get_submodule(again.port.names[0]).weight.detach().numpy()
    assert head.shape == (3, again.port.width)
    assert np.abs(head).max() < 0.2 < np.abs(weight).max()


def test_trap_7_label_names_and_order_survive(tiny, tmp_path):
    from transformers import AutoConfig, AutoModelForImageClassification

    for labels in (["b", "a", "true"], ["true", "b", "a"]):
        backbone = load_backbone(f"local:{tiny('vit')}", labels, Settings())
        save_classifier(backbone, tmp_path / labels[0])
        config = AutoConfig.from_pretrained(tmp_path / labels[0])
        assert [config.id2label[i] for i in range(3)] == labels
        assert {name: config.label2id[name] for name in labels} == {
            name: i for i, name in enumerate(labels)
        }
        assert (
            AutoModelForImageClassification.from_pretrained(tmp_path / labels[0]).config.id2label
            == config.id2label
        )


@pytest.mark.parametrize("family", ["vit", "timm", "convnext"])
def test_traps_8_and_9_the_saved_processor_gives_the_same_pixels(tiny, tmp_path, family):
    from transformers import AutoImageProcessor

    backbone = open_tiny(tiny, family)
    save_classifier(backbone, tmp_path / "model")
    again = AutoImageProcessor.from_pretrained(tmp_path / "model")
    assert type(again) is type(backbone.processor)
    images = pictures(2)
    torch.testing.assert_close(
        again(images, return_tensors="pt")["pixel_values"], backbone.encode(images)["pixel_values"]
    )
    assert backbone.identity["processor"] == type(again).__name__


@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_trap_13_a_batch_of_unequal_texts_equals_single_texts(tiny, family):
    backbone = open_tiny(tiny, family, pooling="native")
    with backbone.extracting() as extract:
        together = extract(backbone.encode(TEXTS[:2]))
        alone = np.concatenate([extract(backbone.encode([text])) for text in TEXTS[:2]])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_only_safetensors_are_loaded(tiny, tmp_path):
    backbone = open_tiny(tiny, "bert")
    torch.save(backbone.model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((tiny("bert") / "config.json").read_text())
    with pytest.raises(BackboneError, match="pickle"):
        load_backbone(f"local:{tmp_path}", LABELS, Settings())


def test_foreign_code_is_refused(tiny, tmp_path):
    import json
    import shutil

    shutil.copytree(tiny("bert"), tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text()) | {
        "auto_map": {"AutoModel": "evil.Model"}
    }
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    with pytest.raises(BackboneError, match="program code"):
        load_backbone(f"local:{tmp_path / 'm'}", LABELS, Settings())


def test_damaged_weights_are_refused(tiny, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny("resnet"), tmp_path / "m")
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    name = next(name for name in tensors if name.endswith("convolution.weight"))
    tensors[name][0, 0, 0, 0] = float("nan")
    save_file(tensors, tmp_path / "m" / "model.safetensors", {"format": "pt"})
    with pytest.raises(BackboneError, match="not a finite"):
        load_backbone(f"local:{tmp_path / 'm'}", LABELS, Settings())
    (tmp_path / "m" / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_backbone(f"local:{tmp_path / 'm'}", LABELS, Settings())


def test_an_unknown_architecture_is_a_sentence(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llamazilla"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(BackboneError, match="no classifier"):
        load_backbone(f"local:{tmp_path}", LABELS, Settings())
