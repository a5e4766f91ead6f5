"""Domains of a dataset: distances, and each held out in turn, against scikit-learn and on domains
that differ in a known way.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests_support.datasets import Poisoned, build, write_texts
from tests_support.shifted import class_means, domain, mixed, scaled_and_moved, write_shops

from tl_core.config import ProbeSettings, RunConfig
from tl_core.errors import ConfigError, DataError, NotFoundError
from tl_core.progress import Progress
from tl_core.recipes.analyses.domain_comparison import compare_domains
from tl_core.recipes.analyses.held_out_domains import (
    DomainItems,
    align,
    hold_out_each,
    learn_and_ask,
)

MEANS = class_means()


def go(version, folder, backbone, **options):
    folder.mkdir()
    options = {"column": "shop", "max_length": 24, **options}
    config = RunConfig("domains", "local", "d@1", str(version.folder), backbone, options=options)
    return compare_domains(config, version, folder, folder.parent / "cache", Progress())


def test_the_shops_of_a_dataset(tmp_path, tiny):
    version = build(write_shops(tmp_path / "t.csv", each=60), tmp_path / "v")
    found = go(version, tmp_path / "run", f"local:{tiny('bert')}")
    assert json.loads((tmp_path / "run" / "domains.json").read_text()) == found
    rows = version.rows_of("train", "validation")
    assert sum(one["rows"] for one in found["domains"]) == len(rows)
    (pair,) = found["pairs"]
    assert (pair["one"], pair["other"]) == ("north", "south")
    assert pair["gap"]["told_apart"]["low"] > 0.5  # they begin with other words
    assert {part["label"] for part in pair["classes"]} <= {"good", "bad"}
    held = {one["domain"]: one for one in found["unseen"]["held_out"]}
    assert set(held) == {"north", "south"}
    for method in found["unseen"]["methods"]:
        values = [one["scores"][method["method"]]["value"] for one in held.values()]
        assert method["mean"]["value"] == pytest.approx(np.mean(values))
        assert method["worst"]["value"] == min(values)
        assert method["mean"]["low"] <= method["mean"]["value"] <= method["mean"]["high"]
    assert found["sentence"].startswith("Furthest apart: north and south")


def test_test_labels_take_no_part(tmp_path, tiny):
    version = build(write_shops(tmp_path / "t.csv", each=60), tmp_path / "v")
    both = [
        go(one, tmp_path / name, f"local:{tiny('bert')}")
        for one, name in ((version, "a"), (Poisoned(version.folder), "b"))
    ]
    assert both[0] == both[1]


def test_without_classes_there_is_a_distance_and_a_reason(tmp_path, tiny):
    lines = ["text,label,shop"]
    lines += [f"the good order {n},{'ab'[n % 2]},north" for n in range(60)]
    lines += [f"my late film {n},,south" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    found = go(version, tmp_path / "run", f"local:{tiny('bert')}")
    assert found["pairs"][0]["gap"] and not found["pairs"][0]["classes"]
    assert found["unseen"] is None and "Only one domain" in found["missing"]


def test_a_domain_of_hardly_any_labels_leaves_the_distances(tmp_path, tiny):
    lines = [f"a {('bad', 'good')[n % 2]} word {n},{n % 2},north,train" for n in range(60)]
    lines += [f"some item {n},{n % 2},north,test" for n in range(8)]
    lines += [f"other words {n} come here,,south,train" for n in range(30)]
    lines += [f"one more {n},{n},south,train" for n in range(2)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,shop,split", *lines]) + "\n")
    found = go(build(tmp_path / "t.csv", tmp_path / "v"), tmp_path / "run", f"local:{tiny('bert')}")
    assert [one["labelled"] for one in found["domains"]] == [60, 2]
    assert found["pairs"][0]["gap"] and found["unseen"] is None
    assert "cannot be divided" in found["missing"]


def test_a_domain_of_few_items_is_told(tmp_path, tiny):
    shops = {"north": 40, "south": 40, "west": 3}
    lines = [
        f"a {('bad', 'good')[n % 2]} word {n} {shop},{n % 2},{shop},train"
        for shop, count in shops.items()
        for n in range(count)
    ]
    lines += [f"some item {n},{n % 2},north,test" for n in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,shop,split", *lines]) + "\n")
    found = go(build(tmp_path / "t.csv", tmp_path / "v"), tmp_path / "run", f"local:{tiny('bert')}")
    assert "west has 3 texts with a class, which tell little of it." in found["sentence"]
    assert "south has" not in found["sentence"]


def test_what_names_no_domain_is_said(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(NotFoundError, match="no column 'shop'"):
        go(version, tmp_path / "run", f"local:{tiny('bert')}")
    with pytest.raises(ConfigError, match="column is missing"):
        RunConfig("domains", "local", "d@1")


def four_domains(*changes):
    """A domain for each change of the same classes."""
    parts = [domain(120, place, MEANS) for place in range(len(changes))]
    features = [change(part[0]) for change, part in zip(changes, parts, strict=True)]
    return DomainItems(
        np.concatenate(features),
        np.concatenate([part[1] for part in parts]),
        np.repeat(np.arange(len(changes)), 120),
        np.arange(120 * len(changes)),
        [f"d{place}" for place in range(len(changes))],
        "items",
    )


def test_each_domain_is_asked_by_a_model_of_the_others():
    items = four_domains(lambda x: x, lambda x: x + 1, scaled_and_moved)
    settings = ProbeSettings(c_values=(1.0,))
    found = hold_out_each(items, settings, "within", Progress())
    for place, one in enumerate(found["held_out"]):
        here = items.domains == place
        model = LogisticRegression(max_iter=5000, C=1.0)
        spread = items.features[~here].std()
        model.fit((items.features[~here] / spread), items.labels[~here])
        expected = model.score(items.features[here] / spread, items.labels[here])
        assert one["scores"]["erm"]["value"] == pytest.approx(expected, abs=0.02)
    assert found["held_out"][2]["scores"]["erm"]["value"] < 0.8
    assert found["held_out"][2]["inside"]["value"] > 0.9
    assert found["methods"][0]["worst_domain"] == "d2"


def test_no_probe_is_asked_about_an_item_of_which_it_has_seen_a_copy():
    items = four_domains(lambda x: x, lambda x: x + 1)
    items.groups[120:160] = items.groups[:40]
    items.labels[120:160] = 1 - items.labels[:40]  # what only a copy could tell
    settings = ProbeSettings(c_values=(1.0,))
    found = hold_out_each(items, settings, "within", Progress())
    assert [one["left_out"] for one in found["held_out"]] == [40, 40]
    alone = replace(
        items,
        **{name: getattr(items, name)[40:] for name in ("features", "labels", "domains", "groups")},
    )
    expected = learn_and_ask(alone, alone.domains == 1, "erm", settings, "within")
    said = learn_and_ask(items, items.domains == 1, "erm", settings, "within")
    assert (said == expected).all()
    items.groups[:] = 0
    with pytest.raises(DataError, match="copies of its items, fewer than two classes"):
        hold_out_each(items, settings, "within", Progress())


def test_the_rule_is_told_and_across_needs_three_domains():
    settings = ProbeSettings(c_values=(1.0,))
    three = four_domains(lambda x: x, lambda x: x + 1, lambda x: x - 1)
    assert (
        "leave-one-training-domain" in hold_out_each(three, settings, "across", Progress())["rule"]
    )
    two = four_domains(lambda x: x, lambda x: x + 1)
    found = hold_out_each(two, settings, "across", Progress())
    assert "cross-validation" in found["rule"]
    # of two, one is learnt from, which nothing can be aligned with
    assert [one["method"] for one in found["methods"]] == ["erm"] and found["gain"] is None


def test_aligned_domains_have_the_same_moments():
    items = four_domains(lambda x: x, scaled_and_moved, mixed)
    aligned = align(items.features, items.domains)
    means = [aligned[items.domains == place].mean(axis=0) for place in range(3)]
    for one in means[1:]:
        np.testing.assert_allclose(one, means[0], atol=1e-2)
