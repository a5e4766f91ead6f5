"""Each domain held out in turn, by fine-tuned networks: what a training sees, what it never sees,
what is kept over an interruption.
"""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest
from tests_support import odd_places
from tests_support.datasets import Poisoned, build
from tests_support.odd_places import Place
from tests_support.shifted import write_shops
from tests_support.tiny_backbones import write_with_classes

from tl_core.config import RunConfig
from tl_core.config.specs import HoldOutSpec
from tl_core.data.domains import HeldOutVersion, domains_of
from tl_core.errors import ConfigError, DataError, TrainingError
from tl_core.progress import Progress
from tl_core.recipes.analyses import held_out_networks
from tl_core.recipes.analyses.held_out_networks import hold_out_by_networks
from tl_core.recipes.shared import distributed

PLACES = {
    "shop": Place(rows=(10, 4, 2)),
    "street": Place(contrast=0.6, light=15, rows=(8, 4, 2)),
    "yard": Place(contrast=0.8, tint=(0, 25, -10), rows=(8, 4, 2)),
}
QUICK = {"epochs": 1.0, "batch_size": 16, "augment": "none"}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_with_classes("resnet", folder)
    return f"local:{folder}"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return odd_places.built(tmp_path_factory.mktemp("places"), PLACES)


def go(version, folder, backbone, column="place", progress=None, **options):
    folder.mkdir(exist_ok=True)
    options = {"column": column, "settings": QUICK, **options}
    config = RunConfig("hold_out", "local", "d@1", str(version.folder), backbone, options=options)
    cache = folder.parent / "cache"
    return hold_out_by_networks(config, version, folder, cache, progress or Progress())


def test_a_training_never_sees_the_held_out_domain_nor_any_test_row(places):
    domains = domains_of(places, "place")
    asked = domains.rows_in("street")
    seen = HeldOutVersion(places, ~asked, asked)
    given = np.asarray(places.splits)
    judged = asked & np.isin(given, ("train", "validation"))
    assert (np.flatnonzero(judged) == seen.rows_of("test")).all()
    assert (seen.labels[asked | (given == "test")] == -1).all()
    learnt = np.isin(seen.splits, ("train", "validation"))
    assert not (learnt & asked).any() and not (learnt & (given == "test")).any()
    assert (seen.labels[learnt] == places.labels[learnt]).all()


def test_networks_of_the_others_on_domains_that_were_made(tmp_path, places, network, monkeypatch):
    methods = ("erm", "coral")
    found = go(places, tmp_path / "run", network, methods=methods)
    assert json.loads((tmp_path / "run" / "held_out.json").read_text()) == found
    assert [one["method"] for one in found["methods"]] == ["probe", *methods]
    assert [one["domain"] for one in found["held_out"]] == ["shop", "street", "yard"]
    assert [one["rows"] for one in found["held_out"]] == [42, 36, 36]  # train and validation
    for over in found["methods"]:
        values = [one["scores"][over["method"]]["value"] for one in found["held_out"]]
        assert over["mean"]["value"] == pytest.approx(np.mean(values))
        assert over["worst"]["value"] == min(values)
    assert len(found["gains"]) == len(methods)
    assert "ordinary fine-tuning" in found["gains"][0]["sentence"]
    pieces = sorted(one.parent.name for one in (tmp_path / "run").glob("part-*/answers.npy"))
    assert len(pieces) == 3 * len(methods)
    assert not list((tmp_path / "run").glob("part-*/model"))
    trained = []
    real = held_out_networks.load_training

    def noted(name):
        trained.append(name)
        return real(name)

    monkeypatch.setattr(held_out_networks, "load_training", noted)
    (tmp_path / "run" / "part-1-coral" / "answers.npy").unlink()
    again = go(places, tmp_path / "run", network, methods=methods)
    assert trained == ["finetune"] and again == found
    poisoned = go(Poisoned(places.folder), tmp_path / "p", network, methods=("erm",))
    for one, other in zip(poisoned["held_out"], found["held_out"], strict=True):
        assert one["inside"] == other["inside"]
        assert all(one["scores"][name] == other["scores"][name] for name in ("probe", "erm"))


def test_methods_that_compare_domains_are_refused_before_anything_is_trained(
    tmp_path, tiny, network, places
):
    """Of two places with the same cases nothing of one is left while the other is held out."""
    lines = ["text,label,shop,case"]
    for number, words in enumerate(permutations(("red", "old", "far", "wet", "odd"), 3)):
        label = "ab"[number % 2]
        lines += [f"{shop} {' '.join(words)},{label},{shop},{number}" for shop in ("here", "there")]
        lines.append(f"else {' '.join(words[::-1])} again,{label},third,{number + 100}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v", group_column="case")
    both = {"methods": ("erm", "coral"), "settings": {}}
    with pytest.raises(ConfigError, match="CORAL needs two domains"):
        go(version, tmp_path / "run", f"local:{tiny('bert')}", "shop", **both)
    mixed = {"methods": ("erm", "coral"), "settings": {**QUICK, "mix": "mixup"}}
    with pytest.raises(ConfigError, match="may be of two domains"):
        go(places, tmp_path / "mixed", network, **mixed)
    assert not list(tmp_path.glob("*/part-*"))


def test_several_processes_see_no_held_out_domain_either(tmp_path, places, network, monkeypatch):
    """They open the dataset themselves, and must not take all of it."""
    seen = []

    def launch(_command, _environment, folder, *_):
        seen.append(distributed.rows_told(RunConfig.read(folder), folder))
        return 1

    monkeypatch.setattr(distributed, "launch", launch)
    with pytest.raises(TrainingError, match="ended early"):
        go(places, tmp_path / "run", network, methods=("erm",), settings={**QUICK, "processes": 2})
    asked = domains_of(places, "place").rows_in("shop")
    expected = HeldOutVersion(places, ~asked, asked)
    assert (seen[0].labels == expected.labels).all() and (seen[0].splits == expected.splits).all()
    assert not (np.isin(seen[0].splits, ("train", "validation")) & asked).any()


def test_what_cannot_be_held_out_is_said(tmp_path, tiny, places, network):
    shops = build(write_shops(tmp_path / "t.csv", each=60), tmp_path / "v")
    text = f"local:{tiny('bert')}"
    with pytest.raises(ConfigError, match="CORAL needs two domains"):
        go(shops, tmp_path / "a", text, "shop", methods=("coral",), settings={})
    with pytest.raises(ConfigError, match="convolutional"):
        go(shops, tmp_path / "b", text, "shop", methods=("erm", "mixstyle"), settings={})
    lines = ["text,label,shop", *(f"the good order {n},{'ab'[n % 2]},north" for n in range(60))]
    lines += [f"my late film {n},,south" for n in range(40)]
    (tmp_path / "one.csv").write_text("\n".join(lines))
    one = build(tmp_path / "one.csv", tmp_path / "w")
    with pytest.raises(DataError, match="Fewer than two domains"):
        go(one, tmp_path / "c", text, "shop", methods=("erm",), settings={})
    with pytest.raises(ConfigError, match="average cannot be set"):
        HoldOutSpec(column="shop", settings={"average": "ema"})
