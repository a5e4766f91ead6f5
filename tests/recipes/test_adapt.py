"""A probe for another domain, from end to end on a tiny network: sealed, chosen without labels,
folded, saved and loaded.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from tests_support.datasets import build, write_texts
from tests_support.shifted import class_means, domain, scaled_and_moved, write_shops

from tl_core import test_score
from tl_core.backbones.classifier import load_classifier
from tl_core.config import AdaptSettings, RunConfig
from tl_core.data.domains import TARGET, targeted
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, DataError
from tl_core.progress import Progress
from tl_core.recipes import adapt, run_recipe
from tl_core.recipes.shared import adapting

WAYS = ["none", "standardise", "coral", "subspace", "weights"]


def train(version, folder, backbone, progress=None, **options):
    folder.mkdir(exist_ok=True)
    options = {
        "domain_column": "shop",
        "target_domain": "south",
        "pooling": "mean",
        "max_length": 24,
        **options,
    }
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, "adapt", options)
    return run_recipe(config, version, folder, folder.parent / "cache", progress or Progress())


@pytest.fixture
def shops(tmp_path):
    return build(write_shops(tmp_path / "t.csv", unlabelled=12), tmp_path / "v")


def answers(folder):
    with (folder / "predictions.csv").open() as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("method", WAYS)
def test_the_saved_folder_answers_about_the_target_as_the_report_says(
    tmp_path, tiny, shops, method
):
    report = train(shops, tmp_path / "run", f"local:{tiny('bert')}", method=method)
    json.dumps(report, allow_nan=False)
    seen = targeted(shops, "shop", "", "south")
    lines = answers(tmp_path / "run")
    assert [int(line["index"]) for line in lines] == seen.rows_of("test").tolist()
    classifier = load_classifier(tmp_path / "run" / "model")
    again = classifier.probabilities(shops.texts(seen.rows_of("test")))
    written = np.array([[float(line[f"p:{one}"]) for one in report["labels"]] for line in lines])
    np.testing.assert_allclose(written, again, atol=1e-4)
    told = report["domains"]
    assert told["chosen"] == method and told["judged_by_target"] and not told["warning"]
    assert told["target_items"] == len(seen.rows_of(TARGET))
    assert report["test"]["n"] == len(lines)
    assert report["headline"].endswith("That is about south.")
    closed = test_score.seal(tmp_path / "run", report)
    assert "about the source; the test items are those of south." in closed["headline"]
    tried = {model["method"]: model for model in told["models"]}
    assert set(tried) == {"none", method}
    assert tried[method]["test"]["value"] == report["test"]["accuracy"]["value"]
    assert ("gain" in told) == (method != "none")
    assert told["gap"]["rows"] and "times in 100" in told["gap"]["sentence"]


def test_weights_and_distance_know_which_rows_belong_together(tmp_path, tiny, shops, monkeypatch):
    """Copies would be known by heart."""
    given = []
    for module, name in ((adapting, "density_ratio"), (adapt, "measure_gap")):
        real = getattr(module, name)

        def noted(source, target, seed, groups, real=real):
            given.append((source, target, groups))
            return real(source, target, seed, groups)

        monkeypatch.setattr(module, name, noted)
    train(shops, tmp_path / "run", f"local:{tiny('bert')}", method="weights")
    seen = targeted(shops, "shop", "", "south")
    splits = ("train",), ("train", "validation")
    for (source, target, groups), own in zip(given, splits, strict=True):
        rows = np.concatenate([seen.rows_of(one) for one in own])
        assert len(source) == len(rows) and len(target) == len(seen.rows_of(TARGET))
        assert (groups[0] == seen.groups[rows]).all()
        assert (groups[1] == seen.groups[seen.rows_of(TARGET)]).all()


class WrongTarget(DatasetVersion):
    """A version in which every label of the target is another one."""

    @property
    def labels(self):
        known = np.array(super().labels)
        south = np.array(self.table.column("shop").to_pylist()) == "south"
        known[south & (known >= 0)] = 1 - known[south & (known >= 0)]
        return known


def test_labels_of_the_target_take_no_part(tmp_path, tiny, shops):
    kept = []
    for name, version in (("a", shops), ("b", WrongTarget(shops.folder))):
        report = train(
            version, tmp_path / name, f"local:{tiny('bert')}", method="auto", baseline=False
        )
        models = [
            {key: value for key, value in model.items() if key != "test"}
            for model in report["domains"]["models"]
        ]
        kept.append(
            (
                (tmp_path / name / "model" / "model.safetensors").read_bytes(),
                models,
                report["domains"]["chosen"],
                report["validation"]["accuracy"],
                report["domains"]["gap"],
            )
        )
        right = report["test"]["accuracy"]["value"]
        kept[-1] = (*kept[-1], right)
    assert kept[0][:-1] == kept[1][:-1]
    assert kept[0][-1] == pytest.approx(1 - kept[1][-1])


@pytest.mark.parametrize("choice", ["snd", "entropy"])
def test_auto_takes_what_its_rule_says_and_warns(tmp_path, tiny, shops, choice):
    report = train(
        shops,
        tmp_path / "run",
        f"local:{tiny('bert')}",
        method="auto",
        choice=choice,
        baseline=False,
    )
    told = report["domains"]
    assert [model["method"] for model in told["models"]] == WAYS
    if choice == "snd":
        best = max(told["models"], key=lambda model: model["density"])
    else:
        best = min(told["models"], key=lambda model: model["entropy"])
    assert told["chosen"] == best["method"] == report["settings"]["used"]
    assert "may choose wrongly" in told["warning"]
    assert "on the target" in told["rule"]
    assert next(m for m in told["models"] if m["method"] == "weights")["effective"] > 1


def test_items_without_a_class_are_adapted_to_and_the_source_judges(tmp_path, tiny, shops):
    report = train(
        shops,
        tmp_path / "run",
        f"local:{tiny('bert')}",
        domain_column="",
        target_domain="unlabelled",
        baseline=False,
    )
    told = report["domains"]
    assert told["target_items"] == 12
    assert not told["judged_by_target"]
    assert report["test"]["n"] == len(shops.rows_of("test"))
    assert "judged by texts of the source" in told["sentence"]
    assert "about the source, not about the items without a class." in report["headline"]


def test_another_dataset_is_the_target(tmp_path, tiny, shops):
    lines = ["text,label"]
    lines += [
        f"the the my {('good', 'bad')[n % 2]} film {n},{('good', 'bad')[n % 2]}" for n in range(80)
    ]
    (tmp_path / "o.csv").write_text("\n".join(lines))
    other = build(tmp_path / "o.csv", tmp_path / "o")
    options = {
        "target_dataset": "others@1",
        "pooling": "mean",
        "max_length": 24,
        "method": "coral",
        "baseline": False,
    }
    backbone = f"local:{tiny('bert')}"
    config = RunConfig("train", "local", "d@1", str(shops.folder), backbone, "adapt", options)
    folder = tmp_path / "run"
    folder.mkdir()
    report = run_recipe(config, shops, folder, tmp_path / "cache", Progress(), target=other)
    told = report["domains"]
    assert told["target"] == "others@1" and told["judged_by_target"]
    assert told["target_items"] == len(other.rows_of("train"))
    judges = other.rows_of("validation", "test")
    classifier = load_classifier(folder / "model")
    said = classifier.probabilities(other.texts(judges)).argmax(axis=1)
    names = np.array(classifier.labels)[said]
    truth = np.array(other.info.labels)[other.labels[judges]]
    chosen = next(model for model in told["models"] if model["method"] == "coral")
    assert chosen["test"]["value"] == pytest.approx((names == truth).mean())
    lines = answers(folder)
    assert [int(line["index"]) for line in lines] == shops.rows_of("test").tolist()


def test_a_closed_score_hides_what_the_target_says(tmp_path, tiny, shops):
    folder = tmp_path / "run"
    report = train(shops, folder, f"local:{tiny('bert')}", method="coral", baseline=False)
    closed = test_score.seal(folder, report)
    assert all("test" not in model for model in closed["domains"]["models"])
    assert "gain" not in closed["domains"]
    opened = test_score.open_test(folder, tmp_path, "local")
    assert all("test" in model for model in opened["domains"]["models"])


@pytest.mark.parametrize("method", ["auto", "weights"])
def test_a_single_item_of_the_target_is_refused(tmp_path, tiny, method):
    lines = [f"a {'good' if n % 2 else 'bad'} word {n},{n % 2},north" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,shop", *lines, "alone,,south"]) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v")
    with pytest.raises(DataError, match="single item of the target"):
        train(version, tmp_path / "run", f"local:{tiny('bert')}", method=method)


def test_a_head_without_bias_cannot_take_a_mean_in(tmp_path, tiny, shops):
    with pytest.raises(ConfigError, match="no bias"):
        train(shops, tmp_path / "run", f"local:{tiny('gpt2')}", pooling="native")
    report = train(
        shops,
        tmp_path / "auto",
        f"local:{tiny('gpt2')}",
        pooling="native",
        method="auto",
        baseline=False,
    )
    tried = [model["method"] for model in report["domains"]["models"]]
    assert tried == ["none", "coral", "weights"]


def test_several_labels_are_refused(tmp_path, tiny):
    lines = ["text,label,shop"]
    lines += [
        f"words {n},{('a|b', 'a', 'b')[n % 3]},{('north', 'south')[n % 2]}" for n in range(80)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v", task="multi_label", label_separator="|")
    with pytest.raises(ConfigError, match="one class each"):
        train(version, tmp_path / "run", f"local:{tiny('bert')}")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_domain": "south"}, "not the column"),
        ({"domain_column": "s", "source_domain": "a", "target_domain": "a"}, "both source and"),
        ({"domain_column": "s", "target_domain": ""}, "No target is named"),
        ({"method": "magic"}, "Choose one of"),
        (
            {"domain_column": "s", "target_domain": "a", "target_dataset": "d@1"},
            "named twice",
        ),
    ],
)
def test_settings_that_cannot_work(options, words):
    with pytest.raises(ConfigError, match=words):
        RunConfig("train", "local", "d@1", "", "starter:text", "adapt", options)


def test_the_same_seed_gives_the_same_model(tmp_path, tiny, shops):
    for name in ("a", "b"):
        train(shops, tmp_path / name, f"local:{tiny('bert')}", method="weights", baseline=False)
    first, second = (
        (tmp_path / name / "model" / "model.safetensors").read_bytes() for name in "ab"
    )
    assert first == second


def test_a_probe_on_moved_features_regains_half_of_what_it_lost(tmp_path, tiny):
    """The recipe's own pieces on features with a known shift: scaled and moved columns."""
    from tl_core.config import ProbeSettings
    from tl_core.recipes.probe import probe_task
    from tl_core.recipes.shared import common

    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    task = probe_task(
        ProbeSettings(precision="float32", repeats=0),
        version,
        common.label_space(version),
        FakeBackbone(),
        tmp_path,
    )
    means = class_means()
    features, labels = domain(60, 1, means)
    task = replace(task, labels=labels.astype(np.int64), classes=3)
    before, truth = domain(400, 2, means)
    target = scaled_and_moved(before)
    split = {
        "train": features[task.rows["train"]],
        "validation": features[task.rows["validation"]],
        TARGET: target,
    }

    def right(fit, items):
        return (adapting.said(fit, items).argmax(axis=1) == truth).mean()

    plain = adapting.adapt("none", task, split, Progress(), AdaptSettings())
    whole, fallen = right(plain.fit, before), right(plain.fit, target)
    assert whole - fallen > 0.1
    for way in ("standardise", "coral"):
        mended = right(adapting.adapt(way, task, split, Progress(), AdaptSettings()).fit, target)
        assert mended - fallen > 0.5 * (whole - fallen)


class FakeBackbone:
    """As much of a backbone as a fit asks for."""

    class port:  # noqa: N801
        has_bias = True
