"""What a fine-tuning keeps of the pretraining: each way trains, is saved as a plain folder, and
keeps what it is meant to keep.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures
from tests_support.finetuning import Ear, gradients, open_setup, train, weights
from tests_support.tiny_backbones import write_with_classes
from torch import nn
from torch.nn import functional

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.recipes import run_recipe
from tl_core.recipes.shared.finetune_job import make_job
from tl_core.train.larger.optimizers import optimizer_of

SOURCE = ("yellow", "cyan", "magenta", "white")
FIRST_MEAN = "resnet.embedder.embedder.normalization.running_mean"
WAYS = {
    "delta": {"delta": 1.0},
    "bss": {"bss": 0.001},
    "co_tuning": {"co_tuning": 2.3},
    "lwf": {"lwf": 4.0},
    "stochastic_norm": {"stochastic_norm": 0.5},
    "l2-sp": {"penalty": "l2-sp", "penalty_strength": 1.0},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return build(write_pictures(folder / "d", each=14), folder / "v")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    write_with_classes("resnet", folder)
    return folder


def discs(count, colours, seed):
    """Pictures (count, 3, 32, 32) as the processor gives them, and which colour each disc has."""
    from PIL import ImageColor

    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(colours)
    pictures = random.uniform(-1, -0.4, (count, 3, 32, 32)).astype(np.float32)
    across, down = np.meshgrid(np.arange(32), np.arange(32))
    for picture, label in zip(pictures, labels, strict=True):
        middle = random.uniform(12, 20, 2)
        inside = (across - middle[0]) ** 2 + (down - middle[1]) ** 2 < 80
        picture[:, inside] = np.array(ImageColor.getrgb(colours[label]))[:, None] / 127.5 - 1
    return torch.from_numpy(pictures), torch.from_numpy(labels)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A network that has learnt to tell four colours apart, with its classifier."""
    from transformers import ResNetForImageClassification

    folder = tmp_path_factory.mktemp("taught")
    write_with_classes("resnet", folder, len(SOURCE))
    model = ResNetForImageClassification.from_pretrained(folder).train()
    inputs, labels = discs(160, SOURCE, 0)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    torch.manual_seed(0)
    for _ in range(60):
        places = torch.randperm(len(inputs))[:32]
        loss = functional.cross_entropy(model(inputs[places]).logits, labels[places])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    assert remembered(folder, folder) > 0.95
    return folder


def remembered(trained, folder):
    """How many of the old discs the old classifier still tells apart behind a trained network."""
    from transformers import ResNetForImageClassification

    source = ResNetForImageClassification.from_pretrained(folder)
    body = load_classifier(trained).model.resnet
    inputs, labels = discs(80, SOURCE, 1)
    with torch.no_grad():
        said = source.classifier(body(inputs).pooler_output).argmax(dim=1)
    return float((said == labels).float().mean())


@pytest.mark.parametrize("way", WAYS)
def test_each_way_trains_and_leaves_a_plain_folder_that_says_what_the_network_said(
    tmp_path, known, pictures, way
):
    report = train(pictures, tmp_path / "run", known, **WAYS[way])
    json.dumps(report, allow_nan=False)
    assert report["parity"]["pipeline"] < 1e-4
    assert report["training"]["steps"] == report["training"]["planned_steps"]
    model = load_classifier(tmp_path / "run" / "model").model
    plain = {module.__class__.__name__ for module in model.modules()}
    assert model.__class__.__name__ == "ResNetForImageClassification"
    assert model.config.num_labels == 3 and "BatchNorm2d" in plain
    files = {path.name for path in (tmp_path / "run" / "model").iterdir()}
    assert "graft.json" not in files and "model.safetensors" in files


@pytest.mark.parametrize("way", [name for name in WAYS if name != "stochastic_norm"])
def test_each_way_pulls_and_plain_training_is_what_it_was(tmp_path, known, pictures, way):
    """Strong enough, it changes the weights; at strength 0 not a bit."""
    train(pictures, tmp_path / "plain", known)
    none = dict.fromkeys(("delta", "bss", "co_tuning", "lwf", "stochastic_norm"), 0.0)
    train(pictures, tmp_path / "none", known, **none)
    train(pictures, tmp_path / "way", known, **WAYS[way])
    plain, same, other = (weights(tmp_path / name) for name in ("plain", "none", "way"))
    assert all(torch.equal(plain[name], same[name]) for name in plain)
    assert any(not torch.equal(plain[name], other[name]) for name in plain)


@pytest.mark.parametrize(
    "options",
    (
        {"delta": 1.0, "co_tuning": 2.3, "lwf": 4.0, "penalty": "l2-sp"},
        {"strategy": "lora", "lp_start": False, "delta": 1.0, "co_tuning": 2.3, "lwf": 4.0},
    ),
)
def test_trap_11_parts_of_a_batch_add_up_with_what_is_added(tmp_path, known, pictures, options):
    seen = []
    for parts in (1, 4):
        folder = tmp_path / f"s{parts}"
        setup = open_setup(
            pictures,
            folder,
            known,
            accumulate=parts,
            clip=0.0,
            precision="float32",
            lora_dropout=0.0,
            **{"augment": "none", **options},
        )
        assert all(part.by_example for part in setup.objectives.parts)
        seen.append(gradients(setup, folder))
    assert len(seen[0]) == len(seen[1]) > 2
    for whole, added in zip(*seen, strict=True):
        torch.testing.assert_close(added, whole, atol=2e-5, rtol=2e-3)


@pytest.mark.parametrize(("penalty", "decays"), (("l2-sp", {"classifier.1.weight"}), ("l2", None)))
def test_weight_decay_does_not_pull_away_from_the_start(tmp_path, known, pictures, penalty, decays):
    setup = open_setup(pictures, tmp_path, known, strategy="full", penalty=penalty)
    optimizer = optimizer_of(make_job(setup, tmp_path))
    pulled = {
        id(one)
        for group in optimizer.param_groups
        if group["weight_decay"]
        for one in group["params"]
    }
    named = {name for name, one in setup.model.named_parameters() if id(one) in pulled}
    matrices = {name for name, one in setup.model.named_parameters() if one.ndim > 1}
    assert named == (decays or matrices)


@pytest.mark.parametrize(
    "way", ({"lwf": 4.0}, {"delta": 10.0}, {"penalty": "l2-sp", "penalty_strength": 10.0})
)
def test_what_plain_training_forgets_is_kept(tmp_path, taught, pictures, way):
    """New pictures taught with large steps; the old classifier, put behind the new network."""
    options = {
        "strategy": "full",
        "epochs": 12.0,
        "learning_rate": 0.01,
        "head_lr": 1.0,
        "schedule": "constant",
        "best_by": "accuracy",
        "batchnorm": "freeze",
    }
    train(pictures, tmp_path / "plain", taught, **options)
    report = train(pictures, tmp_path / "kept", taught, **options, **way)
    before = remembered(taught, taught)
    plain, kept = (remembered(tmp_path / name / "model", taught) for name in ("plain", "kept"))
    assert before - plain > 0.1
    assert kept - plain > (before - plain) / 2
    assert report["validation"]["accuracy"]["value"] > 0.7


def test_co_tuning_makes_the_old_classes_say_what_each_class_was_made_of(
    tmp_path, taught, pictures
):
    """The cross-entropy that it lowers, measured from outside on the training pictures."""
    from transformers import ResNetForImageClassification

    from tl_core.train.items.item_training import read_inputs

    options = {"strategy": "full", "epochs": 8.0, "learning_rate": 0.003, "batchnorm": "freeze"}
    train(pictures, tmp_path / "plain", taught, **options)
    train(pictures, tmp_path / "co", taught, **options, co_tuning=2.3)
    source = ResNetForImageClassification.from_pretrained(taught)
    rows = pictures.rows_of("train")
    labels = torch.from_numpy(pictures.targets[rows])
    processor = load_classifier(tmp_path / "co" / "model").processor
    pixels = processor(read_inputs(pictures, rows), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        first = source(pixels).logits.softmax(dim=1)
        mixtures = torch.stack([first[labels == label].mean(dim=0) for label in range(3)])
        apart = []
        for name in ("plain", "co"):
            body = load_classifier(tmp_path / name / "model").model.resnet
            logs = source.classifier(body(pixels).pooler_output).log_softmax(dim=1)
            apart.append(float(-(mixtures[labels] * logs).sum(dim=1).mean()))
    assert apart[1] < apart[0] - 0.05


def test_stochastic_normalisation_takes_the_statistics_of_the_pretraining(
    tmp_path, taught, pictures
):
    """The steps move them; computed anew from few pictures, they would know nothing of it. The
    weights stand still here, so both can be foretold for the first layer.
    """
    still = {"learning_rate": 1e-12, "augment": "none", "lp_start": False, "batchnorm": "adapt"}
    options = {"strategy": "full", "epochs": 1.0, "batch_size": 16, **still}
    report = train(pictures, tmp_path / "some", taught, **options, stochastic_norm=0.5)
    train(pictures, tmp_path / "anew", taught, **options)
    before, some, anew = (
        load_classifier(folder).model.state_dict()[FIRST_MEAN].double()
        for folder in (taught, tmp_path / "some" / "model", tmp_path / "anew" / "model")
    )
    moved = 1 - 0.9 ** report["training"]["best_step"]
    assert 0.1 < moved < 0.8
    assert torch.allclose(some, before + moved * (anew - before), atol=0.1 * (anew - before).norm())


def test_bss_leaves_smaller_singular_values_than_plain_training(tmp_path, known, pictures):
    options = {"strategy": "full", "epochs": 8.0, "learning_rate": 0.003, "best_by": "accuracy"}
    smallest = []
    for name, strength in (("plain", 0.0), ("bss", 1.0)):
        folder = tmp_path / name
        train(pictures, folder, known, **options, bss=strength, bss_values=8)
        model = load_classifier(folder / "model").model
        pixels, _ = discs(32, ("red", "green", "blue"), 2)
        with torch.no_grad():
            features = model.resnet(pixels).pooler_output.flatten(1)
        smallest.append(float(torch.linalg.svdvals(features)[-8:].pow(2).sum()))
    assert smallest[1] < 0.5 * smallest[0]


def test_a_run_that_continues_another_is_still_pulled_to_the_pretrained_weights(
    tmp_path, known, pictures
):
    """With a pull that outweighs all else the continued run goes back to where all began."""
    train(pictures, tmp_path / "3f9a0c12de", known, learning_rate=0.01, strategy="full")
    config = RunConfig.read(tmp_path / "3f9a0c12de").longer("3f9a0c12de", 20)
    pulled = {**config.options, "penalty": "l2-sp", "penalty_strength": 100.0, "patience": 0}
    (tmp_path / "next").mkdir()
    run_recipe(
        RunConfig(**{**vars(config), "options": {**pulled, "best_by": "accuracy"}}),
        pictures,
        tmp_path / "next",
        tmp_path / "cache",
        Ear(),
    )
    from transformers import ResNetForImageClassification

    start = ResNetForImageClassification.from_pretrained(known).state_dict()
    first, then = weights(tmp_path / "3f9a0c12de"), weights(tmp_path / "next")

    def apart(state):
        return sum(
            float((state[name] - value).pow(2).sum())
            for name, value in start.items()
            if value.is_floating_point() and "classifier" not in name and "running" not in name
        )

    assert apart(then) < 0.5 * apart(first)


def test_lora_and_bf16_work_with_all_of_them(tmp_path, known, pictures):
    both = {name: value for way in WAYS.values() for name, value in way.items()}
    report = train(pictures, tmp_path / "run", known, strategy="lora", precision="bf16", **both)
    assert report["parity"]["pipeline"] < 1e-4
    norms = load_classifier(tmp_path / "run" / "model").model.modules()
    assert any(type(module) is nn.BatchNorm2d for module in norms)
