"""Architectures of the literature as timm keeps them, by the path of all others: probed, tuned,
saved, reloaded.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.train.items.item_training import read_inputs

# VGG16 cannot be shrunk and is built at full size; the others by what timm lets us shrink.
NETWORKS = {
    "vgg16": ("vgg16", {}),
    "inception_v3": ("inception_v3", {}),
    "efficientnet_b0": ("efficientnet_b0", {}),
    "mobilenetv3": ("mobilenetv3_small_050", {}),
    "mobilenetv4": ("mobilenetv4_conv_small", {}),
    "convnext": ("convnext_atto", {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 32)}),
    "vit": ("vit_tiny_patch16_224", {"depth": 2, "embed_dim": 48}),
    "deit": ("deit_tiny_patch16_224", {"depth": 2, "embed_dim": 48}),
    "swin": (
        "swin_tiny_patch4_window7_224",
        {"depths": (1, 1), "num_heads": (2, 2), "embed_dim": 16},
    ),
    "eva02": ("eva02_tiny_patch14_224", {"depth": 2}),
    "regnety": ("regnety_002", {}),
}


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return build(write_pictures(folder / "p", each=8), folder / "v")


def write(network, folder):
    """As timm itself writes a repository for the Hub, with its 1,000 classes."""
    import timm
    from timm.models import save_for_hf

    torch.manual_seed(0)
    name, arguments = NETWORKS[network]
    model = timm.create_model(name, **arguments)
    with (
        torch.no_grad()
    ):  # batch statistics from noise: as built, a deep random network answers nothing but zero
        side = model.default_cfg["input_size"][-1]
        model.train()
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        model(torch.randn(4, 3, side, side))
        model.eval()
    save_for_hf(model, folder, model_args=arguments, safe_serialization=True)


# The first cannot be shrunk, the next two hardly; the others are near relations of what is left.
_WHOLE = ("vgg16", "inception_v3", "efficientnet_b0", "deit", "mobilenetv4", "regnety", "eva02")


@pytest.mark.parametrize(
    "network",
    [pytest.param(name, marks=pytest.mark.whole if name in _WHOLE else ()) for name in NETWORKS],
)
def test_it_is_probed_tuned_saved_and_says_the_same_again(network, version, tmp_path):
    write(network, tmp_path / network)
    for recipe, options in (
        ("probe", {"repeats": 0, "folds": 2, "c_values": [0.1]}),
        ("finetune", {"strategy": "full", "epochs": 1.0, "batch_size": 8, "patience": 0}),
    ):
        folder = tmp_path / recipe
        folder.mkdir()
        config = RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            f"local:{tmp_path / network}",
            recipe,
            {"baseline": False, **options},
        )
        report = run_recipe(config, version, folder, tmp_path / "cache", Progress())
        assert max(report["parity"]["auto_classes"], report["parity"]["pipeline"]) <= 1e-4
        if recipe == "finetune":
            assert report["training"]["steps"] >= 2
        rows = version.rows_of("test")
        probabilities = load_classifier(folder / "model").probabilities(read_inputs(version, rows))
        lines = (folder / "predictions.csv").read_text().splitlines()[1:]
        np.testing.assert_allclose(
            probabilities,
            [[float(cell) for cell in line.split(",")[5:]] for line in lines],
            atol=1e-4,
        )
        config = json.loads((folder / "model" / "config.json").read_text())
        assert (
            config.get("num_classes", len(config.get("id2label", {}))) == 3
            or config["num_labels"] == 3
        )
