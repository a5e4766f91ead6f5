"""Another input size: interpolated as transformers does at every call, saved as an ordinary network
of that size.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.datasets import build, write_pictures
from tests_support.tiny_backbones import IMAGE_FAMILIES

from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig
from tl_core.data.pictures.images import open_image
from tl_core.errors import BackboneError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import read_settings


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return build(write_pictures(folder / "p", each=8), folder / "v")


@pytest.mark.parametrize("family", IMAGE_FAMILIES)
def test_a_probe_at_another_size_is_saved_at_that_size(tmp_path, tiny, version, family):
    (tmp_path / "run").mkdir()
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{tiny(family)}",
        "probe",
        {"input_size": 64, "baseline": False, "repeats": 0},
    )
    report = run_recipe(config, version, tmp_path / "run", tmp_path / "cache", Progress())
    assert report["parity"]["pipeline"] < 1e-4
    classifier = load_classifier(tmp_path / "run" / "model")
    pixels = classifier.processor([Image.new("RGB", (50, 40))], return_tensors="pt")["pixel_values"]
    assert pixels.shape[-2:] == (64, 64)


@pytest.mark.parametrize("family", ["vit", "deit", "dinov2"])
def test_position_embeddings_are_those_of_transformers_own_interpolation(tiny, family):
    """Its models can interpolate at every call; ours did it once."""
    settings = read_settings()
    own = load_backbone(f"local:{tiny(family)}", ["a", "b"], settings)
    large = load_backbone(f"local:{tiny(family)}", ["a", "b"], settings, input_size=64)
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours = large.model(pixel_values=pixels).logits
        theirs = own.model(
            pixel_values=pixels,
            **({} if family == "dinov2" else {"interpolate_pos_encoding": True}),
        )
    torch.testing.assert_close(ours, theirs.logits, atol=1e-4, rtol=0)


def test_a_fine_tuning_at_another_size(tmp_path, tiny, version):
    (tmp_path / "run").mkdir()
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{tiny('vit')}",
        "finetune",
        {"strategy": "full", "epochs": 1.0, "input_size": 48, "baseline": False},
    )
    report = run_recipe(config, version, tmp_path / "run", tmp_path / "cache", Progress())
    assert report["parity"]["pipeline"] < 1e-4
    assert load_classifier(tmp_path / "run" / "model").model.config.image_size == 48


def test_a_network_for_one_size_alone_is_refused_and_so_are_sizes_without_sense(tmp_path, tiny):
    from timm import create_model
    from timm.models import save_for_hf

    save_for_hf(
        create_model("vit_tiny_patch16_224", depth=1, embed_dim=48),
        tmp_path / "m",
        safe_serialization=True,
        model_args={"depth": 1, "embed_dim": 48},
    )
    with pytest.raises(BackboneError, match="cannot be changed"):
        load_backbone(f"local:{tmp_path / 'm'}", ["a", "b"], read_settings(), input_size=64)
    with pytest.raises(BackboneError, match="too small"):
        load_backbone(f"local:{tiny('vit')}", ["a", "b"], read_settings(), input_size=8)


def picture(mode):
    """A picture of one kind as a file."""
    grid = np.linspace(0, 255, 40 * 30).reshape(30, 40)
    out = io.BytesIO()
    if mode == "animated":
        frames = [
            Image.fromarray((grid / (1 + number)).astype(np.uint8)).convert("P")
            for number in range(3)
        ]
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    elif mode == "16-bit":
        Image.fromarray((grid * 257).astype(np.uint16)).save(out, "PNG")
    elif mode == "CMYK":
        Image.fromarray(grid.astype(np.uint8)).convert("RGB").convert("CMYK").save(out, "JPEG")
    else:
        Image.fromarray(grid.astype(np.uint8)).convert(mode).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("family", IMAGE_FAMILIES)
def test_every_family_reads_grey_transparent_cmyk_16_bit_and_animated_pictures(tiny, family):
    """They all arrive as 8-bit RGB of the same thing, so the answers hardly differ."""
    backbone = load_backbone(f"local:{tiny(family)}", ["a", "b"], read_settings())
    modes = ("RGB", "L", "LA", "RGBA", "P", "1", "16-bit", "CMYK", "animated")
    pictures = {mode: open_image(picture(mode)) for mode in modes}
    assert all(one.mode == "RGB" and one.size == (40, 30) for one in pictures.values())
    with backbone.extracting() as extractor:
        features = {mode: extractor(backbone.encode([one]))[0] for mode, one in pictures.items()}
    assert all(np.isfinite(vector).all() for vector in features.values())
    for mode in ("L", "LA", "RGBA", "16-bit"):
        np.testing.assert_allclose(
            np.asarray(pictures[mode], float), np.asarray(pictures["RGB"], float), atol=1.5
        )
