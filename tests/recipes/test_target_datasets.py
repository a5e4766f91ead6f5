"""Fine-tuning for a target, which may be another dataset: what the report says of it, and what the
plain probe says of the same items.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests_support import odd_places
from tests_support.datasets import build
from tests_support.finetuning import Ear, quick, train, weights
from tests_support.odd_places import Place
from tests_support.tiny_backbones import write_with_classes

from tl_core import test_score
from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.domains import judging_rows, targeted, with_target
from tl_core.errors import Cancelled, ConfigError, DataError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.estimate import measure
from tl_core.recipes.analyses.training_curve import follow
from tl_core.recipes.shared import source_probe
from tl_core.recipes.shared.source_probe import items_read_beside
from tl_core.services.trainings import check_training
from tl_core.train.items.item_training import read_inputs

SHOP = {"shop": Place(rows=(32, 8, 8))}
STREET = {"street": Place(contrast=0.45, light=15, tint=(0, 25, -10), rows=(24, 8, 16))}
OPTIONS = {
    "strategy": "full",
    "epochs": 15.0,
    "learning_rate": 0.003,
    "batch_size": 24,
    "augment": "none",
    "batchnorm": "adapt",
}
BRIEF = {**OPTIONS, "epochs": 2.0}
MEANT = {"domain_column": "place", "source_domain": "shop", "target_domain": "street"}
OTHER = {"target_dataset": "street@1"}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    write_with_classes("resnet", folder)
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return odd_places.built(tmp_path_factory.mktemp("shop"), SHOP)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    return odd_places.built(tmp_path_factory.mktemp("street"), STREET)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return odd_places.built(tmp_path_factory.mktemp("both"), {**SHOP, **STREET})


def tried(report):
    return {model["method"]: model for model in report["domains"]["models"]}


def accuracy(folder, version, rows):
    """By the saved folder, apart from the recipes."""
    classifier = load_classifier(folder / "model")
    said = classifier.probabilities(read_inputs(version, rows)).argmax(axis=1)
    names = np.array(classifier.labels)[said]
    return float((names == np.array(version.info.labels)[version.labels[rows]]).mean())


def test_another_light_in_another_dataset_is_overcome(tmp_path, known, shop, street):
    plain = train(shop, tmp_path / "plain", known, target=street, **OPTIONS, **OTHER)
    report = train(
        shop, tmp_path / "run", known, target=street, **OPTIONS, **OTHER, adaptation="mcc"
    )
    json.dumps(report, allow_nan=False)
    judges = street.rows_of("validation", "test")
    before = tried(plain)["unadapted"]["test"]["value"]
    after = tried(report)["mcc"]["test"]
    assert after["value"] == pytest.approx(accuracy(tmp_path / "run", street, judges))
    assert before == pytest.approx(accuracy(tmp_path / "plain", street, judges))
    here = plain["test"]["accuracy"]["value"]
    assert before < here - 0.1 and after["value"] > before + (here - before) / 2
    told = report["domains"]
    assert told["target"] == "street@1" and told["judged_by_target"]
    assert told["target_items"] == len(street.rows_of("train"))
    assert "fine-tuned network" in told["gain"]["sentence"]
    assert report["headline"].endswith("That is about the source, not about street@1.")
    assert report["test"]["n"] == len(shop.rows_of("test"))


def test_the_probe_beside_is_the_recipe_of_a_plain_probe(tmp_path, known, both):
    report = train(both, tmp_path / "run", known, **BRIEF, **MEANT, adaptation="mcc")
    folder = tmp_path / "plain"
    folder.mkdir()
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(both.folder),
        f"local:{known}",
        "adapt",
        {**MEANT, "method": "none", "baseline": False, "selection": "validation"},
    )
    other = run_recipe(config, both, folder, tmp_path / "cache", Progress())
    ours, theirs = tried(report)["none"], tried(other)["none"]
    for key in ("density", "entropy", "source", "c"):
        assert ours[key] == pytest.approx(theirs[key], rel=1e-6), key
    assert ours["test"] == theirs["test"]
    assert tried(report)["mcc"]["test"]["value"] == report["test"]["accuracy"]["value"]
    assert report["domains"]["gap"] == other["domains"]["gap"]
    seen = targeted(both, "place", "shop", "street")
    assert list(judging_rows(seen)) == list(seen.rows_of("test"))


def test_a_target_that_is_held_out_has_its_probe_beside_it(tmp_path, known, both):
    report = train(both, tmp_path / "run", known, **BRIEF, **MEANT)
    assert list(tried(report)) == ["none", "unadapted"]
    assert report["domains"]["chosen"] == "unadapted"


def test_labels_of_the_other_dataset_are_never_read(tmp_path, known, shop, street):
    lies = odd_places.built(tmp_path / "lies", STREET, lies=("street",))
    for name, target in (("true", street), ("false", lies)):
        train(shop, tmp_path / name, known, target=target, **BRIEF, **OTHER, adaptation="dann")
    first, second = weights(tmp_path / "true"), weights(tmp_path / "false")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_interrupted_training_ends_as_one_that_ran_through(tmp_path, known, shop, street):
    options = {**BRIEF, **OTHER, "epochs": 4.0, "checkpoint_steps": 2, "adaptation": "mcc"}
    whole = train(shop, tmp_path / "whole", known, target=street, **options)
    with pytest.raises(Cancelled):
        train(shop, tmp_path / "torn", known, Ear(cancel_at=7), target=street, **options)
    again = Ear()
    torn = train(shop, tmp_path / "torn", known, again, target=street, **options)
    assert any("Going on from step" in text for text in again.logs)
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torn["domains"] == whole["domains"]


def test_a_closed_score_hides_what_the_other_dataset_says(tmp_path, known, shop, street):
    report = train(shop, tmp_path / "run", known, target=street, **BRIEF, **OTHER)
    closed = test_score.seal(tmp_path / "run", report)
    assert "gain" in report["domains"] and "gain" not in closed["domains"]
    assert all("test" not in model for model in closed["domains"]["models"])


def test_an_estimate_and_a_curve_know_the_other_dataset(tmp_path, known, shop, street):
    config = RunConfig(
        "preflight",
        "local",
        "d@1",
        str(shop.folder),
        f"local:{known}",
        "finetune",
        {**quick(shop), **BRIEF, **OTHER, "adaptation": "mcc"},
    )
    folder = tmp_path / "estimate"
    folder.mkdir()
    estimate = measure(config, shop, folder, tmp_path / "cache", Ear(), target=street)
    assert estimate["minutes"] > 0
    folder = tmp_path / "curve"
    folder.mkdir()
    curve = follow(config, shop, folder, tmp_path / "cache", Ear(), target=street)
    assert len(curve["points"]) > 1


def test_several_labels_are_refused_before_anything_waits(tmp_path, tiny):
    lines = ["text,label"]
    lines += [f"words {n},{('a|b', 'a', 'b')[n % 3]}" for n in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v", task="multi_label", label_separator="|")
    with pytest.raises(DataError, match="one class each"):
        train(version, tmp_path / "run", tiny("bert"), target=version, target_dataset="d@1")
    reference = f"local:{tiny('bert')}"
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        reference,
        "finetune",
        {"target_dataset": "d@1"},
    )
    with pytest.raises(DataError, match="one class each"):
        check_training(config)


def test_the_column_of_the_source_matters_not_where_the_target_is_a_dataset(
    tmp_path, known, shop, street
):
    """It has one place alone, and is asked for nothing."""
    options = {**BRIEF, **OTHER, "domain_column": "place"}
    report = train(shop, tmp_path / "run", known, target=street, **options)
    assert report["domains"]["judged_by_target"]


def test_a_probe_that_cannot_be_fitted_ends_no_training(tmp_path, known, shop, street, monkeypatch):
    def refuse(*_told, **_more):
        raise DataError("The training rows cannot be divided.", "", "")

    monkeypatch.setattr(source_probe, "probe", refuse)
    ear = Ear()
    report = train(shop, tmp_path / "run", known, ear, target=street, **BRIEF, **OTHER)
    assert "domains" not in report
    assert any("nothing stands beside the network" in text for text in ear.logs)


def test_the_estimate_grows_with_the_target(shop, street):
    none, some = items_read_beside(shop), items_read_beside(with_target(shop, street))
    read, judges = street.rows_of("train"), street.rows_of("validation", "test")
    own = shop.rows_of("train", "validation")
    assert none == 0 and some == len(own) + 2 * len(read) + 2 * len(judges)


def test_labelled_items_of_the_other_dataset_judge(tmp_path, known, shop):
    unlabelled = odd_places.built(tmp_path / "bare", STREET)
    bare = with_target(shop, unlabelled)
    assert len(judging_rows(bare)) == len(unlabelled.rows_of("validation", "test"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_dataset": "d@1", **MEANT}, "named twice"),
        ({"target_dataset": "d@1", "target_domain": "unlabelled"}, "named twice"),
        ({"target_dataset": "d@1", "domain_column": "s", "source_domain": "a"}, "go together"),
        ({"target_dataset": "d@1", "processes": 2}, "several GPUs"),
        ({"target_dataset": "d@1", "sharing": "fsdp"}, "fsdp does not go"),
        ({"adaptation": "mcc"}, "needs a target"),
        ({"stochastic_norm": 0.5, "average": "ema"}, "do not go together"),
    ],
)
def test_settings_that_cannot_work(options, words):
    with pytest.raises(ConfigError, match=words):
        RunConfig("train", "local", "d@1", "", "starter:image", "finetune", options)
