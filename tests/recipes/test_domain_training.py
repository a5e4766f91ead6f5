"""Fine-tuning for another domain end to end: a shift that was made, a target whose labels nobody
reads, interruptions, and a plain folder at the end.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support import odd_places
from tests_support.finetuning import Ear, train, weights
from tests_support.odd_places import Place
from tests_support.tiny_backbones import write_with_classes

from tl_core.data.domains import domains_of
from tl_core.data.overlays.overlay import Overlay
from tl_core.errors import Cancelled, ConfigError

PLACES = {
    "shop": Place(rows=(32, 8, 8)),
    "street": Place(contrast=0.45, light=15, tint=(0, 25, -10), rows=(24, 8, 16)),
}
MEANT = {"domain_column": "place", "source_domain": "shop", "target_domain": "street"}
OPTIONS = {
    "strategy": "full",
    "epochs": 15.0,
    "learning_rate": 0.003,
    "batch_size": 24,
    "augment": "none",
    "batchnorm": "adapt",
    **MEANT,
}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    write_with_classes("resnet", folder)
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return odd_places.built(tmp_path_factory.mktemp("places"), PLACES)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, known, places):
    """Of a network that has seen the source alone: on the target, and on the source."""
    folder = tmp_path_factory.mktemp("plain")
    report = train(places, folder / "run", known, **OPTIONS)
    return report["test"]["accuracy"]["value"], report["validation"]["accuracy"]["value"]


@pytest.mark.parametrize("way", ("adabn", "mcc", "deep_coral", "dann"))
def test_another_light_and_tint_are_overcome(tmp_path, known, places, plain, way):
    there, here = plain
    assert there < here - 0.1
    options = {**OPTIONS, "batchnorm": "auto"}  # as a person leaves it
    report = train(places, tmp_path / "run", known, **options, adaptation=way)
    assert report["test"]["n"] == 3 * (8 + 16)  # the target's own validation and test items
    assert report["test"]["accuracy"]["value"] > there + (here - there) / 2
    assert report["parity"]["pipeline"] < 1e-4
    # what rests on the source is told before the model goes by the target's statistics
    best = report["training"]["best_step"]
    told = next(one for one in report["training"]["history"] if one["step"] == best)
    assert report["validation"]["accuracy"]["value"] == pytest.approx(told["accuracy"], abs=0.05)
    wrong = 1 - report["test"]["accuracy"]["value"]
    assert report["test"]["log_loss"]["value"] < 0.35 + 3 * wrong


@pytest.mark.parametrize("way", ("adabn", "dann"))
def test_a_target_of_few_items_is_warned_of_and_one_of_a_single_item_refused(tmp_path, known, way):
    options = {**OPTIONS, "epochs": 1.0, "adaptation": way}
    few = {**PLACES, "street": Place(rows=(1, 0, 4))}
    version, ear = odd_places.built(tmp_path / "few", few), Ear()
    train(version, tmp_path / "run", known, ear, **options)
    [said] = [one for one in ear.findings if one["id"] == "few_target_items"]
    assert said["count"] == 3 and "The target has 3 items" in said["text"]
    splits, street = version.splits.copy(), domains_of(version, "place").rows_in("street")
    splits[np.flatnonzero(street & (splits == "train"))[1:]] = "removed"
    one = Overlay(version, splits=splits)
    with pytest.raises(ConfigError, match="more than one item"):
        train(one, tmp_path / "other", known, **options)


@pytest.mark.parametrize("way", ("mcc", "dann"))
def test_the_targets_labels_are_never_read(tmp_path, known, places, way):
    """Lies in the target's training labels change no weight."""
    lies = odd_places.built(tmp_path / "lies", PLACES, lies=("street",))
    options = {**OPTIONS, "epochs": 2.0, "adaptation": way}
    train(places, tmp_path / "true", known, **options)
    train(lies, tmp_path / "false", known, **options)
    first, second = weights(tmp_path / "true"), weights(tmp_path / "false")
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "way",
    (
        {"adaptation": "dann", "accumulate": 2},
        {
            "source_domain": "",
            "group_dro": 0.1,
            "domain_coral": 1.0,
            "mix_style": 0.5,
            "average": "swad",
        },
    ),
)
def test_an_interrupted_training_across_domains_ends_as_one_that_ran_through(tmp_path, known, way):
    three = {**PLACES, "yard": Place(contrast=0.8, rows=(16, 4, 4))}
    version = odd_places.built(tmp_path / "three", three)
    options = {**OPTIONS, "epochs": 4.0, "checkpoint_steps": 2, **way}
    train(version, tmp_path / "whole", known, **options)
    with pytest.raises(Cancelled):
        train(version, tmp_path / "torn", known, Ear(cancel_at=7), **options)
    again = Ear()
    train(version, tmp_path / "torn", known, again, **options)
    assert any("Going on from step" in text for text in again.logs)
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("options", "words"),
    (
        ({"group_dro": 0.1}, "at least two domains"),
        ({"group_dro": 0.1, "mix": "mixup"}, "may be of two domains"),
        ({"domain_coral": 1.0}, "domain_coral needs training items of at least two domains"),
        ({"adaptation": "mcc", "lora": True, "tune": "last"}, ""),
    ),
)
def test_one_domain_alone_is_refused_and_lora_adapts_as_well(
    tmp_path, known, places, options, words
):
    more = {**OPTIONS, "epochs": 1.0, "batchnorm": "auto", **options}
    if words:
        with pytest.raises(ConfigError, match=words):
            train(places, tmp_path / "run", known, **more)
    else:
        report = train(places, tmp_path / "run", known, **more)
        assert report["parity"]["pipeline"] < 1e-4


@pytest.mark.parametrize(
    ("options", "words"), (({"adaptation": "adabn"}, "adabn needs"), ({"mix_style": 0.5}, "conv"))
)
def test_a_transformer_is_refused_what_it_has_not(tmp_path, tiny, places, options, words):
    with pytest.raises(ConfigError, match=words):
        train(places, tmp_path / "run", tiny("vit"), **{**OPTIONS, "batchnorm": "auto", **options})
