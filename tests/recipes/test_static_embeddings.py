"""Recipe `static_embeddings`: every head learns, frozen vectors stay, and the saved folder says the
same.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig, StaticSettings
from tl_core.config.static import HEADS
from tl_core.errors import DataError
from tl_core.predict.explanations.explain import explain
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import read_settings


def train(version, folder, backbone, **options):
    folder.mkdir(exist_ok=True)
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        backbone,
        "static_embeddings",
        {"baseline": False, "epochs": 6.0, "learning_rate": 0.01, **options},
    )
    return run_recipe(config, version, folder, folder.parent / "cache", Progress())


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 80), tmp_path / "v")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("vectors", ["frozen", "tuned"])
def test_every_head_learns_and_frozen_vectors_stay(tmp_path, tiny, version, head, vectors):
    backbone = f"local:{tiny('bert')}"
    report = train(version, tmp_path / "run", backbone, head=head, vectors=vectors)
    assert report["test"]["accuracy"]["value"] > 0.8
    assert report["parity"]["pipeline"] < 1e-4
    before = load_backbone(f"static:{backbone}", ["a", "b"], read_settings()).model.embedding.weight
    after = load_classifier(tmp_path / "run" / "model").model.embedding.weight
    assert torch.equal(before, after) == (vectors == "frozen")
    rows = sum(p.numel() for p in load_classifier(tmp_path / "run" / "model").model.parameters())
    moved = report["model"]["trainable_parameters"]
    assert moved == (rows if vectors == "tuned" else rows - before.numel())
    assert report["settings"]["head"] == head and "lora" not in report["settings"]


def test_the_same_seed_gives_the_same_answers_and_another_one_others(tmp_path, tiny, version):
    said = []
    for number, seed in enumerate((3, 3, 4)):
        train(
            version, tmp_path / f"r{number}", f"static:local:{tiny('bert')}", head="gru", seed=seed
        )
        said.append(
            load_classifier(tmp_path / f"r{number}" / "model").probabilities(
                ["a good film", "bad order"]
            )
        )
    np.testing.assert_array_equal(said[0], said[1])
    assert np.abs(said[0] - said[2]).max() > 0


def test_a_trained_one_can_be_explained_and_be_the_start_of_a_probe(tmp_path, tiny, version):
    train(version, tmp_path / "run", f"local:{tiny('bert')}", head="cnn")
    explanation = explain(load_classifier(tmp_path / "run" / "model"), "a good film", "good")
    assert explanation["words"]
    backbone = load_backbone(
        f"local:{tmp_path / 'run' / 'model'}", ["a", "b", "c"], read_settings()
    )
    assert backbone.port.width == 300 and not backbone.fresh


def test_pictures_are_refused_in_words(tmp_path, tiny):
    version = build(write_pictures(tmp_path / "p", each=8), tmp_path / "pv")
    with pytest.raises(DataError, match="read texts"):
        train(version, tmp_path / "run", "starter:image-small")


def test_its_words_become_a_training_without_decay_and_with_one_rate():
    tuning = StaticSettings(vectors="tuned", epochs=3.0, seed=7).as_finetuning()
    assert (
        tuning.tune,
        tuning.weight_decay,
        tuning.head_lr,
        tuning.epochs,
        tuning.seed,
    ) == (
        "all",
        0.0,
        1.0,
        3.0,
        7,
    )
    assert StaticSettings().as_finetuning().tune == "head"
