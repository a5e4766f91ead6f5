"""Small random networks of every family that we promise to support, saved the way the Hub keeps
them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from tests_support import tiny_sound_backbones

_LAYERS = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
_VOCABULARY = 4 + 72 + 5 + 12
_TEXT = {**_LAYERS, "vocab_size": _VOCABULARY}
_IMAGE = {**_LAYERS, "image_size": 32, "patch_size": 8}
TEXT_FAMILIES = (
    "bert",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "electra",
    "deberta-v2",
    "modernbert",
    "gpt2",
)
IMAGE_FAMILIES = (
    "vit",
    "deit",
    "deit-teacher",
    "dinov2",
    "swin",
    "beit",
    "convnext",
    "resnet",
    "mobilenet_v2",
    "efficientnet",
    "clip",
    "siglip",
    "timm",
)


def write(family: str, folder: Path) -> None:
    """Save a network of `family` with its tokenizer or image processor."""
    torch.manual_seed(0)
    if family in tiny_sound_backbones.SOUND_FAMILIES:
        tiny_sound_backbones.write(family, folder)
        return
    if family == "timm":
        _write_timm(folder)
        return
    model = _build(family)
    if any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules()):
        _settle_norms(model)
    model.save_pretrained(folder)
    if family in (*TEXT_FAMILIES, "clip", "siglip"):
        write_tokenizer(folder)
    if family in IMAGE_FAMILIES:
        from transformers import ViTImageProcessor

        ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def write_with_classes(family: str, folder: Path, classes: int = 5) -> None:
    """A network for pictures that still has the classes of its pretraining."""
    import transformers as t

    torch.manual_seed(0)
    if family == "vit":
        model = t.ViTForImageClassification(t.ViTConfig(**_IMAGE, num_labels=classes))
        torch.nn.init.normal_(model.classifier.weight)
    else:
        sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
        model = t.ResNetForImageClassification(
            t.ResNetConfig(**sizes, layer_type="basic", num_labels=classes)
        )
        _settle_norms(model)
    model.save_pretrained(folder)
    t.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def _settle_norms(model: torch.nn.Module) -> None:
    """Wider weights and batch statistics from noise: as built, a deep random network answers
    nothing but zero.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain average over the batches
    with torch.no_grad():
        for _ in range(3):
            model(pixel_values=torch.randn(16, 3, 32, 32))
    model.eval()


def write_tokenizer(folder: Path) -> None:
    """A word-piece tokenizer over letters and a few common words."""
    from transformers import BertTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *(f"##{c}" for c in letters),
        ".",
        ",",
        "?",
        "!",
        "the",
        "is",
        "my",
        "order",
        "good",
        "bad",
        "money",
        "back",
        "late",
        "film",
    ]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)


def _build(family: str):
    makers = _text_makers() | _image_makers() | _pair_makers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return makers[family]()


def _text_makers():
    import transformers as t

    return {
        "bert": lambda: t.BertModel(t.BertConfig(**_TEXT)),
        "roberta": lambda: t.RobertaModel(
            t.RobertaConfig(**_TEXT, pad_token_id=0, max_position_embeddings=66)
        ),
        "xlm-roberta": lambda: t.XLMRobertaModel(
            t.XLMRobertaConfig(**_TEXT, pad_token_id=0, max_position_embeddings=66)
        ),
        "distilbert": lambda: t.DistilBertModel(
            t.DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=64, vocab_size=_VOCABULARY)
        ),
        "electra": lambda: t.ElectraModel(t.ElectraConfig(**_TEXT, embedding_size=32)),
        "deberta-v2": lambda: t.DebertaV2Model(
            t.DebertaV2Config(
                **_TEXT,
                relative_attention=True,
                pos_att_type=["p2c", "c2p"],
                position_buckets=16,
                norm_rel_ebd="layer_norm",
                share_att_key=True,
                position_biased_input=False,
                type_vocab_size=0,
            )
        ),
        "modernbert": lambda: t.ModernBertModel(t.ModernBertConfig(**_TEXT, pad_token_id=0)),
        "gpt2": lambda: t.GPT2Model(
            t.GPT2Config(
                n_embd=32,
                n_layer=2,
                n_head=4,
                vocab_size=_VOCABULARY,
                eos_token_id=3,
                bos_token_id=2,
            )
        ),
    }


def _image_makers():
    import transformers as t

    return {
        "vit": lambda: t.ViTModel(t.ViTConfig(**_IMAGE)),
        "deit": lambda: t.DeiTModel(t.DeiTConfig(**_IMAGE)),
        "deit-teacher": lambda: t.DeiTForImageClassificationWithTeacher(t.DeiTConfig(**_IMAGE)),
        "dinov2": lambda: t.Dinov2Model(t.Dinov2Config(**_IMAGE)),
        "swin": lambda: t.SwinModel(
            t.SwinConfig(
                embed_dim=16,
                depths=[1, 1],
                num_heads=[2, 2],
                window_size=2,
                image_size=32,
                patch_size=4,
            )
        ),
        "beit": lambda: t.BeitModel(t.BeitConfig(**_IMAGE)),
        "convnext": lambda: t.ConvNextModel(
            t.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], image_size=32)
        ),
        "resnet": lambda: t.ResNetModel(
            t.ResNetConfig(
                embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
            )
        ),
        "mobilenet_v2": lambda: t.MobileNetV2Model(
            t.MobileNetV2Config(depth_multiplier=0.35, image_size=32)
        ),
        "efficientnet": lambda: t.EfficientNetModel(
            t.EfficientNetConfig(
                image_size=32, width_coefficient=0.25, depth_coefficient=0.25, hidden_dim=320
            )
        ),
    }


def _pair_makers():
    """Networks of a text and an image tower."""
    import transformers as t

    return {
        "clip": lambda: t.CLIPModel(
            t.CLIPConfig(
                text_config={**_TEXT, "eos_token_id": 3},
                vision_config=dict(_IMAGE),
                projection_dim=16,
            )
        ),
        "siglip": lambda: t.SiglipModel(
            t.SiglipConfig(text_config={**_TEXT, "projection_size": 32}, vision_config=dict(_IMAGE))
        ),
    }


def _write_timm(folder: Path) -> None:
    """As timm itself writes a repository for the Hub."""
    import timm
    from timm.models import save_for_hf

    model = timm.create_model("resnet10t", num_classes=10)
    save_for_hf(
        model,
        folder,
        model_config={"label_names": [f"thing {i}" for i in range(10)]},
        model_args={"num_classes": 10},
        safe_serialization=True,
    )
