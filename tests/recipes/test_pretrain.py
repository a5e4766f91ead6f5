"""Recipe `pretrain` end to end: what it bought, that labels take no part in it, and that it goes on
where it was interrupted.
"""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import Ear

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, Cancelled
from tl_core.progress import Curve
from tl_core.recipes import run_recipe
from tl_core.recipes.pretrain import BEFORE

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
QUICK = {"max_length": 16, "baseline": False, "epochs": 2.0, "batch_size": 8, "learning_rate": 1e-3}


class Watch(Ear):
    """Hears the steps of the pretraining alone."""

    def stage(self, name, total=0, share=0.0):
        self.training, self.at = "without labels" in name, 0


def trained(version, folder, backbone, progress=None, recipe="pretrain", **options):
    folder.mkdir(exist_ok=True)
    quick = dict(QUICK) if recipe == "pretrain" else {"max_length": 16, "baseline": False}
    if version.info.modality != "text":
        quick.pop("max_length")
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{backbone}",
        recipe,
        {**quick, **options},
    )
    return run_recipe(config, version, folder, folder.parent / "cache", progress or Watch())


def weights(folder, *, head=False):
    """Of a saved model; without its classifier unless asked for."""
    state = load_classifier(folder / "model").model.state_dict()
    return {name: value for name, value in state.items() if head or "classifier" not in name}


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 80), tmp_path / "v")


def made_up(path, labelled, rows, seed=0):
    """A language of two topics: each has eighteen words, a text says three of them. Few texts
    have a class, so most words never stand in one.
    """
    random = np.random.default_rng(seed)
    lines = []
    for split, count in (("train", rows), ("validation", 2), ("test", 200)):
        for number in range(count):
            topic = number % 2
            words = random.choice(list(LETTERS[topic::2]), 3)
            known = split != "train" or number < 2 * labelled
            lines.append([" ".join(words), ("odd", "even")[topic] if known else "", split])
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "split"])
        writer.writerows(lines)
    return path


def averaging(folder, target):
    """A copy of a network that is to be read by the mean of its tokens."""
    shutil.copytree(folder, target)
    (target / "1_Pooling").mkdir()
    (target / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "mean"}))
    return target


def test_hidden_words_of_a_made_up_language_teach_its_topics(tiny, tmp_path):
    version = build(made_up(tmp_path / "t.csv", 1, 700), tmp_path / "v")
    backbone = averaging(tiny("bert"), tmp_path / "mean")
    report = trained(
        version,
        tmp_path / "run",
        backbone,
        epochs=30.0,
        batch_size=32,
        learning_rate=5e-3,
        mask_share=0.35,
    )
    beside = report["beside"][BEFORE]
    before, after = beside["accuracy"]["value"], report["test"]["accuracy"]["value"]
    assert before < 0.85, before
    assert after - before >= (1 - before) / 2, (before, after)
    assert beside["against"]["difference"]["low"] > 0
    facts = report["pretraining"]
    assert facts["unlabelled"] > 300 and facts["loss"] < facts["first_loss"]


@pytest.mark.parametrize("family", ("bert", "distilbert", "modernbert"))
def test_the_result_is_a_model_and_a_backbone(family, version, tiny, tmp_path):
    ear = Watch()
    report = trained(version, tmp_path / "run", tiny(family), ear)
    facts = report["pretraining"]
    assert facts["steps"] == facts["planned_steps"] == 2 * -(-facts["rows"] // 8)
    assert ear.curves[Curve.TRAINING]
    assert list(report["beside"]) == [BEFORE]
    assert not (tmp_path / "run" / "checkpoints").exists()
    again = trained(version, tmp_path / "probe", tmp_path / "run" / "model", recipe="probe")
    assert again["test"]["n"] == report["test"]["n"]


def test_it_goes_on_to_the_same_weights(version, tiny, tmp_path):
    whole = trained(version, tmp_path / "whole", tiny("bert"), checkpoint_steps=2)
    with pytest.raises(Cancelled):
        trained(version, tmp_path / "cut", tiny("bert"), Watch(cancel_at=5), checkpoint_steps=2)
    ear = Watch()
    resumed = trained(version, tmp_path / "cut", tiny("bert"), ear, checkpoint_steps=2)
    assert "Going on from step 4." in ear.logs
    first, second = weights(tmp_path / "whole", head=True), weights(tmp_path / "cut", head=True)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert whole["pretraining"] == resumed["pretraining"]
    assert whole["test"]["log_loss"] == resumed["test"]["log_loss"]


def test_what_is_stopped_is_kept(version, tiny, tmp_path):
    report = trained(version, tmp_path / "run", tiny("bert"), Watch(stop_at=3))
    facts = report["pretraining"]
    assert facts["steps"] == 3 < facts["planned_steps"]
    moved = weights(tmp_path / "run")
    trained(version, tmp_path / "plain", tiny("bert"), recipe="probe")
    before = weights(tmp_path / "plain")
    assert any(not torch.equal(value, before[name]) for name, value in moved.items())


class Shuffled(DatasetVersion):
    """A version in which every label but those of the held-out rows is another one."""

    @property
    def labels(self):
        known = np.array(super().labels)
        rows = self.rows_of("train")
        known[rows] = np.roll(known[rows], 1)
        return known


def test_no_label_takes_part(version, tiny, tmp_path):
    """With other labels the probe is another one, the encoder the same to the last bit."""
    trained(version, tmp_path / "own", tiny("bert"))
    trained(Shuffled(version.folder), tmp_path / "other", tiny("bert"))
    first, second = weights(tmp_path / "own"), weights(tmp_path / "other")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    heads = [weights(tmp_path / name, head=True)["classifier.weight"] for name in ("own", "other")]
    assert not torch.equal(*heads)


def test_held_out_texts_take_no_part(version, tiny, tmp_path, monkeypatch):
    from tl_core.recipes import pretrain

    seen = []
    real = pretrain.tokenize
    monkeypatch.setattr(
        pretrain,
        "tokenize",
        lambda version, rows, *rest: (seen.append(rows), real(version, rows, *rest))[1],
    )
    trained(version, tmp_path / "run", tiny("bert"))
    assert not np.isin(seen[0], version.rows_of("validation", "test")).any()


def test_the_same_seed_gives_the_same_weights(version, tiny, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        trained(version, tmp_path / name, tiny("bert"), seed=seed)
    first, again, other = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


@pytest.mark.parametrize("family", ("resnet", "vit"))
def test_photos_learn_from_two_views(family, tiny, tmp_path):
    version = build(write_pictures(tmp_path / "p", each=12), tmp_path / "v")
    report = trained(version, tmp_path / "run", tiny(family), augment="light", input_size=48)
    assert 48 in dict(load_classifier(tmp_path / "run" / "model").processor.size).values()
    assert "SimCLR" in report["pretraining"]["objective"]
    assert report["beside"][BEFORE]["against"]["n"] == report["test"]["n"]
    trained(version, tmp_path / "probe", tmp_path / "run" / "model", recipe="probe")


def test_photos_go_on_to_the_same_weights(tiny, tmp_path):
    version = build(write_pictures(tmp_path / "p", each=12), tmp_path / "v")
    options = {"augment": "light", "checkpoint_steps": 2}
    trained(version, tmp_path / "whole", tiny("resnet"), **options)
    with pytest.raises(Cancelled):
        trained(version, tmp_path / "cut", tiny("resnet"), Watch(cancel_at=5), **options)
    trained(version, tmp_path / "cut", tiny("resnet"), **options)
    first, second = weights(tmp_path / "whole", head=True), weights(tmp_path / "cut", head=True)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_what_cannot_learn_from_hidden_words_is_refused_before_anything_long(
    version, tiny, tmp_path
):
    with pytest.raises(BackboneError, match="hidden words"):
        trained(version, tmp_path / "run", tiny("gpt2"))
