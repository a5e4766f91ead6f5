"""Features after each block: those that a hook reads, of every family, saved and read again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig
from tl_core.errors import ConfigError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.backbone_ranking import rank
from tl_core.settings import read_settings

TEXTS = ["a good film", "bad order, my money is late and so is the film"]


def open_at(folder, kind):
    return load_backbone(
        f"local:{folder}", ["a", "b", "c"], read_settings(), pooling=f"depth:{kind}"
    )


def read(backbone, inputs):
    with backbone.extracting() as extractor:
        return extractor(backbone.encode(inputs))


@pytest.mark.parametrize("family", [*TEXT_FAMILIES, *IMAGE_FAMILIES])
def test_all_depths_side_by_side_are_the_single_ones(tiny, family):
    inputs = (
        TEXTS
        if family in TEXT_FAMILIES
        else [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    )
    whole = open_at(tiny(family), "all")
    assert whole.model.blocks >= 2
    everything, start = read(whole, inputs), 0
    for number, width in enumerate(whole.model.widths, 1):
        one = read(open_at(tiny(family), number), inputs)
        np.testing.assert_allclose(one, everything[:, start : start + width], atol=1e-5)
        np.testing.assert_allclose(
            read(replace(whole, model=whole.model.at(number)), inputs), one, atol=1e-5
        )
        np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-4)
        start += width
    assert start == everything.shape[1]
    with pytest.raises(ConfigError, match="no block"):
        whole.model.at(whole.model.blocks + 1)


def test_a_text_is_the_mean_of_its_tokens_after_the_block(tiny):
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = (
        AutoTokenizer.from_pretrained(tiny("bert")),
        AutoModel.from_pretrained(tiny("bert")).eval(),
    )
    features = read(open_at(tiny("bert"), 1), TEXTS)
    for text, row in zip(TEXTS, features, strict=True):
        with torch.inference_mode():
            hidden = model(
                **tokenizer([text], return_tensors="pt"), output_hidden_states=True
            ).hidden_states[1][0]
        mean = hidden.mean(0).numpy()
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)


def test_a_block_that_is_not_there_is_refused_with_their_number(tiny):
    with pytest.raises(ConfigError, match="has 2 blocks"):
        open_at(tiny("bert"), 3)


@pytest.mark.parametrize(
    ("family", "depth"), [("bert", 1), ("gpt2", -1), ("timm", 2), ("swin", -1)]
)
def test_a_probe_at_a_depth_is_saved_and_says_the_same_again(tmp_path, tiny, family, depth):
    source = (
        write_texts(tmp_path / "t.csv", 60)
        if family in TEXT_FAMILIES
        else write_pictures(tmp_path / "p", each=20)
    )
    version = build(source, tmp_path / "v")
    (tmp_path / "run").mkdir()
    report = run_recipe(
        RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            f"local:{tiny(family)}",
            "probe",
            {"depth": depth, "baseline": False, "repeats": 0},
        ),
        version,
        tmp_path / "run",
        tmp_path / "cache",
        Progress(),
    )
    assert report["parity"]["auto_classes"] < 1e-4
    assert report["test"]["accuracy"]["value"] > 0.6
    assert (
        (report["settings"]["kept"] in (0.02, 0.1, 0.3, 1.0))
        if depth < 0
        else report["settings"]["kept"] == 1.0
    )


def test_depths_are_ranked_by_one_reading_of_the_sample(tmp_path, tiny, monkeypatch):
    opened = []

    def counted(*arguments, **options):
        opened.append(options.get("pooling", "auto"))
        return load_backbone(*arguments, **options)

    monkeypatch.setattr("tl_core.recipes.analyses.backbone_scores.load_backbone", counted)
    version = build(write_pictures(tmp_path / "p", each=20), tmp_path / "v")
    (tmp_path / "run").mkdir()
    report = rank(
        RunConfig(
            "rank",
            "local",
            "d@1",
            str(version.folder),
            options={"backbones": [f"local:{tiny('vit')}"], "rows": 200, "depths": True},
        ),
        version,
        tmp_path / "run",
        tmp_path / "cache",
        Progress(),
    )
    assert sorted(one["depth"] for one in report["ranking"]) == [-1, 0, 1, 2]
    assert report["recommended_depth"] in (-1, 0, 1, 2)
    assert opened == ["auto", "depth:all"]  # whatever number of blocks there are
    assert {one["name"].partition(" (")[2] for one in report["ranking"]} == {
        "",
        "after block 1 of 2)",
        "after block 2 of 2)",
        "all 2 blocks)",
    }
