"""Explanations: completeness, plain loops, every family, and a blind check on photos whose label is
a pasted patch.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.datasets import build

from pages.widgets.relevance import marked, overlay, strength
from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig
from tl_core.predict.explanations.explain import explain
from tl_core.predict.explanations.grad_cam import GRID, grad_cam
from tl_core.predict.explanations.integrated_gradients import integrated_gradients
from tl_core.predict.explanations.picture_relevance import occlusion
from tl_core.predict.explanations.relevance import randomised
from tl_core.predict.explanations.word_relevance import leave_one_out
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import read_settings

TEXT = "The film is good, my order is late and the money is back"


@pytest.fixture
def opened(tmp_path, tiny):
    def make(family):
        save_classifier(
            load_backbone(f"local:{tiny(family)}", ["a", "b", "c"], read_settings()),
            tmp_path / family,
        )
        return load_classifier(tmp_path / family)

    return make


@pytest.fixture
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    "family", ["resnet", "convnext", "mobilenet_v2", "vit", "deit", "swin", "efficientnet"]
)
def test_grad_cam_finds_places_in_every_kind_of_network(opened, picture, family):
    classifier = opened(family)
    maps = [grad_cam(classifier.model, classifier, picture, place) for place in range(3)]
    for cam in maps:
        assert cam.shape == (GRID, GRID)
        assert np.isfinite(cam).all()
        assert (cam >= 0).all()
    assert any(cam.max() > 0 for cam in maps)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "gpt2", "deberta-v2"])
def test_integrated_gradients_are_complete(opened, family):
    classifier = opened(family)
    values, gap = integrated_gradients(classifier.model, classifier, TEXT, 1)
    assert values.shape == (len(TEXT.split()),)
    assert gap < 0.05
    assert np.abs(values).max() > 0


@pytest.mark.parametrize("kind", ["max", "concat", "cls", "depth:1", "depth:all"])
def test_the_words_of_a_grafted_classifier_are_explained(tmp_path, tiny, kind):
    backbone = load_backbone(
        f"local:{tiny('bert')}", ["a", "b", "c"], read_settings(), pooling=kind
    )
    save_classifier(backbone, tmp_path / "m")
    classifier = load_classifier(tmp_path / "m")
    explanation = explain(classifier, TEXT, "b")
    assert all(len(method["map"]) == len(TEXT.split()) for method in explanation["methods"])


def odds(classifier, item, place):
    chance = classifier.probabilities([item])[0, place]
    return np.log(chance / (1 - chance))


def test_occlusion_is_a_plain_loop(opened, picture):
    classifier = opened("convnext")
    relevance = occlusion(classifier, picture, 2)
    values = np.asarray(picture)
    whole, sums, counts = odds(classifier, picture, 2), np.zeros((10, 10)), np.zeros((10, 10))
    for i in range(9):
        for j in range(9):
            changed = values.copy()
            changed[6 * i : 6 * i + 12, 8 * j : 8 * j + 16] = values.mean(axis=(0, 1)).astype(
                np.uint8
            )
            drop = whole - odds(classifier, Image.fromarray(changed), 2)
            sums[i : i + 2, j : j + 2] += drop
            counts[i : i + 2, j : j + 2] += 1
    np.testing.assert_allclose(relevance, sums / counts, atol=1e-6)


def test_leaving_words_out_is_a_plain_loop_and_one_word_is_all(opened):
    classifier = opened("bert")
    words = TEXT.split()
    expected = [
        odds(classifier, TEXT, 0) - odds(classifier, " ".join(words[:i] + words[i + 1 :]), 0)
        for i in range(len(words))
    ]
    np.testing.assert_allclose(leave_one_out(classifier, TEXT, 0), expected, atol=1e-6)
    assert leave_one_out(classifier, "word", 0).tolist() == [1.0]


def test_random_weights_are_another_network_and_leave_the_first_alone(opened):
    classifier = opened("vit")
    before = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    other = randomised(classifier.model)
    assert all(
        torch.equal(value, before[name]) for name, value in classifier.model.state_dict().items()
    )
    assert not torch.equal(
        next(p for p in other.parameters() if p.ndim > 1),
        next(p for p in classifier.model.parameters() if p.ndim > 1),
    )


def pasted(root, each=70):
    """Noise with a patch of one of two patterns somewhere; the pattern is the label. Gives where it
    is, by file.
    """
    random, where = np.random.default_rng(0), {}
    for label, colour in (("dots", (220, 40, 40)), ("lines", (40, 60, 220))):
        (root / label).mkdir(parents=True)
        for number in range(each):
            values = random.integers(60, 190, (96, 96, 3), dtype=np.uint8)
            top, left = random.integers(0, 96 - 32, 2)
            patch = np.full((32, 32, 3), 230, dtype=np.uint8)
            patch[::4] = colour if label == "lines" else patch[::4]
            if label == "dots":
                patch[::4, ::4] = patch[1::4, ::4] = patch[::4, 1::4] = patch[1::4, 1::4] = colour
            values[top : top + 32, left : left + 32] = patch
            Image.fromarray(values).save(root / label / f"{label}{number}.png")
            where[f"{label}{number}.png"] = (top / 96, left / 96)
    return where


def inside(relevance, spot):
    """Share of the map's mass, as the page draws it, on the patch and the cells it touches."""
    drawn = strength(relevance)
    top, left = spot
    mask = np.zeros((10, 10), dtype=bool)
    mask[
        int(10 * top) : int(np.ceil(10 * (top + 1 / 3))),
        int(10 * left) : int(np.ceil(10 * (left + 1 / 3))),
    ] = True
    return drawn[mask].sum() / drawn.sum() if drawn.sum() > 0 else 0.0


def test_the_maps_fall_on_the_patch_that_alone_carries_the_label(tmp_path):
    where = pasted(tmp_path / "d")
    version = build(tmp_path / "d", tmp_path / "v")
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    report = run_recipe(
        RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            "starter:image-small",
            "finetune",
            {
                "strategy": "full",
                "epochs": 20.0,
                "learning_rate": 1e-3,
                "patience": 0,
                "baseline": False,
                "augment": "none",
            },
        ),
        version,
        folder,
        tmp_path / "cache",
        Progress(),
    )
    assert report["test"]["accuracy"]["value"] >= 0.9
    classifier, rows = load_classifier(folder / "model"), version.rows_of("test")
    control, hits = (
        randomised(classifier.model),
        {
            "occlusion": [],
            "gradient": [],
            "control": [],
        },
    )
    for row, name in zip(rows, version.names(rows), strict=True):
        item = Image.open(io.BytesIO(version.image_bytes(int(row)))).convert("RGB")
        spot, place = (
            where[name.rsplit("/", 1)[-1]],
            int(classifier.probabilities([item])[0].argmax()),
        )
        covered = occlusion(classifier, item, place)
        if (
            covered.max() > 0.5
        ):  # one of two classes is also what is left when the patch of the other is not there
            hits["occlusion"].append(inside(covered, spot) > 0.5)
        hits["gradient"].append(
            inside(grad_cam(classifier.model, classifier, item, place), spot) > 0.5
        )
        hits["control"].append(inside(grad_cam(control, classifier, item, place), spot) > 0.5)
    shares = {name: float(np.mean(inside)) for name, inside in hits.items()}
    assert len(hits["occlusion"]) >= 0.3 * len(rows)
    assert shares["occlusion"] >= 0.9, shares
    assert shares["gradient"] >= 0.9, shares
    assert shares["control"] < 0.3, shares


def test_everything_at_once_and_what_the_page_draws(opened, picture):
    explanation = explain(opened("convnext"), picture, "b")
    assert [method["name"] for method in explanation["methods"]] == ["occlusion", "Grad-CAM"]
    for method in explanation["methods"]:
        assert 0 <= method["deletion"] <= 1
        assert 0 <= method["insertion"] <= 1
        drawn = Image.open(io.BytesIO(overlay(picture, np.array(method["map"]))))
        assert drawn.size == picture.size
    assert -1 <= explanation["sanity"] <= 1
    of_text = explain(opened("bert"), TEXT, "a")
    assert of_text["words"] == TEXT.split()
    assert of_text["methods"][1]["completeness"] < 0.05
    assert ":green-background[**good**]" in marked(["a", "good", "*b*"], [0.01, 1.0, -0.1])
    assert "*b*" not in marked(["*b*"], [0.0]).replace("\\*b\\*", "")
